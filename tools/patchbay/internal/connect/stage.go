package connect

import (
	"context"
	"log/slog"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// An item is a record between two stages, with what is to be called once when its fate is known.
type item struct {
	rec     record.Record
	settled func(error)
}

// A stage turns items into others. It settles those that come to nothing, and those that it makes settle those that they
// are made of. It stops early when ctx ends.
type stage func(ctx context.Context, in []item) []item

// A chain is the stages of a transformer, in their order.
type chain struct {
	stages  []stage
	batches bool // one of them wants many items at once
	// fail says what becomes of a record that a stage cannot transform: the error that it is settled with.
	fail func(error) error
}

// newFail makes chain.fail: a record is skipped, or ends the run.
func newFail(onError string, log *slog.Logger) func(error) error {
	return func(err error) error {
		if onError == skip {
			log.Warn("record skipped", "step", "transformer", "error", err)
			return nil
		}
		return &transport.Rejected{Err: err}
	}
}

// skip is the connector's --on-error that leaves out a record which cannot be processed.
const skip = "skip"

// run puts items through all stages.
func (c *chain) run(ctx context.Context, items []item) []item {
	for _, s := range c.stages {
		items = s(ctx, items)
	}
	return items
}

// perRecord makes a stage of a function that turns a record into any number of records.
func (c *chain) perRecord(f func(context.Context, record.Record) ([]record.Record, error)) stage {
	return func(ctx context.Context, in []item) []item {
		var out []item
		for _, it := range in {
			recs, err := f(ctx, it.rec)
			switch {
			case err != nil && ctx.Err() != nil:
				it.settled(context.Cause(ctx))
				continue
			case err != nil:
				it.settled(c.fail(err))
				continue
			case len(recs) == 0:
				it.settled(nil)
				continue
			}
			settled := share(it.settled, len(recs))
			for _, rec := range recs {
				out = append(out, item{rec, settled})
			}
		}
		return out
	}
}

// share makes one fate of n: that of the first that failed, once all are known.
func share(settled func(error), n int) func(error) {
	if n == 1 {
		return settled
	}
	var mu sync.Mutex
	var first error
	return func(err error) {
		mu.Lock()
		if first == nil {
			first = err
		}
		n--
		last, fate := n == 0, first
		mu.Unlock()
		if last {
			settled(fate)
		}
	}
}
