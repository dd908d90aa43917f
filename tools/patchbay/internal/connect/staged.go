package connect

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

var errClosed = errors.New("the writer is closed")

// A stagedWriter transforms records on their way to a topic.
type stagedWriter struct {
	transport.Writer
	chain *chain

	life    context.Context // ends with Close
	end     context.CancelFunc
	timers  sync.WaitGroup
	mu      sync.Mutex // held while a batch is transformed and written, so that batches keep their order
	waiting []item     // of the batch that is being gathered
	size    int        // bytes in it
	timer   *time.Timer
}

func newStagedWriter(w transport.Writer, c *chain) *stagedWriter {
	s := &stagedWriter{Writer: w, chain: c}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Write implements transport.Writer. What is gathered is settled later, with the rest of its batch.
func (s *stagedWriter) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	if !s.chain.batches {
		s.write(ctx, []item{{rec, settled}})
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, item{rec, settled})
	if s.size += len(rec.Value); len(s.waiting) >= combineRecords || s.size >= combineBytes {
		s.release(ctx)
		return nil
	}
	if s.timer == nil {
		s.timers.Add(1)
		s.timer = time.AfterFunc(combineWait, func() {
			defer s.timers.Done()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.timer = nil
			s.release(s.life)
		})
	}
	return nil
}

// release transforms and writes the batch; s.mu is held.
func (s *stagedWriter) release(ctx context.Context) {
	s.write(ctx, s.take())
}

// take ends the gathering of a batch; s.mu is held.
func (s *stagedWriter) take() []item {
	if s.timer != nil && s.timer.Stop() {
		s.timers.Done()
		s.timer = nil
	}
	batch := s.waiting
	s.waiting, s.size = nil, 0
	return batch
}

func (s *stagedWriter) write(ctx context.Context, items []item) {
	for _, it := range s.chain.run(ctx, items) {
		if err := s.Writer.Write(ctx, it.rec, it.settled); err != nil {
			it.settled(err)
		}
	}
}

// Resume implements transport.Resumer. No batch is being gathered then: its records have not settled.
func (s *stagedWriter) Resume() {
	if w, ok := s.Writer.(transport.Resumer); ok {
		w.Resume()
	}
}

// Flush implements transport.Writer.
func (s *stagedWriter) Flush(ctx context.Context) error {
	s.mu.Lock()
	s.release(ctx)
	s.mu.Unlock()
	return s.Writer.Flush(ctx)
}

// Close implements transport.Writer.
func (s *stagedWriter) Close() error {
	s.end()
	s.mu.Lock()
	batch := s.take()
	s.mu.Unlock()
	s.timers.Wait()
	together(batch)(errClosed)
	return s.Writer.Close()
}

// A stagedReader transforms records on their way from a topic. A message is acknowledged once all that came of it are.
type stagedReader struct {
	transport.Reader
	chain *chain
	ready []transport.Message // transformed and not yet returned
}

// Read implements transport.Reader.
func (s *stagedReader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	for len(s.ready) == 0 {
		want, patience := limit, wait
		if s.chain.batches {
			want, patience = combineRecords, combineWait
		}
		messages, err := s.Reader.Read(ctx, want, patience)
		if err != nil {
			return nil, err
		}
		if err := s.transform(ctx, messages); err != nil {
			return nil, err
		}
	}
	n := min(limit, len(s.ready))
	out := s.ready[:n]
	s.ready = s.ready[n:]
	return out, nil
}

// transform makes of messages those that are ready. The error is what a record failed with.
func (s *stagedReader) transform(ctx context.Context, messages []transport.Message) error {
	f := &failure{}
	items := make([]item, len(messages))
	for i, m := range messages {
		items[i] = item{m.Record, func(err error) {
			if err == nil {
				err = m.Ack()
			}
			f.set(err)
		}}
	}
	out := s.chain.run(ctx, items)
	if err := f.take(); err != nil { // stages settle a failure before they return; nothing of this batch goes on
		if ctx.Err() == nil {
			err = &transport.Broken{Err: err}
		}
		return err
	}
	for _, it := range out {
		s.ready = append(s.ready, transport.Message{Record: it.rec, Attempt: 1, Ack: func() error {
			it.settled(nil)
			return f.take()
		}})
	}
	return nil
}

// A failure keeps an error until somebody takes it.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *failure) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.err
	f.err = nil
	return err
}

var (
	_ transport.Writer  = (*stagedWriter)(nil)
	_ transport.Resumer = (*stagedWriter)(nil)
	_ transport.Reader  = (*stagedReader)(nil)
)
