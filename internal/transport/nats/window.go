package nats

import (
	"context"
	"errors"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A window holds the records that were handed to the server and are not settled. It bounds their number and sees to it
// that each is settled once, whichever of acknowledgement, time limit, loss of the connection and close comes first.
type window struct {
	slots chan struct{} // one element for each record in the window
	done  chan struct{} // closed by close
	stops bool          // add takes nothing after a failure until resume

	failures atomic.Uint64 // how often several records failed at once

	mu      sync.Mutex
	closed  error
	stopped bool          // a record has failed that may be written again
	next    uint64        // the number of the next record; numbers begin at 1
	low     uint64        // every record with a smaller number is settled
	ring    []entry       // of the numbers from low on, each at its number modulo the length, which is a power of two
	flushes []flush       // ordered by number
	gate    chan struct{} // closed when add goes on; nil while it is not held back
}

type entry struct {
	settled func(error)
	since   time.Time
	held    bool // it is not settled
	taken   bool // being settled now
}

type flush struct {
	before uint64 // records with smaller numbers are waited for
	done   chan struct{}
}

// newWindow returns a window for so many records. If it stops, nothing can overtake what has failed: add returns an error
// from the first failure that may go away until resume.
func newWindow(size int, stops bool) *window {
	return &window{
		slots: make(chan struct{}, size), done: make(chan struct{}), stops: stops,
		next: 1, low: 1, ring: make([]entry, 1<<bits.Len(uint(size-1))),
	}
}

// errBehind says that a record was not sent, lest it overtake others.
var errBehind = errors.New("records before it failed while it waited, and have to be written first")

// add blocks until there is room and returns the record's number. After an error settled will not be called.
func (w *window) add(ctx context.Context, settled func(error)) (uint64, error) {
	failures := w.failures.Load()
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
	for w.gate != nil && w.closed == nil {
		if err := w.pass(ctx, w.gate); err != nil {
			<-w.slots
			return 0, err
		}
	}
	if w.closed != nil {
		<-w.slots
		return 0, w.closed
	}
	if w.stopped || w.failures.Load() != failures {
		<-w.slots
		return 0, errBehind
	}
	if w.next-w.low == uint64(len(w.ring)) {
		w.grow()
	}
	n := w.next
	w.next++
	*w.at(n) = entry{settled: settled, since: time.Now(), held: true}
	return n, nil
}

// at is where record n is, from low on and up to the length of the ring. The mutex is held, as it is for grow and known.
func (w *window) at(n uint64) *entry { return &w.ring[n&uint64(len(w.ring)-1)] }

// grow makes room where the oldest record is not settled and so many others are that came after it. It stays small, because
// a publisher to a stream holds new ones back after stallAfter.
func (w *window) grow() {
	old := w.ring
	w.ring = make([]entry, 2*len(old))
	for n := w.low; n < w.next; n++ {
		*w.at(n) = old[n&uint64(len(old)-1)]
	}
}

// known returns record n, or nil if it is settled, or being settled.
func (w *window) known(n uint64) *entry {
	if n < w.low || n >= w.next {
		return nil
	}
	if e := w.at(n); e.held && !e.taken {
		return e
	}
	return nil
}

// pass waits for the gate without the lock, which is held before and after.
func (w *window) pass(ctx context.Context, gate <-chan struct{}) error {
	w.mu.Unlock()
	defer w.mu.Lock()
	select {
	case <-gate:
	case <-w.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// holdBack makes add block until release is called.
func (w *window) holdBack() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gate == nil {
		w.gate = make(chan struct{})
	}
}

// release ends what holdBack began.
func (w *window) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gate != nil {
		close(w.gate)
		w.gate = nil
	}
}

// oldest returns the number of the record that has waited longest to be settled, if there is any.
func (w *window) oldest() (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.low, w.low < w.next
}

// settle gives record n its fate, unless it has one or is not known.
func (w *window) settle(n uint64, err error) {
	w.mu.Lock()
	e := w.known(n)
	if e == nil {
		w.mu.Unlock()
		return
	}
	e.taken = true
	settled := e.settled
	w.note(err)
	w.mu.Unlock()
	settled(err) // outside the lock: it is not ours
	w.mu.Lock()
	w.remove(n)
	w.mu.Unlock()
}

// note stops add at a failure that may go away. The mutex is held.
func (w *window) note(err error) {
	if err == nil || !w.stops {
		return
	}
	if _, rejected := errors.AsType[*transport.Rejected](err); !rejected {
		w.stopped = true
	}
}

// stop is called for a record that failed before it had a number.
func (w *window) stop(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(err)
}

// resume lets add take records again.
func (w *window) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = false
}

// takeBack drops record n, which could not be handed over, and returns why; nil if the record was settled meanwhile.
func (w *window) takeBack(n uint64, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known(n) == nil {
		return nil
	}
	w.note(err)
	w.remove(n)
	return err
}

// remove is called with the lock held.
func (w *window) remove(n uint64) {
	*w.at(n) = entry{}
	<-w.slots
	for w.low < w.next && !w.at(w.low).held {
		w.low++
	}
	for len(w.flushes) > 0 && w.flushes[0].before <= w.low {
		close(w.flushes[0].done)
		w.flushes = w.flushes[1:]
	}
}

// failAll settles everything in the window.
func (w *window) failAll(err error) { w.fail(err, func(uint64, *entry) bool { return true }) }

// failBefore settles what was added before t.
func (w *window) failBefore(t time.Time, err error) {
	w.fail(err, func(_ uint64, e *entry) bool { return e.since.Before(t) })
}

// failUpTo settles record n and what was added before it.
func (w *window) failUpTo(n uint64, err error) {
	w.fail(err, func(m uint64, _ *entry) bool { return m <= n })
}

// fail settles some of the window, the first added first.
func (w *window) fail(err error, which func(uint64, *entry) bool) {
	w.mu.Lock()
	var failed []uint64
	for n := w.low; n < w.next; n++ {
		if e := w.at(n); e.held && which(n, e) {
			failed = append(failed, n)
		}
	}
	if len(failed) > 0 {
		w.failures.Add(1)
		w.note(err)
	}
	w.mu.Unlock()
	for _, n := range failed {
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
