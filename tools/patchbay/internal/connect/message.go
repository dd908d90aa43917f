package connect

import (
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
)

// Of a key-value bucket (NATS architecture decision 8).
const (
	headerOperation = "KV-Operation"
	headerMarker    = "Nats-Marker-Reason" // a server's own note that a key is gone, such as by age
	opDelete        = "DEL"
	opPurge         = "PURGE"
)

// message puts a record into a message: payload and headers as they are.
func message(subject string, rec *record.Record) *nats.Msg {
	m := &nats.Msg{Subject: subject, Data: rec.Value}
	for name, value := range rec.Headers {
		if reserved(name) {
			continue
		}
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		m.Header[name] = []string{value}
	}
	return m
}

// setID has the stream drop what is written twice.
func setID(m *nats.Msg, id string) {
	if id == "" {
		return
	}
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	m.Header[jetstream.MsgIDHeader] = []string{attribute.Escape(id)}
}

// reserved reports whether a header is between client and server. Some make the server delete what a stream holds, so they
// are no header that data may bring along.
func reserved(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "nats-") || lower == strings.ToLower(headerOperation)
}

// newRecord makes a record of a message.
func newRecord(subject string, h nats.Header, data []byte) record.Record {
	rec := record.Record{Subject: subject, Value: data, ID: h.Get(jetstream.MsgIDHeader)}
	for name, values := range h {
		if reserved(name) {
			continue
		}
		if rec.Headers == nil {
			rec.Headers = map[string]string{}
		}
		rec.Headers[name] = strings.Join(values, ", ")
	}
	return rec
}
