package delivery

import (
	"context"
	"errors"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
)

// letters writes dead letters in their order, again and again until they are stored: losing one would lose its record.
// Whoever has one to write does not wait, because that may be the very goroutine on which a topic settles what it was
// given, dead letters included.
type letters struct {
	writer *retry
	ctx    context.Context // ends with the time to finish what is under way, or with close
	cancel context.CancelFunc
	runs   sync.WaitGroup

	mu      sync.Mutex
	queue   []letter // not handed over yet
	open    int      // not settled
	running bool     // somebody hands the queue over
	closed  bool
	changed chan struct{} // closed and replaced when one was handed over or settled
}

type letter struct {
	rec     record.Record
	settled func(error)
}

var errLettersClosed = errors.New("the run has ended")

func newLetters(write func(context.Context, record.Record, func(error)) error, l *life, backoff Backoff) *letters {
	ctx, cancel := context.WithCancel(l.work)
	return &letters{
		writer: newRetry(letterWriter(write), l, backoff), ctx: ctx, cancel: cancel, changed: make(chan struct{}),
	}
}

// put takes a dead letter and returns at once. settled is called once it is stored, or with the reason why it never will be.
func (l *letters) put(rec record.Record, settled func(error)) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		settled(errLettersClosed)
		return
	}
	defer l.mu.Unlock()
	l.open++
	l.queue = append(l.queue, letter{rec, settled})
	if !l.running {
		l.running = true
		l.runs.Go(l.run)
	}
}

// run hands over what is queued.
func (l *letters) run() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.running = false
			l.mu.Unlock()
			return
		}
		next := l.queue[0]
		l.mu.Unlock()
		settled := func(err error) {
			next.settled(err)
			l.change(func() { l.open-- })
		}
		if err := l.writer.Write(l.ctx, next.rec, settled); err != nil {
			settled(err)
		}
		l.change(func() { l.queue = l.queue[1:] })
	}
}

func (l *letters) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// room waits until everything is handed over, so that a source does not go on while the dead-letter topic is away.
func (l *letters) room(ctx context.Context) error {
	return l.await(ctx, func() bool { return len(l.queue) == 0 })
}

// idle waits until everything is settled.
func (l *letters) idle(ctx context.Context) error {
	return l.await(ctx, func() bool { return l.open == 0 })
}

func (l *letters) await(ctx context.Context, ready func() bool) error {
	for {
		l.mu.Lock()
		ok, changed := ready(), l.changed
		l.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// close settles with an error what is not stored yet.
func (l *letters) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	_ = l.writer.Close() // there is nothing behind it to close
	l.runs.Wait()
}

// letterWriter makes a transport.Writer of the function that writes a dead letter. Whoever made it flushes and closes.
type letterWriter func(context.Context, record.Record, func(error)) error

// Write implements transport.Writer.
func (w letterWriter) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	return w(ctx, rec, settled)
}

// Flush implements transport.Writer.
func (letterWriter) Flush(context.Context) error { return nil }

// Close implements transport.Writer.
func (letterWriter) Close() error { return nil }
