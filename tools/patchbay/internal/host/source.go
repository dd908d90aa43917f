package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// RunSource runs a source and writes what it sends to w, until the source is done, it fails for good, or ctx ends and what is
// under way is finished. It blocks. The error is nil after a clean end. Positions are kept in store, which may be nil for none;
// it is left open, and w is closed.
func (i Instance) RunSource(ctx context.Context, w transport.Writer, store state.Store) error {
	i = i.withDefaults()
	held := &keeper{store: store}
	if leased, ok := store.(state.Leased); ok {
		wait := func(held *state.HeldError) error {
			i.Log.Info("waiting for another process that uses the same saved position", "holder", held.Holder.String())
			return nil
		}
		if err := state.Acquire(ctx, leased, i.Limits.StartTimeout, nil, wait); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("use the saved position of %s: %w", i.Name, err)
		}
	}
	var ever atomic.Bool
	return delivery.RunSource(ctx, delivery.SourceConfig{
		Instance: i.instance(), Limits: i.Limits, Failures: i.failures(),
		Writer: w, Log: i.Log, Status: i.Status,
		Session: func() (delivery.SourceSession, error) {
			return delivery.SourceSession{Run: func(ctx context.Context, out *delivery.Output) error {
				return newLife(i, &ever).source(ctx, out, held)
			}}, nil
		},
	})
}

// source is the life of one source. When ctx ends the child is asked to stop, and what it has sent is settled meanwhile.
func (l *life) source(ctx context.Context, out *delivery.Output, held *keeper) error {
	from, err := held.load(ctx)
	if err != nil {
		return err
	}
	child, err := link.StartSource(link.SourceOptions{
		Command: l.command(out.Ready), Window: l.Limits.MaxInFlight, Resume: from, Save: held.save,
	})
	if err != nil {
		return delivery.Permanent(err)
	}
	defer child.Close() // ends nothing that has ended by itself
	defer context.AfterFunc(ctx, child.Stop)()
	for {
		batch, err := child.Read(context.Background()) // ends with the child
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return l.ending(err)
		}
		l.isReady()
		for i := range batch {
			rec := batch[i].Record
			rec.Settled = func(err error) { batch[i].Settle(verdict(err)) }
			_ = out.Send(ctx, rec) // what it returns, the child hears
		}
	}
}

// verdict is what the child hears of a record: whether sending it again is of use.
func verdict(err error) error {
	if err == nil || !delivery.IsPermanent(err) {
		return err
	}
	return &link.NackError{Message: err.Error(), Permanent: true}
}

// A keeper keeps the state of a source, whichever child it comes from.
type keeper struct {
	store state.Store // nil for none
}

func (k *keeper) load(ctx context.Context) (link.State, error) {
	if k.store == nil {
		return link.State{}, nil
	}
	saved, err := k.store.Load(ctx)
	switch {
	case err != nil:
		return link.State{}, fmt.Errorf("load the saved position: %w", err)
	case saved == nil:
		return link.State{}, nil
	}
	return link.State(*saved), nil
}

// save returns once the state is kept. It is called by one goroutine at a time.
func (k *keeper) save(s link.State) error {
	if k.store == nil {
		return nil
	}
	return k.store.Save(context.Background(), (*state.State)(&s))
}
