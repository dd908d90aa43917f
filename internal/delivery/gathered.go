package delivery

import (
	"context"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
)

// gatherRecords and gatherBytes bound what goes through the transforms together, and what waits meanwhile; a larger record
// goes alone. A SmartModule is given no more in one call.
const (
	gatherRecords = 100
	gatherBytes   = 1 << 20
)

// gathered is the entrance where transforms cost less for several records than one by one: those that come while others
// go through are the next to go, together and in their order. Where nothing waits a record goes at once.
type gathered struct {
	*transformed
	life    *life
	tracker *tracker
	ctx     context.Context // ends when what waits is no longer of use
	cancel  context.CancelCauseFunc
	runs    sync.WaitGroup

	mu      sync.Mutex
	queue   []gatheredRecord
	bytes   int64 // of these
	running bool  // somebody works on them
	closed  bool
	room    chan struct{} // closed and replaced when there may be room
}

type gatheredRecord struct {
	rec     record.Record
	slot    *slot
	settled func(error)
}

func newGathered(t *transformed, l *life, tr *tracker) *gathered {
	g := &gathered{transformed: t, life: l, tracker: tr, room: make(chan struct{})}
	g.ctx, g.cancel = context.WithCancelCause(l.work) // what was sent when the user asks for the end is delivered still
	context.AfterFunc(l.alive, func() {
		if over, _ := l.outcome(); over {
			g.cancel(context.Cause(l.alive))
		}
	})
	return g
}

// put implements entrance. It blocks while dead letters cannot be handed over, and while as many records wait as may go
// together.
func (g *gathered) put(ctx context.Context, rec record.Record, s *slot, settled func(error)) error {
	if err := g.policy.letters.room(ctx); err != nil {
		return err
	}
	size := int64(rec.Size())
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case g.closed:
			return errSessionOver
		case len(g.queue) == 0, len(g.queue) < gatherRecords && g.bytes+size <= gatherBytes:
			g.queue = append(g.queue, gatheredRecord{rec, s, g.policy.guard(rec, settled)})
			g.bytes += size
			if !g.running {
				g.running = true
				g.runs.Go(g.run)
			}
			return nil
		}
		room := g.room
		g.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
		g.mu.Lock()
	}
}

// take returns what waits; nil, for the end of run, if there is nothing.
func (g *gathered) take() []gatheredRecord {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.queue
	g.queue, g.bytes, g.running = nil, 0, len(batch) > 0
	close(g.room)
	g.room = make(chan struct{})
	return batch
}

// run works until nothing waits.
func (g *gathered) run() {
	for batch := g.take(); batch != nil; batch = g.take() {
		records := make([]record.Record, len(batch))
		for i := range batch {
			records[i] = batch[i].rec
		}
		outcomes := g.chain.ApplyAll(g.ctx, records)
		if g.chain.Keeps() {
			g.tracker.mark(batch[len(batch)-1].slot, g.chain.State())
		}
		for i, b := range batch {
			err := g.life.ended() // nothing goes past a record that has ended the run
			if err == nil {
				err = g.forward(g.ctx, b.rec, outcomes[i], b.settled)
			}
			if err != nil {
				b.settled(err)
			}
		}
	}
}

// close ends the work. What waits is settled with an error.
func (g *gathered) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel(errSessionOver)
	g.runs.Wait()
}

var _ entrance = (*gathered)(nil)
