package delivery

import (
	"context"
	"errors"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// ordered writes a record only when the one before it in its partition has settled, so that none can arrive before another
// that the topic lost or refused for a while. Partitions do not wait for each other. What waits is bounded by the limit
// above it. A record that fails for good takes along those that wait behind it, except where the topic refuses it alone.
type ordered struct {
	transport.Writer

	mu    sync.Mutex
	lines map[string][]waiting // of partitions that have a record on its way; what waits behind it
	idle  chan struct{}        // closed while nothing is on its way
}

// A waiting record was handed over and not written yet.
type waiting struct {
	rec     record.Record
	settled func(error)
}

func newOrdered(next transport.Writer) *ordered {
	o := &ordered{Writer: next, lines: map[string][]waiting{}, idle: make(chan struct{})}
	close(o.idle)
	return o
}

// Write implements transport.Writer. It blocks as the next one does, but for records that wait.
func (o *ordered) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	o.mu.Lock()
	line, busy := o.lines[rec.Partition]
	if busy {
		o.lines[rec.Partition] = append(line, waiting{rec, settled})
		o.mu.Unlock()
		return nil
	}
	if len(o.lines) == 0 {
		o.idle = make(chan struct{})
	}
	o.lines[rec.Partition] = nil
	o.mu.Unlock()
	err := o.write(ctx, rec, settled)
	if err != nil {
		o.advance(rec.Partition, err)
	}
	return err
}

func (o *ordered) write(ctx context.Context, rec record.Record, settled func(error)) error {
	return o.Writer.Write(ctx, rec, func(err error) {
		settled(err)
		o.advance(rec.Partition, err)
	})
}

// advance goes on with a partition after a record of it has settled, or was not handed over. It does not block.
func (o *ordered) advance(partition string, err error) {
	o.mu.Lock()
	line := o.lines[partition]
	_, alone := errors.AsType[*transport.Rejected](err)
	if err == nil || alone {
		if len(line) > 0 {
			next := line[0]
			line[0] = waiting{}
			o.lines[partition] = line[1:]
			o.mu.Unlock()
			go func() { // nobody waits for what waits: writing it may block
				if err := o.write(context.Background(), next.rec, next.settled); err != nil {
					next.settled(err)
					o.advance(partition, err)
				}
			}()
			return
		}
		line = nil
	}
	delete(o.lines, partition)
	if len(o.lines) == 0 {
		close(o.idle)
	}
	o.mu.Unlock()
	for _, w := range line {
		w.settled(err)
	}
}

// Flush implements transport.Writer.
func (o *ordered) Flush(ctx context.Context) error {
	o.mu.Lock()
	idle := o.idle
	o.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return o.Writer.Flush(ctx)
}
