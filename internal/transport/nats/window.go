package nats

import (
	"context"
	"sync"
	"time"
)

// A window holds the records that were handed to the server and are not settled. It bounds their number and sees to it
// that each is settled once, whichever of acknowledgement, time limit, loss of the connection and close comes first.
type window struct {
	slots chan struct{} // one element for each record in the window
	done  chan struct{} // closed by close

	mu      sync.Mutex
	closed  error
	next    uint64 // the number of the next record; numbers begin at 1
	low     uint64 // every record with a smaller number is settled
	pending map[uint64]*entry
	flushes []flush // ordered by number
}

type entry struct {
	settled func(error)
	since   time.Time
	taken   bool // being settled now
}

type flush struct {
	before uint64 // records with smaller numbers are waited for
	done   chan struct{}
}

func newWindow(size int) *window {
	return &window{
		slots: make(chan struct{}, size), done: make(chan struct{}),
		next: 1, low: 1, pending: make(map[uint64]*entry, size),
	}
}

// add blocks until there is room and returns the record's number. After an error settled will not be called.
func (w *window) add(ctx context.Context, settled func(error)) (uint64, error) {
	select {
	case w.slots <- struct{}{}:
	default:
		select {
		case w.slots <- struct{}{}:
		case <-w.done:
			return 0, w.closed
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed != nil {
		<-w.slots
		return 0, w.closed
	}
	n := w.next
	w.next++
	w.pending[n] = &entry{settled: settled, since: time.Now()}
	return n, nil
}

// settle gives record n its fate, unless it has one or is not known.
func (w *window) settle(n uint64, err error) {
	w.mu.Lock()
	e := w.pending[n]
	if e == nil || e.taken {
		w.mu.Unlock()
		return
	}
	e.taken = true
	w.mu.Unlock()
	e.settled(err) // outside the lock: it is not ours
	w.mu.Lock()
	w.remove(n)
	w.mu.Unlock()
}

// drop takes back record n, which could not be handed over. It reports false if the record was settled meanwhile.
func (w *window) drop(n uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.pending[n]
	if e == nil || e.taken {
		return false
	}
	w.remove(n)
	return true
}

// remove is called with the lock held.
func (w *window) remove(n uint64) {
	delete(w.pending, n)
	<-w.slots
	for w.low < w.next && w.pending[w.low] == nil {
		w.low++
	}
	for len(w.flushes) > 0 && w.flushes[0].before <= w.low {
		close(w.flushes[0].done)
		w.flushes = w.flushes[1:]
	}
}

// failAll settles everything in the window.
func (w *window) failAll(err error) { w.failBefore(time.Time{}, err) }

// failBefore settles what was added before t; the zero time means everything.
func (w *window) failBefore(t time.Time, err error) {
	w.mu.Lock()
	var late []uint64
	for n, e := range w.pending {
		if t.IsZero() || e.since.Before(t) {
			late = append(late, n)
		}
	}
	w.mu.Unlock()
	for _, n := range late {
		w.settle(n, err)
	}
}

// wait blocks until everything added before the call is settled, or ctx ends.
func (w *window) wait(ctx context.Context) error {
	w.mu.Lock()
	if w.low == w.next {
		w.mu.Unlock()
		return nil
	}
	f := flush{before: w.next, done: make(chan struct{})}
	w.flushes = append(w.flushes, f)
	w.mu.Unlock()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close makes add fail with err and settles with it what is in the window. Later calls do nothing.
func (w *window) close(err error) {
	w.mu.Lock()
	first := w.closed == nil
	if first {
		w.closed = err
		close(w.done)
	}
	w.mu.Unlock()
	if first {
		w.failAll(err)
	}
}
