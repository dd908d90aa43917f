// Package record defines the unit of data that every connector reads or writes.
//
// It is a leaf package: it imports the standard library only, so that transports, transforms, tools and connectors can
// share the type without importing each other.
package record

import "time"

// Op says what a record does to the thing its key names.
type Op string

const (
	// Upsert inserts the value or replaces what the key named before. The zero Op means Upsert.
	Upsert Op = "upsert"
	// Delete removes what the key names. The value may be empty or hold the last known state.
	Delete Op = "delete"
)

// A Record is one unit of data on its way from a source to a topic or from a topic to a sink.
//
// The zero value is a valid record with an empty payload. A Record is passed by value; its Headers map and Value bytes are
// shared by copies, and whoever hands a record over must not change them afterwards.
type Record struct {
	// ID identifies the record for de-duplication. Empty means that delivery chooses one: derived from the position where
	// the source declares that its positions never recur, else random. One that a source has chosen is to be its own only:
	// where a topic drops what has an id that it has seen, as a NATS stream does, delivery puts the instance's name before it.
	ID string
	// Key names the thing the record is about, for ordering and compaction. It may hold any bytes; empty means none.
	Key string
	// Partition is the ordered stream within the source that the record belongs to; empty is a partition like any other.
	Partition string
	// Position is where the source resumes after this record, within its partition. It is opaque to everything but the
	// source. Empty means that there is nothing to resume from.
	Position string
	// Op is Upsert when empty.
	Op Op
	// Time is when the thing happened, at the source. The zero time means unknown.
	Time time.Time
	// Type is what kind of event the record is, such as "com.example.order.created"; a CloudEvents type where one is needed.
	Type string
	// Subject is what the record is about within its source, such as a file name; a CloudEvents subject.
	Subject string
	// Headers are names and values that travel beside the payload. Names are compared as written.
	Headers map[string]string
	// Value is the payload. It is carried byte for byte.
	Value []byte
	// Settled, if not nil, is called exactly once when the fate of the record is known: with nil after delivery (or after
	// a transform dropped the record), else with the reason. It may run on a goroutine of the transport: it must not block,
	// and must not send. It never travels with the record.
	Settled func(error)
}

// Size is the number of payload, key and header bytes, which is what limits in bytes count.
func (r *Record) Size() int {
	n := len(r.Value) + len(r.Key)
	for k, v := range r.Headers {
		n += len(k) + len(v)
	}
	return n
}
