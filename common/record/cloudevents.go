package record

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultEventType is the CloudEvents type of a record that has none.
const DefaultEventType = "dev.patchbay.record"

// EventSourceHeader is the header in which UnmarshalCloudEvent keeps the source of an event and from which
// MarshalCloudEvent takes it, so that an event that passes through keeps its identity, which is id and source together.
const EventSourceHeader = "ce-source"

// Extension attributes that carry what CloudEvents has no attribute for. partitionkey is a documented extension; the
// others are ours.
const (
	attrKey       = "partitionkey"
	attrKeyBytes  = "patchbaykeybase64" // a key that is no CloudEvents string
	attrOp        = "patchbayop"
	attrPartition = "patchbaypartition"
	attrPosition  = "patchbayposition"
	attrHeaders   = "patchbayheaders" // JSON object of the headers that are no legal attributes
)

var reservedAttrs = []string{
	"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
	attrKey, attrKeyBytes, attrOp, attrPartition, attrPosition, attrHeaders,
}

// MarshalCloudEvent returns rec as one line of JSON: a CloudEvent 1.0 in the structured mode, without a newline. source is
// the event's source, a URI reference, unless the record has an EventSourceHeader. A record without ID gets a random one,
// one without type DefaultEventType.
//
// A JSON payload becomes data, with its bytes as they are but for white space around newlines; text becomes data as a
// string, anything else data_base64. A content-type header, whatever its case, becomes datacontenttype, and where it names
// something else than JSON the payload is never taken for JSON. Headers whose names are legal attribute names (lower-case
// letters and digits, at most 20) become extension attributes; the others travel together in patchbayheaders, a string
// holding a JSON object. The key becomes partitionkey. Delete, partition and position travel as patchbayop,
// patchbaypartition and patchbayposition.
//
// It is an error if a text field other than the key is not valid UTF-8 or if the time is outside the years 0 to 9999.
func MarshalCloudEvent(rec Record, source string) ([]byte, error) {
	e := eventWriter{}
	e.WriteString(`{"specversion":"1.0"`)
	id, typ := rec.ID, rec.Type
	if id == "" {
		id = rand.Text()
	}
	if typ == "" {
		typ = DefaultEventType
	}
	if s := rec.Headers[EventSourceHeader]; s != "" {
		source = s
	}
	e.attr("id", id)
	e.attr("source", source)
	e.attr("type", typ)
	e.attr("subject", rec.Subject)
	if !rec.Time.IsZero() {
		if y := rec.Time.UTC().Year(); y < 0 || y > 9999 {
			return nil, fmt.Errorf("write CloudEvent: the year of time %v is outside 0 to 9999", rec.Time)
		}
		e.attr("time", rec.Time.UTC().Format(time.RFC3339Nano))
	}
	if isEventString(rec.Key) {
		e.attr(attrKey, rec.Key)
	} else {
		e.attr(attrKeyBytes, base64.StdEncoding.EncodeToString([]byte(rec.Key)))
	}
	if rec.Op != Upsert {
		e.attr(attrOp, string(rec.Op))
	}
	e.attr(attrPartition, rec.Partition)
	e.attr(attrPosition, rec.Position)
	contentType := e.headers(rec.Headers)
	e.data(rec.Value, contentType)
	e.WriteByte('}')
	if e.err != nil {
		return nil, fmt.Errorf("write CloudEvent: %w", e.err)
	}
	return e.Bytes(), nil
}

// An eventWriter gathers an event's JSON and the first error.
type eventWriter struct {
	bytes.Buffer
	err error
}

// attr writes an attribute, unless it is empty.
func (e *eventWriter) attr(name, value string) {
	if value == "" {
		if name == "source" {
			e.err = errors.New("source is required")
		}
		return
	}
	e.member(name, value)
}

func (e *eventWriter) member(name, value string) {
	if !utf8.ValidString(value) && e.err == nil {
		e.err = fmt.Errorf("%s is not valid UTF-8", name)
	}
	fmt.Fprintf(e, `,"%s":`, name)
	e.Write(quote(value))
}

// headers writes the headers and returns the content type among them.
func (e *eventWriter) headers(headers map[string]string) (contentType string) {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	others := map[string]string{}
	for _, name := range names {
		value := headers[name]
		switch {
		case name == EventSourceHeader && value != "":
		case strings.EqualFold(name, "content-type") && contentType == "" && value != "" && isEventString(value):
			contentType = value
		case isAttrName(name) && isEventString(value):
			e.member(name, value)
		default:
			if !utf8.ValidString(name+value) && e.err == nil {
				e.err = fmt.Errorf("header %q is not valid UTF-8", name)
			}
			others[name] = value
		}
	}
	if len(others) > 0 {
		object, err := json.Marshal(others)
		e.err = errors.Join(e.err, err)
		e.attr(attrHeaders, string(object))
	}
	return contentType
}

func (e *eventWriter) data(value []byte, contentType string) {
	text := utf8.Valid(value)
	isJSON := text && (contentType == "" || isJSONType(contentType)) && json.Valid(value)
	if contentType == "" && len(value) > 0 {
		switch {
		case isJSON:
			contentType = "application/json"
		case text:
			contentType = "text/plain"
		default:
			contentType = "application/octet-stream"
		}
	}
	e.attr("datacontenttype", contentType)
	switch {
	case len(value) == 0:
	case isJSON:
		e.WriteString(`,"data":`)
		if bytes.ContainsAny(value, "\n\r") {
			e.err = errors.Join(e.err, json.Compact(&e.Buffer, value))
		} else {
			e.Write(value)
		}
	case text && !isJSONType(contentType):
		e.WriteString(`,"data":`)
		e.Write(quote(string(value)))
	default:
		e.WriteString(`,"data_base64":"`)
		e.WriteString(base64.StdEncoding.EncodeToString(value))
		e.WriteByte('"')
	}
}

// quote returns s as a JSON string without the escapes that only HTML needs.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

// isAttrName reports whether a header may be an extension attribute of the same name.
func isAttrName(name string) bool {
	if name == "" || len(name) > 20 || slices.Contains(reservedAttrs, name) {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isEventString reports whether s is a legal CloudEvents String: no control characters, no noncharacters.
func isEventString(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if c < 0x20 || c >= 0x7f && c <= 0x9f || c&0xfffe == 0xfffe || c >= 0xfdd0 && c <= 0xfdef {
			return false
		}
	}
	return true
}

func isJSONType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json"))
}
