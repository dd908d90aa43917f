package kps

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// errEmpty says that a message has nothing that could be a record.
var errEmpty = errors.New("it holds no payload")

// An inbox reads TransportMessages and returns a record for each of their payloads. The server delivers nothing twice, so
// what one run of a sink has not acknowledged is kept here for the next one.
type inbox struct {
	from    transport.Reader
	refused func(error) // hears of each message that is no TransportMessage; it must not block

	mu   sync.Mutex
	next []*letter // to be returned, in order
	out  []*letter // returned and not acknowledged, or acknowledged and not yet removed
}

// A letter is a record and what became of it.
type letter struct {
	rec   record.Record
	tries int
	acked bool
}

// Read implements transport.Reader.
func (b *inbox) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	for {
		if out := b.take(limit); len(out) > 0 {
			return out, nil
		}
		messages, err := b.from.Read(ctx, limit, wait)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			b.open(m.Record.Value)
			if err := m.Ack(); err != nil {
				return nil, err
			}
		}
	}
}

// open puts the payloads of a message where take finds them.
func (b *inbox) open(body []byte) {
	var m pb.TransportMessage
	err := proto.Unmarshal(body, &m)
	if err == nil && len(m.GetPayload()) == 0 {
		err = errEmpty
	}
	if err != nil {
		b.refused(err)
		return
	}
	when := time.Now()
	if m.GetTimestamp() != 0 {
		when = time.Unix(0, m.GetTimestamp())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, payload := range m.GetPayload() {
		b.next = append(b.next, &letter{rec: record.Record{Value: payload, Time: when}})
	}
}

// take returns records that are there already.
func (b *inbox) take(limit int) []transport.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(limit, len(b.next))
	taken := b.next[:n]
	b.next = b.next[n:]
	b.sweep()
	b.out = append(b.out, taken...)
	out := make([]transport.Message, n)
	for i, l := range taken {
		l.tries++
		out[i] = transport.Message{Record: l.rec, Attempt: l.tries, Ack: func() error { b.ack(l); return nil }}
	}
	return out
}

func (b *inbox) ack(l *letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l.acked = true
}

// sweep forgets what is acknowledged. The mutex is held.
func (b *inbox) sweep() {
	b.out = slices.DeleteFunc(b.out, func(l *letter) bool { return l.acked })
}

// rewind has what is not acknowledged read again, before the rest. Nobody reads meanwhile.
func (b *inbox) rewind() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep()
	b.next = append(b.out, b.next...)
	b.out = nil
}

// Flush implements transport.Reader. There is nothing to wait for.
func (b *inbox) Flush(context.Context) error { return nil }

// Close implements transport.Reader.
func (b *inbox) Close() error { return b.from.Close() }

var _ transport.Reader = (*inbox)(nil)
