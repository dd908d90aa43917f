package natsclient

import "strings"

// A bucket is a stream, whose name and subjects begin like this (NATS ADR-8).
const (
	BucketStream  = "KV_"
	BucketSubject = "$KV."
)

// OpHeader is the header of a bucket's message that removes a key: its value is DEL or PURGE (NATS ADR-8).
const OpHeader = "KV-Operation"

// Steers reports whether a header is an instruction for servers and not data, as those are whose name begins with Nats-, in
// any case.
func Steers(name string) bool {
	return len(name) >= len(steering) && strings.EqualFold(name[:len(steering)], steering)
}

const steering = "nats-"
