package commontest

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A topic keeps what is written in memory, acknowledges at once, and gives records to a reader.
type topic struct {
	held bool // nothing is acknowledged
	open bool // for more to read, so that a reader waits

	mu        sync.Mutex
	records   []record.Record // written
	changed   chan struct{}
	unsettled []func(error)

	feed  []record.Record // to read, once
	acked []record.Record
}

func newTopic(c Config, feed ...record.Record) *topic {
	return &topic{held: c.held, open: c.open, changed: make(chan struct{}), feed: feed}
}

// Write implements transport.Writer.
func (t *topic) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.mu.Lock()
	t.records = append(t.records, rec)
	close(t.changed)
	t.changed = make(chan struct{})
	if t.held {
		t.unsettled = append(t.unsettled, settled)
		settled = func(error) {}
	}
	t.mu.Unlock()
	settled(nil)
	return nil
}

// Flush implements transport.Writer and transport.Reader.
func (t *topic) Flush(context.Context) error { return nil }

// Close implements transport.Writer and transport.Reader.
func (t *topic) Close() error {
	t.mu.Lock()
	left := t.unsettled
	t.unsettled = nil
	t.mu.Unlock()
	for _, settled := range left {
		settled(errClosed)
	}
	return nil
}

var errClosed = errors.New("the topic is closed")

// wait returns record n, waiting for it until the run is over.
func (t *topic) wait(n int, over <-chan struct{}) (record.Record, bool) {
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	for {
		t.mu.Lock()
		if n < len(t.records) {
			defer t.mu.Unlock()
			return t.records[n], true
		}
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-over:
			t.mu.Lock()
			defer t.mu.Unlock()
			if n < len(t.records) {
				return t.records[n], true
			}
			return record.Record{}, false
		case <-patience.C:
			return record.Record{}, false
		}
	}
}

func (t *topic) all() []record.Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.records)
}

// Read implements transport.Reader.
func (t *topic) Read(ctx context.Context, max int, _ time.Duration) ([]transport.Message, error) {
	t.mu.Lock()
	if len(t.feed) == 0 && t.open {
		t.mu.Unlock()
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	defer t.mu.Unlock()
	if len(t.feed) == 0 {
		return nil, io.EOF
	}
	var messages []transport.Message
	for _, rec := range t.feed[:min(max, len(t.feed))] {
		messages = append(messages, transport.Message{
			Record: rec, Attempt: 1,
			Ack: func() error {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.acked = append(t.acked, rec)
				close(t.changed)
				t.changed = make(chan struct{})
				return nil
			},
		})
	}
	t.feed = t.feed[len(messages):]
	return messages, nil
}

func (t *topic) acknowledged() []record.Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.acked)
}

// awaitAcknowledged reports whether n records are acknowledged within some time.
func (t *topic) awaitAcknowledged(n int, within time.Duration) bool {
	patience := time.NewTimer(within)
	defer patience.Stop()
	for {
		t.mu.Lock()
		enough, changed := len(t.acked) >= n, t.changed
		t.mu.Unlock()
		if enough {
			return true
		}
		select {
		case <-changed:
		case <-patience.C:
			return false
		}
	}
}
