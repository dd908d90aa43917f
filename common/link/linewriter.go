package link

import (
	"context"
	"io"
	"os"
	"sync"
)

const (
	maxPending  = 256 << 10 // bytes that may wait for the writing goroutine before Append blocks
	maxRetained = 1 << 20   // a buffer that had to grow beyond this is not kept
)

// A LineWriter writes lines to a stream in as few writes as possible and without delaying any: while one write is under way
// further lines gather, and they leave together in the next. It is safe for concurrent use. A write that fails is final,
// since it may have torn a line: its error is what every line is settled with from then on.
type LineWriter struct {
	w      io.Writer
	failed func(error)

	mu       sync.Mutex
	work     *sync.Cond    // signals the writing goroutine
	room     chan struct{} // closed when pending has room again; nil while nobody waits
	pending  []byte
	entries  []lineEntry // of pending
	inflight []lineEntry // of the write under way; taken away by Close
	lines    int64
	err      error // final
}

type lineEntry struct {
	done func(error)
	err  error
}

func (e lineEntry) settle(err error) {
	if e.err != nil {
		err = e.err
	}
	if e.done != nil {
		e.done(err)
	}
}

// NewLineWriter returns a LineWriter on w and starts its goroutine, which ends after Close or a failed write. failed, if
// not nil, is called once with the error of a write that failed.
func NewLineWriter(w io.Writer, failed func(error)) *LineWriter {
	lw := &LineWriter{w: w, failed: failed}
	lw.work = sync.NewCond(&lw.mu)
	go lw.run()
	return lw
}

// Append adds one line. It calls add once, under a lock, with the buffer to append to and the number that the line gets,
// counting from 1; add appends the line without its newline. Append blocks while too much waits to be written, until ctx
// ends. When it returns an error the line was not added, and done is never called. Else done is called exactly once, in
// the order of the lines: with nil after the line was written, else with the reason. When add fails, the line is left out
// and uses no number; the error is passed to done likewise. Without a done, which may be nil, Append returns it.
func (lw *LineWriter) Append(ctx context.Context, add func(dst []byte, line int64) ([]byte, error), done func(error)) error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	for len(lw.pending) >= maxPending && lw.err == nil {
		if err := lw.waitForRoom(ctx); err != nil {
			return err
		}
	}
	if lw.err != nil {
		return lw.err
	}
	buf, err := add(lw.pending, lw.lines+1)
	if err != nil && done == nil {
		return err
	}
	if err == nil {
		lw.lines++
		lw.pending = append(buf, '\n')
	}
	lw.entries = append(lw.entries, lineEntry{done, err})
	lw.work.Signal()
	return nil
}

// waitForRoom gives up the lock until a write took what was pending.
func (lw *LineWriter) waitForRoom(ctx context.Context) error {
	if lw.room == nil {
		lw.room = make(chan struct{})
	}
	room := lw.room
	lw.mu.Unlock()
	defer lw.mu.Lock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Flush blocks until every line added before the call is written, or ctx ends. It returns why lines could not be written.
func (lw *LineWriter) Flush(ctx context.Context) error {
	done := make(chan error, 1)
	if err := lw.after(func(err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// after calls done once every line added so far is written. It does not block.
func (lw *LineWriter) after(done func(error)) error {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if lw.err != nil {
		return lw.err
	}
	lw.entries = append(lw.entries, lineEntry{done: done})
	lw.work.Signal()
	return nil
}

// Close stops the writer without waiting. Lines that are not written yet are settled with os.ErrClosed. A write that is under
// way cannot be broken off: its goroutine ends when the write returns. The stream itself stays open.
func (lw *LineWriter) Close() error {
	settleAll(lw.fail(os.ErrClosed), os.ErrClosed)
	return nil
}

// fail makes err final and returns the entries that are left to settle, oldest first.
func (lw *LineWriter) fail(err error) []lineEntry {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	if lw.err == nil {
		lw.err = err
	}
	left := append(lw.inflight, lw.entries...)
	lw.inflight, lw.entries, lw.pending = nil, nil, nil
	lw.wakeWriters()
	lw.work.Signal()
	return left
}

func (lw *LineWriter) wakeWriters() {
	if lw.room != nil {
		close(lw.room)
		lw.room = nil
	}
}

func (lw *LineWriter) run() {
	var buf []byte
	var entries []lineEntry
	for {
		var ok bool
		if buf, entries, ok = lw.next(buf[:0], entries[:0]); !ok {
			return
		}
		if err := lw.write(buf); err != nil {
			settleAll(lw.fail(err), err)
			if lw.failed != nil {
				lw.failed(err)
			}
			return
		}
		lw.mu.Lock()
		taken := lw.inflight == nil
		lw.inflight = nil
		lw.mu.Unlock()
		if taken {
			return
		}
		settleAll(entries, nil)
		clear(entries)
		if cap(buf) > maxRetained {
			buf = nil
		}
	}
}

// next waits for work and takes all of it, leaving the given empty slices to gather the next.
func (lw *LineWriter) next(buf []byte, entries []lineEntry) ([]byte, []lineEntry, bool) {
	lw.mu.Lock()
	defer lw.mu.Unlock()
	for len(lw.entries) == 0 && lw.err == nil {
		lw.work.Wait()
	}
	if lw.err != nil {
		return nil, nil, false
	}
	buf, lw.pending = lw.pending, buf
	entries, lw.entries = lw.entries, entries
	lw.inflight = entries
	lw.wakeWriters()
	return buf, entries, true
}

func (lw *LineWriter) write(buf []byte) error {
	if len(buf) == 0 {
		return nil
	}
	_, err := lw.w.Write(buf)
	return err
}

func settleAll(entries []lineEntry, err error) {
	for _, e := range entries {
		e.settle(err)
	}
}
