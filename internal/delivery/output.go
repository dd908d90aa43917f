package delivery

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
)

// An Output is what one session of a source writes to. It implements the interface of that name in common.
type Output struct {
	ctx     context.Context // of the session
	life    *life
	entry   entrance
	tracker *tracker
	turn    chan struct{} // where records must come to the transforms in the order of their slots; else nil
	saves   bool          // what the transforms come to is saved
	ids     *identifiers
	over    atomic.Bool
}

// Position implements common.Output.
func (o *Output) Position(partition string) string { return o.tracker.position(partition) }

// Partitions implements common.Output.
func (o *Output) Partitions() []string { return o.tracker.known() }

// Once implements common.Output.
func (o *Output) Once() bool { return o.life.limits.Once }

// Ready implements common.Output.
func (o *Output) Ready() { o.begin() }

// begin notes a sign of life.
func (o *Output) begin() {
	o.life.begin()
	o.life.metrics.Up(observe.System)
}

// Send implements common.Output.
func (o *Output) Send(ctx context.Context, recs ...record.Record) error {
	o.life.metrics.Batch(len(recs))
	ctx, release := o.bound(ctx)
	defer release()
	for i := range recs {
		if err := o.send(ctx, recs, i, recs[i].Settled); err != nil {
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
	o.life.metrics.Batch(len(recs))
	ctx, release := o.bound(ctx)
	defer release()
	var (
		mu        sync.Mutex
		open      = len(recs)
		first     error
		delivered = make(chan struct{})
	)
	for i := range recs {
		own := recs[i].Settled
		// Whatever send returns, settled is called once.
		_ = o.send(ctx, recs, i, func(err error) {
			if own != nil {
				own(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = err
			}
			if open--; open == 0 {
				close(delivered)
			}
		})
	}
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
	o.begin()
	o.tracker.settle(o.tracker.add(partition, position, false), true)
	return nil
}

// Forget implements common.Output.
func (o *Output) Forget(_ context.Context, partition string) error {
	if o.over.Load() {
		return errSessionOver
	}
	o.ids.forget(partition)
	o.tracker.forget(partition)
	return nil
}

// bound returns a context that ends with the session too, where ctx may be another, such as that of a request.
func (o *Output) bound(ctx context.Context) (context.Context, func()) {
	if ctx == o.ctx {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(o.ctx, func() { cancel(context.Cause(o.ctx)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// send hands record i of recs over. settled, which may be nil, is called exactly once, also when send fails.
func (o *Output) send(ctx context.Context, recs []record.Record, i int, settled func(error)) error {
	if settled == nil {
		settled = func(error) {}
	}
	if o.over.Load() {
		settled(errSessionOver)
		return errSessionOver
	}
	o.begin()
	rec := recs[i]
	rec.ID, rec.Settled = o.ids.id(&rec), nil
	rec.Headers = observe.KeepTrace(rec.Headers)
	if m := o.life.metrics; m != nil {
		m.Received(1, int64(rec.Size()))
	}
	// Records of one call that share a position are one step: the position moves when the last of them is delivered.
	position := rec.Position
	if i+1 < len(recs) && recs[i+1].Partition == rec.Partition && recs[i+1].Position == position {
		position = ""
	}
	if o.turn != nil {
		o.turn <- struct{}{} // whoever has it waits for room, which comes, and for its context
		defer func() { <-o.turn }()
	}
	slot := o.tracker.add(rec.Partition, position, true)
	untilSaved := o.saves && rec.Position == "" // now: recs is the caller's again once Send has returned
	err := o.entry.put(ctx, rec, slot, func(err error) {
		if err == nil && untilSaved {
			o.life.delivered(1)
			o.tracker.settleSaved(slot, settled)
			return
		}
		settled(err)
		switch {
		case err == nil:
			o.life.delivered(1)
		case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)): // broken off, not failed
		default:
			o.life.fail(err)
		}
		o.tracker.settle(slot, err == nil) // last: whoever waits for everything to settle looks at the outcome next
	})
	if err != nil {
		settled(err)
		if o.turn != nil && rec.Position == "" {
			o.tracker.withdraw(slot)
		} else {
			o.tracker.settle(slot, false)
		}
	}
	return err
}
