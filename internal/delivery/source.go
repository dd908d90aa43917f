package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
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
	StartBy         time.Time // when the start timeout ends; zero means that it begins now
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
	// Ordered says that a record waits until the one before it in its partition is acknowledged.
	Ordered bool
	// Derive says that positions never recur, so that ids can be derived from them.
	Derive bool
	// ScopeIDs says that the topic drops records by their ids alone, so that those of several sources must not be alike.
	ScopeIDs bool
	Chain    *transform.Chain
	// LookBack shows Chain the last records of the topic. It is called once no other process uses the saved position, so that it
	// shows what such a process has written, and again after an error that is not Permanent, until the start timeout has passed.
	// Nil means that nothing looks back.
	LookBack func(ctx context.Context) error
	Log      *slog.Logger
	// Metrics hears of everything that happens. It may be nil.
	Metrics *observe.Metrics
	// Status tells the other side how the source is doing. It may be nil.
	Status func(state string, err error)
	// Waiting hears of the process that the run waits for before it starts, because only one may use the saved position, and
	// of nil once the waiting is over. It may be nil.
	Waiting func(holder *state.Holder)
	// Session makes a fresh source for each session.
	Session func() (SourceSession, error)
}

// A SourceSession is one life of a source.
type SourceSession struct {
	Run       func(ctx context.Context, out *Output) error
	Committed committedFunc // nil for none; called after a position is saved
}

// RunSource runs a source, session after session, until it is done, fails for good, or ctx ends. It blocks. The error is
// nil after a clean stop. It closes the writer, and leaves the store open.
func RunSource(ctx context.Context, c SourceConfig) error {
	s := &source{SourceConfig: c, life: newLife(ctx, "source", c.Limits, c.Log, c.Status, c.Metrics)}
	defer s.close()
	err := s.run()
	if err != nil {
		s.failed(err)
	}
	return err
}

type source struct {
	SourceConfig
	*life
	tracker *tracker
	saver   *saver
	ids     *identifiers
	entry   entrance
	gather  *gathered     // nil where transforms take one record at a time
	turn    chan struct{} // of the records, where transforms keep a state; else nil
}

func (s *source) run() error {
	kept := &loader{
		Instance: s.Instance, store: s.Store, identity: s.Identity, life: s.life, waiting: s.Waiting,
		advice: s.Connector + " state reset, with the flags of this run, starts over", other: "another --name, or --state",
	}
	saved, err := kept.load()
	if err != nil || saved == nil {
		return err
	}
	s.tracker = newTracker(saved.Positions, s.Store != nil)
	s.recall(saved)
	if over, err := s.lookBack(s.LookBack); over {
		return err
	}
	s.ids = newIdentifiers(s.Derive, s.Name, saved.Epoch)
	if s.ScopeIDs {
		s.ids.scopeOwn(s.Name, saved.Epoch)
	}
	retry := newRetry(s.Writer, s.life, Backoff{Cap: s.RetryCap})
	retry.retried = s.Metrics.Retried
	letters := newLetters(s.Dead, s.life, Backoff{Cap: s.RetryCap})
	s.build(retry, letters)
	if s.Store != nil {
		s.saver = newSaver(s.Store, *saved, s.tracker, s.life)
	}
	err = s.sessions(s.session)
	s.die(nil) // the shutdown timeout begins, if it has not
	if drained := s.drain(); err == nil {
		err = drained
	}
	if s.gather != nil {
		s.gather.close()
	}
	if s.saver != nil {
		if saved := s.saver.close(); saved != nil && err == nil && !transport.Gone(saved) {
			err = fmt.Errorf("save the position: %w", saved)
		}
	}
	letters.close()
	if err != nil {
		s.failed(err) // while the other side can still hear it
	}
	if closed := retry.Close(); closed != nil && err == nil && !transport.Gone(closed) {
		err = closed
	}
	return err
}

// build stacks the decorators: what is sent is transformed, bounded, counted, kept in order and retried, in this order, and what fails for
// good on the way is left to the error policy.
func (s *source) build(retry transport.Writer, letters *letters) {
	p := &policy{Instance: s.Instance, on: s.On, letters: letters, log: s.Log, metrics: s.Metrics}
	w := retry
	if s.Ordered {
		w = newOrdered(w)
	}
	if s.MaxRecords > 0 {
		w = newCount(w, s.MaxRecords, s.reached)
	}
	w = newLimit(w, s.MaxInFlight, s.MaxBytes, s.Metrics)
	if s.Chain.Len() > 0 {
		t := &transformed{w, s.Chain, p}
		if s.Chain.Batches() {
			s.gather = newGathered(t, s.life, s.tracker)
			s.entry = s.gather
			return
		}
		w = t
	}
	s.entry = &policed{w, p}
}

// reached ends the run because as many records are delivered as were asked for.
func (s *source) reached() {
	s.finish()
	if s.gather != nil {
		s.gather.cancel(errDone)
	}
}

// recall gives the transforms what they had come to when the state was saved.
func (s *source) recall(saved *state.State) {
	if recall(s.Chain, saved, s.life) {
		s.turn = make(chan struct{}, 1)
		s.tracker.keep(s.Chain.State())
		if s.Store == nil {
			s.Log.Info(anewAtEveryStart)
		}
	}
}

// session runs the source once, and returns when all that it sent has settled, so that the next session starts behind it.
func (s *source) session() error {
	session, err := s.Session()
	if err != nil {
		return Permanent(err)
	}
	if aggregates := s.tracker.reset(); s.Chain.Keeps() {
		s.Chain.Restore(aggregates)
	}
	s.ids.restart()
	err = s.one(s.alive, func(ctx context.Context) error {
		out := &Output{
			ctx: ctx, life: s.life, entry: s.entry, tracker: s.tracker, ids: s.ids, turn: s.turn, saves: s.turn != nil && s.Store != nil,
		}
		defer out.over.Store(true)
		if s.saver != nil && session.Committed != nil {
			return s.saver.tellWhile(session.Committed, func() error { return session.Run(ctx, out) })
		}
		return session.Run(ctx, out)
	})
	select {
	case <-s.tracker.settledAll():
	case <-s.alive.Done():
	}
	return err
}

// drain waits until everything in flight is settled, and returns what came of it.
func (s *source) drain() error {
	ctx, cancel := s.finishing()
	defer cancel()
	select {
	case <-s.tracker.settledAll():
	case <-ctx.Done():
		return fmt.Errorf("some records were not acknowledged within the shutdown timeout of %s; they are sent again on the next start",
			s.ShutdownTimeout)
	}
	return s.ended()
}
