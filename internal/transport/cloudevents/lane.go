package cloudevents

import (
	"errors"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A lane is a queue of records that must arrive in their order: one request of it is under way at a time. Each partition has
// its own, but in the batched mode, where partitions share lanes so that batches grow large.
type lane struct {
	key       laneKey
	queue     []*entry
	scheduled bool // it is in the hands of a worker, or waits for one
	failing   int  // how many failures are just being told; nothing is sent meanwhile
}

type laneKey struct {
	partition string
	shard     uint64
}

var seed = maphash.MakeSeed()

// laneFor is called with the lock held.
func (w *writer) laneFor(partition string) *lane {
	key := laneKey{partition: partition}
	if w.cfg.Mode == Batched {
		key = laneKey{shard: maphash.String(seed, partition) % uint64(w.cfg.Parallel)}
	}
	l := w.lanes[key]
	if l == nil {
		l = &lane{key: key}
		w.lanes[key] = l
	}
	return l
}

// enqueue is called with the lock held.
func (w *writer) enqueue(l *lane, e *entry) {
	l.queue = append(l.queue, e)
	if l.scheduled || l.failing > 0 {
		return
	}
	l.scheduled = true
	w.ready = append(w.ready, l)
	if w.workers < w.cfg.Parallel {
		w.workers++
		w.active.Go(w.work)
	}
}

// empty takes everything out of the queue. The lock is held.
func (l *lane) empty() []*entry {
	all := l.queue
	l.queue = nil
	return all
}

// work sends what the lanes hold, each in its turn, until there is nothing.
func (w *writer) work() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.ready) > 0 {
		l := w.ready[0]
		w.ready = w.ready[1:]
		chunk := w.take(l)
		if len(chunk) > 0 {
			w.mu.Unlock()
			w.deliver(l, chunk)
			w.mu.Lock()
		}
		if len(l.queue) > 0 && l.failing == 0 {
			w.ready = append(w.ready, l)
			continue
		}
		l.scheduled = false
		w.tidy(l)
	}
	w.workers--
}

// tidy forgets a lane that is not in use. The lock is held.
func (w *writer) tidy(l *lane) {
	if len(l.queue) == 0 && !l.scheduled && l.failing == 0 {
		delete(w.lanes, l.key)
	}
}

// take removes what the next request holds from the lane. The lock is held.
func (w *writer) take(l *lane) []*entry {
	n := min(1, len(l.queue))
	if l.failing > 0 {
		return nil
	}
	if w.cfg.Mode == Batched && n > 0 {
		size := len(l.queue[0].body) + len("[]")
		for n < len(l.queue) && n < w.cfg.BatchRecords {
			size += len(l.queue[n].body) + len(",")
			if size > w.cfg.BatchBytes {
				break
			}
			n++
		}
	}
	chunk := l.queue[:n:n]
	l.queue = l.queue[n:]
	return chunk
}

// deliver sends the records of one request and settles them. What waits behind a failure fails with it: in the same lane to
// keep the order, and everywhere when the other side has asked for a pause.
func (w *writer) deliver(l *lane, chunk []*entry) {
	failed, err := w.send(chunk)
	if err == nil {
		return
	}
	lanes := []*lane{l}
	w.mu.Lock()
	defer w.mu.Unlock()
	var delayed *transport.Delayed
	if errors.As(err, &delayed) {
		lanes = slices.Collect(maps.Values(w.lanes))
	}
	for _, l := range lanes {
		l.failing++
	}
	failed = slices.Clone(failed)
	for {
		for _, l := range lanes {
			failed = append(failed, l.empty()...)
		}
		if len(failed) == 0 {
			break
		}
		if w.cfg.StopAtFailure {
			w.stopped = err
		}
		w.mu.Unlock()
		w.settle(failed, err)
		failed = nil // and then what was written by callers who had not heard of it
		w.mu.Lock()
	}
	for _, l := range lanes {
		l.failing--
		w.tidy(l)
	}
}

// send posts records as one request and settles them, but for those that may be tried again: it returns these with the reason.
func (w *writer) send(chunk []*entry) ([]*entry, error) {
	err := w.poster.post(w.ctx, chunk)
	var rejected *transport.Rejected
	switch {
	case err != nil && !errors.As(err, &rejected):
		return chunk, err
	case err == nil || len(chunk) == 1 || !blamesContent(err):
		w.settle(chunk, err)
		return nil, nil
	}
	half := len(chunk) / 2
	if failed, err := w.send(chunk[:half]); err != nil {
		return slices.Concat(failed, chunk[half:]), err
	}
	return w.send(chunk[half:])
}
