package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/observe"
)

// The names of the two sides, in messages and logs.
const (
	sourceSide = "source"
	sinkSide   = "sink"
)

// A side is the source or the sink of a pipeline that runs: one child after the other, until one is done or gives up.
type side struct {
	r       *run
	name    string
	part    observe.Part
	command link.Command

	mu       sync.Mutex
	port     *port // of the child that runs; nil between two
	stopping bool  // the child was told to stop, or shall not be started again
	stopped  chan struct{}
	wasReady bool   // some child was connected
	isReady  bool   // this one is
	failure  string // why this one says that it gives up
	gaveUp   bool
}

// noteStatus takes what the child says of itself.
func (s *side) noteStatus(f *link.Frame) {
	switch f.Status {
	case link.Ready:
		s.ready()
	case link.Retrying:
		s.r.metrics.Down(s.part, fmt.Errorf("%s: %s", s.name, f.Error))
	case link.Failed:
		s.mu.Lock()
		s.gaveUp, s.failure = true, f.Error
		s.mu.Unlock()
	}
}

// ready notes that the child is connected.
func (s *side) ready() {
	s.r.metrics.Up(s.part)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isReady = true
}

// isReadyNow reports whether the child is known to be connected.
func (s *side) isReadyNow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isReady
}

// supervise runs life after life until one ends well, or there is no sense in another.
func (s *side) supervise(ctx context.Context, life func() error) error {
	backoff := delivery.Backoff{Cap: s.r.RetryMaxWait}
	for first := true; ; first = false {
		_, before, _ := s.r.ledger.state()
		err := life()
		s.mu.Lock()
		stopping := s.stopping
		s.mu.Unlock()
		if err == nil || ctx.Err() != nil {
			return err
		}
		err = s.told(err)
		s.r.metrics.Down(s.part, fmt.Errorf("%s: %w", s.name, err))
		if _, after, _ := s.r.ledger.state(); after > before {
			backoff.Reset()
		}
		if stopping || s.final(err, first) {
			return err
		}
		wait := backoff.Next()
		s.r.log.Warn("the "+s.name+" has ended, starting it again", "wait", wait, "error", err)
		s.r.metrics.Restarted()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.stopped:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// told makes one line of how a child ended: what it said itself where it did.
func (s *side) told(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	exit, ok := errors.AsType[*link.ExitError](err)
	switch {
	case !ok:
		return err
	case s.gaveUp && s.failure != "":
		return &ending{s.failure, err}
	case exit.Status() > 0 && exit.Last != "":
		return &ending{exit.Last, err}
	}
	return err
}

// An ending is how a child ended, in its own words.
type ending struct {
	words string
	err   error
}

func (e *ending) Error() string { return connector.OneLine(e.words) }
func (e *ending) Unwrap() error { return e.err }

// A lostError says that the sink has refused records for good whose source has gone. Another sink would refuse them too; on the
// next start of the pipeline a source that resumes sends them again, and decides.
type lostError struct {
	records int
	reason  string
}

func (e *lostError) Error() string {
	return fmt.Sprintf("it refused %d records whose source has gone: %s", e.records, e.reason)
}

// final reports whether starting the child again makes no sense: it breaks the protocol, refuses its options or what
// nobody can decide about, or gives up. One that gives up before it is connected is tried again where an earlier one was
// connected: what it needs was there. One that just dies is tried again, unless nothing has worked within the start timeout, or
// with Once for as long.
func (s *side) final(err error, first bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.wasReady
	s.wasReady = was || s.isReady
	exit, ok := errors.AsType[*link.ExitError](err)
	if !ok { // it could not be started, or has ended for what it said
		var broken *protocolError
		var lost *lostError
		return first || errors.As(err, &broken) || errors.As(err, &lost)
	}
	return exit.Status() == 2 || s.gaveUp && (s.isReady || !was) ||
		(!s.wasReady || s.r.Once) && time.Since(s.r.progress()) > s.r.StartTimeout
}

// begin notes a new child, and tells it to stop if there is to be none.
func (s *side) begin(p *port) {
	s.mu.Lock()
	s.port, s.isReady, s.gaveUp, s.failure = p, false, false, ""
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		p.stop(s.command.Grace)
	}
}

// end notes that the child has ended.
func (s *side) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.port = nil
}

// stop tells the child to stop, and that none is to follow. It does not block.
func (s *side) stop() {
	s.mu.Lock()
	p, before := s.port, s.stopping
	s.stopping = true
	s.mu.Unlock()
	if before {
		return
	}
	if p != nil {
		p.stop(s.command.Grace)
	}
	close(s.stopped)
}

// hangUp closes the input of the child, which tells it that nothing will be answered any more.
func (s *side) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port != nil {
		s.port.child.CloseInput()
	}
}
