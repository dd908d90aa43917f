package nats

import (
	"math"
	"strings"
)

// A place tells where a message stands. The server puts it into the subject of the reply.
type place struct {
	sequence uint64 // in the stream
	time     int64  // when the stream took it, in nanoseconds since 1970
	attempt  uint32 // 1 for the first delivery
	pending  uint64 // messages that the server had not yet sent to the group
}

// parsePlace reads the reply subject of a message, without an allocation since it does so for each one: after
// $JS.ACK, and after the domain and the account from servers that give them, come stream, consumer, delivery count, sequences in
// the stream and for the consumer, time in nanoseconds, and what is still pending (NATS architecture decision 15).
func parsePlace(reply string) (place, bool) {
	const old, domain = 7, 9 // parts behind the prefix, and the least with a domain: one more may follow
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	parts := strings.Count(rest, ".") + 1
	if !ok || parts != old && parts < domain {
		return place{}, false
	}
	names := 2 // the stream and the consumer
	if parts >= domain {
		names += domain - old
	}
	for range names {
		rest = rest[strings.IndexByte(rest, '.')+1:]
	}
	attempt, rest := number(rest)
	sequence, rest := number(rest)
	_, rest = number(rest) // of the sequence for the consumer
	nanos, rest := number(rest)
	pending, _ := number(rest)
	if attempt > math.MaxUint32 || sequence == none || nanos == none || pending == none {
		return place{}, false
	}
	return place{sequence, int64(nanos), uint32(attempt), pending}, true
}

// none stands for what is no number, or larger than one that the server uses.
const none = math.MaxUint64

// number reads the first part of a subject, and returns it and the other parts.
func number(s string) (value uint64, rest string) {
	for i := range len(s) {
		digit := uint64(s[i] - '0')
		switch {
		case s[i] == '.' && i > 0:
			return value, s[i+1:]
		case digit > 9 || value > (math.MaxInt64-9)/10: // a time has a sign
			return none, s[i+1:]
		}
		value = 10*value + digit
	}
	if s == "" {
		value = none
	}
	return value, ""
}
