package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Limits are what the shared flags say about the flow of records.
type Limits struct {
	MaxRecords      int // 0 means no limit
	MaxInFlight     int
	MaxBytes        int64
	RetryCap        time.Duration
	StartTimeout    time.Duration
	ShutdownTimeout time.Duration
	Once            bool
}

// Failures are what the shared flags say about records that cannot be processed.
type Failures struct {
	On   OnError
	Dead func(ctx context.Context, rec record.Record, settled func(error)) error // writes a dead letter
}

// Instance says who is running.
type Instance struct{ Name, Connector, Version, Topic string }

// SourceConfig is what RunSource needs.
type SourceConfig struct {
	Instance
	Limits
	Failures
	Writer transport.Writer
	Store  state.Store // nil when no position is kept
	// Identity is the fingerprint of the options that name the resource.
	Identity string
	// Derive says that positions never recur, so that ids can be derived from them.
	Derive bool
	Chain  *transform.Chain
	Log    *slog.Logger
	// Status tells the other side how the source is doing. It may be nil.
	Status func(state string, err error)
	// Session makes a fresh source for each session.
	Session func() (SourceSession, error)
}

// A SourceSession is one life of a source.
type SourceSession struct {
	Run       func(ctx context.Context, out *Output) error
	Committed committedFunc // nil for none; called after a position is saved
}

// RunSource runs a source, session after session, until it is done, fails for good, or ctx ends. It blocks. The error is
// nil after a clean stop. It does not close the writer or the store.
func RunSource(ctx context.Context, c SourceConfig) error {
	s := &source{SourceConfig: c}
	return s.run(withLog(ctx, c.Log))
}

type source struct {
	SourceConfig
	tracker *tracker
	saver   *saver
	ids     *identifiers
	writer  transport.Writer

	mu       sync.Mutex
	cancel   context.CancelCauseFunc // of the session that runs
	started  bool
	fatal    error
	finished bool
}

func (s *source) run(ctx context.Context) error {
	saved, err := s.load(ctx)
	if err != nil {
		return err
	}
	s.tracker = newTracker(saved.Positions, func() {
		if s.saver != nil {
			s.saver.moved()
		}
	})
	s.ids = newIdentifiers(s.Derive, s.Name, saved.Epoch)
	// The work of the decorators outlives ctx: a stop drains what is in flight.
	working, stopWorking := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopWorking(nil)
	retry := newRetry(s.Writer, Backoff{Cap: s.RetryCap}, s.Log)
	s.build(retry)
	if s.Store != nil {
		s.saver = &saver{store: s.Store, state: *saved, tracker: s.tracker, log: s.Log, failed: s.fail,
			wake: make(chan struct{}, 1), stop: make(chan struct{})}
		s.saver.run(working)
	}
	err = s.sessions(ctx)
	grace, cancel := context.WithTimeout(working, s.ShutdownTimeout)
	defer cancel()
	if drained := s.drain(grace); err == nil {
		err = drained
	}
	if s.saver != nil {
		if saved := s.saver.close(grace); saved != nil && err == nil {
			err = fmt.Errorf("save the position: %w", saved)
		}
	}
	if closed := retry.Close(); closed != nil && err == nil {
		err = closed
	}
	return err
}

// build stacks the decorators: what is sent is transformed, counted, bounded, and retried, in this order.
func (s *source) build(retry *retry) {
	p := &policy{on: s.On, dead: s.Dead, log: s.Log, connector: s.Connector, version: s.Version, topic: s.Topic}
	s.writer = newLimit(&policed{retry, p}, s.MaxInFlight, s.MaxBytes)
	if s.MaxRecords > 0 {
		s.writer = newCount(s.writer, s.MaxRecords, s.finish)
	}
	if s.Chain.Len() > 0 {
		s.writer = &transformed{s.writer, s.Chain, p}
	}
}

// load reads the saved state and refuses one that belongs to something else.
func (s *source) load(ctx context.Context) (*state.State, error) {
	fresh := &state.State{Connector: s.Connector, Identity: s.Identity}
	if s.Store == nil {
		return fresh, nil
	}
	saved, err := s.Store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the saved position of %s: %w", s.Name, err)
	}
	if saved == nil {
		return fresh, nil
	}
	if saved.Connector != "" && saved.Connector != s.Connector {
		return nil, &StateMismatch{fmt.Sprintf("the saved position of %q belongs to %s; choose another --name", s.Name, saved.Connector)}
	}
	if saved.Identity != "" && saved.Identity != s.Identity {
		return nil, &StateMismatch{fmt.Sprintf("the saved position of %q is for another resource than the options name; "+
			"choose another --name, or delete that state to start over", s.Name)}
	}
	saved.Connector, saved.Identity = s.Connector, s.Identity
	return saved, nil
}

// A StateMismatch says that a saved position cannot be used with the options as given: wrong usage, not a failure.
type StateMismatch struct{ message string }

// Error tells what does not fit, and what to do.
func (e *StateMismatch) Error() string { return e.message }

// finish ends the run because everything that was asked for is delivered.
func (s *source) finish() { s.end(errDone, nil) }

// fail ends the run because of an error that no retry can mend, or because the other side has gone.
func (s *source) fail(err error) {
	if errors.Is(err, transport.ErrClosed) {
		s.end(errDone, nil)
		return
	}
	s.end(err, err)
}

func (s *source) end(cause, fatal error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished {
		return
	}
	s.finished, s.fatal = true, fatal
	if s.cancel != nil {
		s.cancel(cause)
	}
}

func (s *source) isFinished() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished, s.fatal
}

// begin marks the run as started and reports whether that was news.
func (s *source) begin() {
	s.mu.Lock()
	news := !s.started
	s.started = true
	s.mu.Unlock()
	if news {
		s.status("ready", nil)
	}
}

func (s *source) status(state string, err error) {
	if s.Status != nil {
		s.Status(state, err)
	}
}

// drain waits until everything in flight is settled.
func (s *source) drain(grace context.Context) error {
	select {
	case <-s.tracker.settledAll():
		return nil
	case <-grace.Done():
		return fmt.Errorf("some records were not acknowledged within the shutdown timeout of %s; they are sent again on the next start",
			s.ShutdownTimeout)
	}
}
