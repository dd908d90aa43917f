package delivery

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// An Output is what one session of a source writes to. It implements the interface of that name in common.
type Output struct {
	writer  transport.Writer
	tracker *tracker
	ids     *identifiers
	once    bool
	started func()      // called when the source shows that it is connected
	fail    func(error) // ends the session because a record failed for good
	over    atomic.Bool
	settled atomic.Int64 // records delivered, for telling progress
}

// Position implements common.Output.
func (o *Output) Position(partition string) string { return o.tracker.position(partition) }

// Once implements common.Output.
func (o *Output) Once() bool { return o.once }

// Ready implements common.Output.
func (o *Output) Ready() { o.started() }

// Send implements common.Output.
func (o *Output) Send(ctx context.Context, recs ...record.Record) error {
	for i := range recs {
		if err := o.send(ctx, recs[i], recs[i].Settled); err != nil {
			for _, rec := range recs[i+1:] {
				if rec.Settled != nil {
					rec.Settled(err)
				}
			}
			return err
		}
	}
	return nil
}

// Deliver implements common.Output.
func (o *Output) Deliver(ctx context.Context, recs ...record.Record) error {
	if len(recs) == 0 {
		return nil
	}
	var (
		mu    sync.Mutex
		first error
		all   sync.WaitGroup
	)
	all.Add(len(recs))
	for i := range recs {
		own := recs[i].Settled
		// Whatever send returns, settled is called once: the wait below ends, at the latest when delivery is shut down.
		_ = o.send(ctx, recs[i], func(err error) {
			if own != nil {
				own(err)
			}
			mu.Lock()
			if first == nil {
				first = err
			}
			mu.Unlock()
			all.Done()
		})
	}
	delivered := make(chan struct{})
	go func() { all.Wait(); close(delivered) }()
	select {
	case <-delivered:
		return first
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Advance implements common.Output.
func (o *Output) Advance(_ context.Context, partition, position string) error {
	if o.over.Load() {
		return errSessionOver
	}
	o.started()
	o.tracker.settle(o.tracker.add(partition, position), true)
	return nil
}

// send hands one record over. settled, which may be nil, is called exactly once, also when send fails.
func (o *Output) send(ctx context.Context, rec record.Record, settled func(error)) error {
	if settled == nil {
		settled = func(error) {}
	}
	if o.over.Load() {
		settled(errSessionOver)
		return errSessionOver
	}
	o.started()
	rec.ID, rec.Settled = o.ids.id(&rec), nil
	slot := o.tracker.add(rec.Partition, rec.Position)
	err := o.writer.Write(ctx, rec, func(err error) {
		if err == nil {
			o.settled.Add(1)
		}
		settled(err)
		o.tracker.settle(slot, err == nil)
		if err != nil {
			o.fail(err)
		}
	})
	if err != nil {
		settled(err)
		o.tracker.settle(slot, false)
	}
	return err
}
