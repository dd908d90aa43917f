package nats

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
)

// In the binary mode each CloudEvents attribute is a header with this prefix and the payload is the data. The extension
// attributes are those of record.MarshalCloudEvent, which writes the structured mode.
const (
	eventPrefix      = "ce-"
	eventContentType = "application/cloudevents"

	attrKey       = eventPrefix + attribute.Key
	attrKeyBytes  = eventPrefix + attribute.KeyBytes
	attrOp        = eventPrefix + attribute.Op
	attrPartition = eventPrefix + attribute.Partition
	attrPosition  = eventPrefix + attribute.Position
	attrDataType  = eventPrefix + "datacontenttype"
)

// encodeEvent writes a record as a CloudEvent 1.0 in the binary mode of the NATS protocol binding.
func encodeEvent(rec *record.Record, source string, msg *natsgo.Msg) {
	msg.Data = rec.Value
	h := headers{msg: msg}
	id, typ := rec.ID, rec.Type
	if id == "" {
		id = nuid.Next() // required, and it must be unique
	}
	if typ == "" {
		typ = record.DefaultEventType
	}
	if s := rec.Headers[record.EventSourceHeader]; s != "" {
		source = s
	}
	h.id(rec.ID)
	h.set("ce-specversion", "1.0")
	h.escaped("ce-id", id)
	h.escaped("ce-source", source)
	h.escaped("ce-type", typ)
	h.escaped("ce-subject", rec.Subject)
	if !rec.Time.IsZero() {
		h.set("ce-time", rec.Time.UTC().Format(time.RFC3339Nano))
	}
	if attribute.IsString(rec.Key) {
		h.escaped(attrKey, rec.Key)
	} else {
		h.set(attrKeyBytes, base64.StdEncoding.EncodeToString([]byte(rec.Key)))
	}
	if rec.Op != record.Upsert {
		h.escaped(attrOp, string(rec.Op))
	}
	h.escaped(attrPartition, rec.Partition)
	h.escaped(attrPosition, rec.Position)
	contentType := attribute.ImpliedType(rec.Value)
	for name, value := range rec.Headers {
		switch {
		case name == record.EventSourceHeader && value != "":
		case strings.EqualFold(name, "content-type") && value != "":
			contentType = value
		case isAttribute(name) && value != "":
			h.escaped(eventPrefix+name, value)
		default:
			h.other(name, value)
		}
	}
	h.escaped(attrDataType, contentType)
}

// eventMode tells CloudEvents from other messages. The binding asks for the content type first, whatever its case.
func eventMode(h natsgo.Header) (structured, binary bool) {
	for name, values := range h {
		switch {
		case len(values) == 0:
		case strings.EqualFold(name, "content-type") && hasPrefixFold(values[0], eventContentType):
			return true, false
		case strings.EqualFold(name, "ce-specversion"):
			binary = true
		}
	}
	return false, binary
}

// decodeEvent reads a CloudEvent in the binary mode.
func decodeEvent(h natsgo.Header, data []byte) (record.Record, error) {
	rec := record.Record{Value: data}
	contentType, natsType := "", ""
	for _, name := range inOrder(h) {
		raw := strings.Join(h[name], ", ")
		value := attribute.Unescape(attribute.Unquote(raw))
		switch strings.ToLower(name) {
		case "ce-specversion":
			if value != "1.0" {
				return record.Record{}, fmt.Errorf("CloudEvents version %q is not known, only 1.0", value)
			}
		case "ce-id":
			rec.ID = value
		case "ce-type":
			if value != record.DefaultEventType {
				rec.Type = value
			}
		case "ce-subject":
			rec.Subject = value
		case "ce-time":
			t, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				return record.Record{}, fmt.Errorf("ce-time: %q is no RFC 3339 time", value)
			}
			rec.Time = t
		case attrKey:
			rec.Key = value
		case attrKeyBytes:
			key, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return record.Record{}, fmt.Errorf("%s: %w", attrKeyBytes, err)
			}
			rec.Key = string(key)
		case attrOp:
			rec.Op = record.Op(value)
		case attrPartition:
			rec.Partition = value
		case attrPosition:
			rec.Position = value
		case attrDataType:
			contentType = value
		case "content-type":
			natsType = raw
		case record.EventSourceHeader:
			decodeOther(&rec, record.EventSourceHeader, value)
		case strings.ToLower(jetstream.MsgIDHeader):
		default:
			if attr := name; hasPrefixFold(attr, eventPrefix) {
				name, raw = strings.ToLower(attr[len(eventPrefix):]), value
			}
			decodeOther(&rec, name, raw)
		}
	}
	if contentType == "" {
		contentType = natsType // what senders of the HTTP habit write
	}
	if contentType != "" && contentType != attribute.ImpliedType(data) {
		decodeOther(&rec, "content-type", contentType)
	}
	return rec, nil
}

// inOrder returns the names of headers in the order in which they are taken over: where two end at the same place, an
// attribute of the event goes over a header beside it, and the usual spelling over others.
func inOrder(h natsgo.Header) []string {
	names := slices.AppendSeq(make([]string, 0, len(h)), maps.Keys(h))
	slices.SortFunc(names, func(a, b string) int {
		if aIs, bIs := hasPrefixFold(a, eventPrefix), hasPrefixFold(b, eventPrefix); aIs != bIs {
			if aIs {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return names
}

// isAttribute reports whether a header may be an extension attribute of the same name.
func isAttribute(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	switch name {
	case "", "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data":
		return false
	}
	return !strings.HasPrefix(name, "patchbay") && eventPrefix+name != attrKey && len(name) <= 20
}
