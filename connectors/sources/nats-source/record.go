package main

import (
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient"
	"github.com/patchbay-dev/patchbay/common/record"
)

// markerHeader is the header of the server's own notice that a key of a bucket has expired (NATS ADR-43).
const markerHeader = "Nats-Marker-Reason"

// record makes a record of a message.
func (s *NATSSource) record(subject string, header nats.Header, data []byte) common.Record {
	rec := common.Record{Subject: subject, Value: data}
	for name, values := range header {
		if len(values) == 0 || natsclient.Steers(name) {
			continue
		}
		if s.Bucket != "" && name == natsclient.OpHeader {
			continue
		}
		if rec.Headers == nil {
			rec.Headers = make(map[string]string, len(header))
		}
		rec.Headers[name] = strings.Join(values, ", ")
	}
	if s.Bucket != "" {
		rec.Key = keyOf(subject)
		if header.Get(natsclient.OpHeader) != "" || header.Get(markerHeader) != "" { // DEL or PURGE
			rec.Op = record.Delete
		}
	} else if s.KeyHeader != "" {
		rec.Key = header.Get(s.KeyHeader)
	}
	return rec
}

// keyOf returns the key in the subject of a bucket's message: $KV.BUCKET.KEY, where the bucket is another one if this one
// mirrors it.
func keyOf(subject string) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(subject, natsclient.BucketSubject), ".")
	return key
}
