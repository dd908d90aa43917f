package nats

import (
	"strconv"
	"strings"
)

// A place tells where a message stands. The server puts it into the subject of the reply.
type place struct {
	sequence uint64 // in the stream
	time     int64  // when the stream took it, in nanoseconds since 1970
	attempt  uint32 // 1 for the first delivery
	pending  uint64 // messages that the server had not yet sent to the group
}

// parsePlace reads the reply subject of a message, without an allocation since it does so for each one: after $JS.ACK, and
// after the domain and the account from servers that give them, come stream, consumer, delivery count, sequences in the
// stream and for the consumer, time in nanoseconds, and what is still pending (NATS architecture decision 15).
func parsePlace(reply string) (place, bool) {
	const old, domain = 9, 11 // parts, and the least with a domain: one more may follow
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	parts := strings.Count(reply, ".") + 1
	if !ok || parts != old && parts < domain {
		return place{}, false
	}
	next := func() (part string) {
		part, rest, _ = strings.Cut(rest, ".")
		return part
	}
	if parts >= domain {
		next()
		next()
	}
	next() // the stream
	next() // the consumer
	attempt, err1 := strconv.ParseUint(next(), 10, 32)
	sequence, err2 := strconv.ParseUint(next(), 10, 64)
	next() // the sequence for the consumer
	nanos, err3 := strconv.ParseInt(next(), 10, 64)
	pending, err4 := strconv.ParseUint(next(), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return place{}, false
	}
	return place{sequence, nanos, uint32(attempt), pending}, true
}
