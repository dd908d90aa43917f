package main

import (
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
)

const (
	// Buckets are streams whose name and subjects begin like this, and a message that removes a key says so in a header
	// (NATS ADR-8).
	bucketStream  = "KV_"
	bucketSubject = "$KV."
	opHeader      = "KV-Operation"
	// The server's own notice that a key has expired has this header instead (NATS ADR-43).
	markerHeader = "Nats-Marker-Reason"
	// Headers that begin like this are instructions for servers, not data.
	steering = "nats-"
)

// record makes a record of a message.
func (s *NATSSource) record(subject string, header nats.Header, data []byte) common.Record {
	rec := common.Record{Subject: subject, Value: data}
	for name, values := range header {
		if len(values) == 0 || len(name) >= len(steering) && strings.EqualFold(name[:len(steering)], steering) {
			continue
		}
		if s.Bucket != "" && name == opHeader {
			continue
		}
		if rec.Headers == nil {
			rec.Headers = make(map[string]string, len(header))
		}
		rec.Headers[name] = strings.Join(values, ", ")
	}
	if s.Bucket != "" {
		rec.Key = keyOf(subject)
		if header.Get(opHeader) != "" || header.Get(markerHeader) != "" { // DEL or PURGE
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
	_, key, _ := strings.Cut(strings.TrimPrefix(subject, bucketSubject), ".")
	return key
}
