// Package repeats knows the messages of a JetStream consumer that come again although they are done with.
//
// A client asks for messages ahead of their use. The consumer's ack wait runs for those from the moment they are sent, and what
// waits in the client longer than that, because what is before it is held back, the server sends again: nothing failed, and it
// comes twice.
package repeats

import "github.com/nats-io/nats.go/jetstream"

// A Filter remembers what was acknowledged, for as long as it may come again. It is not safe for concurrent use.
type Filter struct {
	every         int // messages that arrive between two generations
	arrived       int // in this generation
	young, former map[message]struct{}
}

// A message is told by its number, and, since a stream that was made anew begins to count again, by when it was stored.
type message struct {
	sequence uint64
	stored   int64 // nanoseconds
}

func identify(meta *jetstream.MsgMetadata) message {
	return message{meta.Sequence.Stream, meta.Timestamp.UnixNano()}
}

// New returns a filter for a client that asks for as many messages ahead. It holds what was acknowledged while four times as
// many arrived, at the most.
func New(prefetch int) *Filter {
	// When a message is acknowledged, no more than the prefetch can be on the way to where it is used, and among it the message
	// itself. As many again may be asked for before the acknowledgement reaches the server.
	return &Filter{every: 2 * prefetch, young: map[message]struct{}{}}
}

// Done notes that a message is acknowledged.
func (f *Filter) Done(meta *jetstream.MsgMetadata) { f.young[identify(meta)] = struct{}{} }

// Repeats reports whether a message was acknowledged before. It is called once for every message that arrives. What the
// server sends for the first time is none, whatever its number: its consumer was made anew, or set back on purpose.
func (f *Filter) Repeats(meta *jetstream.MsgMetadata) bool {
	if f.arrived++; f.arrived > f.every {
		f.arrived, f.young, f.former = 1, map[message]struct{}{}, f.young
	}
	if meta.NumDelivered < 2 {
		return false
	}
	m := identify(meta)
	_, young := f.young[m]
	_, former := f.former[m]
	return young || former
}
