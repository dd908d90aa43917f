package nats

import (
	"fmt"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
)

// Headers of the lean envelope. Those that a record does not need are left out; a record with nothing but a payload and
// an id has the message id alone.
const (
	headerKey       = "Patchbay-Key"
	headerOp        = "Patchbay-Op"
	headerTime      = "Patchbay-Time"
	headerType      = "Patchbay-Type"
	headerSubject   = "Patchbay-Subject"
	headerPartition = "Patchbay-Partition"
	headerID        = "Patchbay-Id"      // an id that is no plain header value
	headerOther     = "Patchbay-Header-" // and the escaped name of a header that cannot travel as it is
)

// An encoder puts a record into a message that has its subject. The payload is shared, not copied. It cannot fail: what is
// not legal in a header is escaped.
type encoder func(rec *record.Record, msg *natsgo.Msg)

func (c *Conn) encoder() encoder {
	if c.cfg.Envelope == "cloudevents" {
		source := c.cfg.Source
		return func(rec *record.Record, msg *natsgo.Msg) { encodeEvent(rec, source, msg) }
	}
	return encodeLean
}

func encodeLean(rec *record.Record, msg *natsgo.Msg) {
	msg.Data = rec.Value
	h := headers{msg: msg}
	h.id(rec.ID)
	h.escaped(headerKey, rec.Key)
	if rec.Op != record.Upsert {
		h.escaped(headerOp, string(rec.Op))
	}
	if !rec.Time.IsZero() {
		h.set(headerTime, rec.Time.UTC().Format(time.RFC3339Nano))
	}
	h.escaped(headerType, rec.Type)
	h.escaped(headerSubject, rec.Subject)
	h.escaped(headerPartition, rec.Partition)
	for name, value := range rec.Headers {
		h.other(name, value)
	}
}

// decode reads a message of any origin: lean, a CloudEvent in either mode, or a foreign one. The caller fills in what the
// message does not say.
func decode(h natsgo.Header, data []byte) (record.Record, error) {
	if len(h) == 0 {
		return record.Record{Value: data}, nil
	}
	if id := h[jetstream.MsgIDHeader]; len(h) == 1 && len(id) > 0 { // as it is most of the time; to walk through a map takes long
		return record.Record{Value: data, ID: id[0]}, nil
	}
	structured, binary := eventMode(h)
	switch {
	case structured:
		return record.UnmarshalCloudEvent(data)
	case binary:
		return decodeEvent(h, data)
	}
	return decodeLean(h, data)
}

func decodeLean(h natsgo.Header, data []byte) (record.Record, error) {
	rec := record.Record{Value: data, ID: h.Get(jetstream.MsgIDHeader)}
	for name, values := range h {
		value := strings.Join(values, ", ")
		switch name {
		case headerID:
			rec.ID = attribute.Unescape(value)
		case headerKey:
			rec.Key = attribute.Unescape(value)
		case headerOp:
			rec.Op = record.Op(attribute.Unescape(value))
		case headerTime:
			t, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				return record.Record{}, fmt.Errorf("header %s: %q is no RFC 3339 time", headerTime, value)
			}
			rec.Time = t
		case headerType:
			rec.Type = attribute.Unescape(value)
		case headerSubject:
			rec.Subject = attribute.Unescape(value)
		case headerPartition:
			rec.Partition = attribute.Unescape(value)
		default:
			decodeOther(&rec, name, value)
		}
	}
	return rec, nil
}

// decodeOther takes a header over into the record, but for those that are between the client and the server.
func decodeOther(rec *record.Record, name, value string) {
	if escaped, ok := strings.CutPrefix(name, headerOther); ok {
		name, value = attribute.Unescape(escaped), attribute.Unescape(value)
	} else if hasPrefixFold(name, "nats-") || hasPrefixFold(name, "patchbay-") {
		return
	}
	if rec.Headers == nil {
		rec.Headers = make(map[string]string)
	}
	rec.Headers[name] = value
}
