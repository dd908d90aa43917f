package delivery

import (
	"context"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// limit bounds what is in flight, in records and in bytes, and measures it: Write blocks until there is room. One record is
// always let through, however large.
type limit struct {
	transport.Writer
	maxRecords int
	maxBytes   int64
	metrics    *observe.Metrics // may be nil

	mu      sync.Mutex
	records int
	bytes   int64
	room    chan struct{} // closed and replaced whenever something settles while a writer waits
	waiting int
}

func newLimit(next transport.Writer, maxRecords int, maxBytes int64, m *observe.Metrics) *limit {
	l := &limit{Writer: next, maxRecords: maxRecords, maxBytes: maxBytes, metrics: m, room: make(chan struct{})}
	m.OnInFlight(l.inFlight)
	return l
}

// Write implements transport.Writer.
func (l *limit) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	size := int64(rec.Size())
	if err := l.acquire(ctx, size); err != nil {
		return err
	}
	begun := l.metrics.Start()
	err := l.Writer.Write(ctx, rec, func(err error) {
		l.release(size)
		if err == nil {
			l.metrics.Latency(begun)
			l.metrics.Delivered(1, size)
		}
		settled(err)
	})
	if err != nil {
		l.release(size)
	}
	return err
}

func (l *limit) acquire(ctx context.Context, size int64) error {
	l.mu.Lock()
	for l.records > 0 && (l.records >= l.maxRecords || l.bytes+size > l.maxBytes) {
		room := l.room
		l.waiting++
		l.mu.Unlock()
		var err error
		select {
		case <-room:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		l.mu.Lock()
		l.waiting--
		if err != nil {
			l.mu.Unlock()
			return err
		}
	}
	l.records++
	l.bytes += size
	l.mu.Unlock()
	return nil
}

// inFlight tells what is not acknowledged yet.
func (l *limit) inFlight() (records int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records, l.bytes
}

func (l *limit) release(size int64) {
	l.mu.Lock()
	l.records--
	l.bytes -= size
	if l.waiting > 0 {
		close(l.room)
		l.room = make(chan struct{})
	}
	l.mu.Unlock()
}
