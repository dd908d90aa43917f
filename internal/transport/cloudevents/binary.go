package cloudevents

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
)

const (
	headerPrefix  = "Ce-" // as package http spells it; on the wire the case does not matter
	contentHeader = "Content-Type"
)

// The forms that need no lookup or change of case for each record.
var (
	headerVersion   = headerName("specversion")
	headerID        = headerName("id")
	headerSource    = headerName("source")
	headerType      = headerName("type")
	headerSubject   = headerName("subject")
	headerTime      = headerName("time")
	headerKey       = headerName(attribute.Key)
	headerKeyBytes  = headerName(attribute.KeyBytes)
	headerOp        = headerName(attribute.Op)
	headerPartition = headerName(attribute.Partition)
	headerPosition  = headerName(attribute.Position)
	headerHeaders   = headerName(attribute.Headers)
)

func headerName(attr string) string { return http.CanonicalHeaderKey(headerPrefix + attr) }

// encodeBinary returns the headers of a record in the binary mode; the payload is the body. Headers of the record that can
// be attributes become some, the others travel together in one, so that none of them can mean anything to HTTP.
func encodeBinary(rec *record.Record, source string) (http.Header, error) {
	e := binaryEvent{h: make(http.Header, 8)}
	id, typ := rec.ID, rec.Type
	if id == "" {
		id = rand.Text()
	}
	if typ == "" {
		typ = record.DefaultEventType
	}
	if s := rec.Headers[record.EventSourceHeader]; s != "" {
		source = s
	}
	if source == "" {
		e.err = errors.New("source is required")
	}
	e.h[headerVersion] = []string{"1.0"}
	e.set(headerID, id)
	e.set(headerSource, source)
	e.set(headerType, typ)
	e.set(headerSubject, rec.Subject)
	if !rec.Time.IsZero() {
		if y := rec.Time.UTC().Year(); y < 0 || y > 9999 {
			return nil, fmt.Errorf("write CloudEvent: the year of time %v is outside 0 to 9999", rec.Time)
		}
		e.set(headerTime, rec.Time.UTC().Format(time.RFC3339Nano))
	}
	if attribute.IsString(rec.Key) {
		e.set(headerKey, rec.Key)
	} else {
		e.set(headerKeyBytes, base64.StdEncoding.EncodeToString([]byte(rec.Key)))
	}
	if rec.Op != record.Upsert {
		e.set(headerOp, string(rec.Op))
	}
	e.set(headerPartition, rec.Partition)
	e.set(headerPosition, rec.Position)
	contentType := e.headers(rec.Headers)
	if contentType == "" {
		contentType = attribute.ImpliedType(rec.Value)
	}
	if contentType != "" {
		e.h[contentHeader] = []string{contentType}
	}
	if e.err != nil {
		return nil, fmt.Errorf("write CloudEvent: %w", e.err)
	}
	return e.h, nil
}

// A binaryEvent gathers an event's headers and the first error.
type binaryEvent struct {
	h   http.Header
	err error
}

// set sets an attribute, unless it is empty.
func (e *binaryEvent) set(header, value string) {
	if value == "" {
		return
	}
	if e.err == nil && !utf8.ValidString(value) {
		e.err = fmt.Errorf("%s is not valid UTF-8", strings.ToLower(header))
	}
	e.h[header] = []string{attribute.Escape(value)}
}

// headers sets the headers of a record and returns the content type among them.
func (e *binaryEvent) headers(headers map[string]string) (contentType string) {
	if len(headers) == 0 {
		return ""
	}
	var others map[string]string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		switch {
		case name == record.EventSourceHeader && value != "":
		case contentType == "" && strings.EqualFold(name, contentHeader) && isPlainType(value):
			contentType = value
		case isAttribute(name) && value != "" && attribute.IsString(value):
			e.set(headerName(name), value)
		default:
			if e.err == nil && !utf8.ValidString(name+value) {
				e.err = fmt.Errorf("header %q is not valid UTF-8", name)
			}
			if others == nil {
				others = map[string]string{}
			}
			others[name] = value
		}
	}
	if others != nil {
		object, err := json.Marshal(others)
		e.err = errors.Join(e.err, err)
		e.set(headerHeaders, string(object))
	}
	return contentType
}

// decodeBinary reads an event in the binary mode. The record keeps body.
func decodeBinary(h http.Header, body []byte) (record.Record, error) {
	rec := record.Record{Value: body, Headers: make(map[string]string, 2)}
	others, version := "", ""
	for header, values := range h {
		if !strings.HasPrefix(header, headerPrefix) || len(header) == len(headerPrefix) {
			continue
		}
		value, err := attributeValue(header, values)
		if err != nil {
			return record.Record{}, err
		}
		switch header {
		case headerVersion:
			version = value
		case headerID:
			rec.ID = value
		case headerSource:
			rec.Headers[record.EventSourceHeader] = value
		case headerType:
			rec.Type = value
		case headerSubject:
			rec.Subject = value
		case headerTime:
			if rec.Time, err = time.Parse(time.RFC3339Nano, value); err != nil {
				return record.Record{}, fmt.Errorf("ce-time %q is no RFC 3339 time", value)
			}
		case headerKey:
			if rec.Key == "" {
				rec.Key = value
			}
		case headerKeyBytes:
			key, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return record.Record{}, fmt.Errorf("ce-%s: %w", attribute.KeyBytes, err)
			}
			rec.Key = string(key)
		case headerOp:
			rec.Op = record.Op(value)
		case headerPartition:
			rec.Partition = value
		case headerPosition:
			rec.Position = value
		case headerHeaders:
			others = value
		default:
			rec.Headers[strings.ToLower(header[len(headerPrefix):])] = value
		}
	}
	if err := checkRequired(&rec, version); err != nil {
		return record.Record{}, err
	}
	if rec.Type == record.DefaultEventType {
		rec.Type = ""
	}
	if contentType := h.Get(contentHeader); contentType != "" && contentType != attribute.ImpliedType(body) {
		if !utf8.ValidString(contentType) {
			return record.Record{}, errors.New("content-type is not valid UTF-8")
		}
		rec.Headers["content-type"] = contentType
	}
	return rec, addHeaders(rec.Headers, others)
}

// attributeValue returns the value of an attribute's header.
func attributeValue(header string, values []string) (string, error) {
	if len(values) != 1 {
		return "", fmt.Errorf("%s is given %d times", strings.ToLower(header), len(values))
	}
	value := attribute.Unescape(attribute.Unquote(values[0]))
	if !utf8.ValidString(value) {
		return "", fmt.Errorf("%s is not valid UTF-8", strings.ToLower(header))
	}
	return value, nil
}

func checkRequired(rec *record.Record, version string) error {
	missing := ""
	switch {
	case version == "":
		missing = "specversion"
	case version != "1.0":
		return fmt.Errorf("ce-specversion is %q, it must be \"1.0\"", version)
	case rec.ID == "":
		missing = "id"
	case rec.Headers[record.EventSourceHeader] == "":
		missing = "source"
	case rec.Type == "":
		missing = "type"
	default:
		return nil
	}
	return fmt.Errorf("the header ce-%s is missing", missing)
}

// addHeaders adds what the attribute for other headers holds, if it is there.
func addHeaders(headers map[string]string, object string) error {
	if object == "" {
		return nil
	}
	var others map[string]string
	if err := json.Unmarshal([]byte(object), &others); err != nil {
		return fmt.Errorf("ce-%s: %w", attribute.Headers, err)
	}
	maps.Copy(headers, others)
	return nil
}

// isPlainType reports whether a content type can be that of a request in the binary mode: it is not escaped, so it must be
// printable ASCII, and it must not announce another mode.
func isPlainType(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && s == strings.TrimSpace(s) && !isEventType(s)
}

// isAttribute reports whether a header of a record may be an extension attribute of the same name.
func isAttribute(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	switch name {
	case "", "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
		attribute.Key, attribute.KeyBytes, attribute.Op, attribute.Partition, attribute.Position, attribute.Headers:
		return false
	}
	return len(name) <= 20
}
