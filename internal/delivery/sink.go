package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// SinkConfig is what RunSink needs.
type SinkConfig struct {
	Instance
	Limits
	Failures
	Reader    transport.Reader
	Store     state.Store // of what the transforms aggregate; nil when that is not kept
	Chain     *transform.Chain
	BatchSize int           // the most records in a batch
	BatchWait time.Duration // how long a batch waits for more after its first record
	Log       *slog.Logger
	Status    func(state string, err error) // may be nil
	Metrics   *observe.Metrics              // may be nil
	// LookBack and Waiting are those of SourceConfig.
	LookBack func(ctx context.Context) error
	Waiting  func(holder *state.Holder)
	// Session makes a fresh sink for each session.
	Session func() (func(ctx context.Context, in *Input) error, error)
}

// RunSink runs a sink, session after session, until the topic ends, it fails for good, or ctx ends. It blocks. The error
// is nil after a clean stop. It does not close the reader.
func RunSink(ctx context.Context, c SinkConfig) error {
	s := &sink{SinkConfig: c, life: newLife(ctx, "sink", c.Limits, c.Log, c.Status, c.Metrics)}
	defer s.close()
	err := s.run()
	if err != nil {
		s.failed(err)
	}
	return err
}

type sink struct {
	SinkConfig
	*life
	policy  *policy
	in      *Input
	tracker *tracker // of messages, where what the transforms aggregate is kept; else nil
	saver   *saver
}

func (s *sink) run() error {
	saved, over, err := s.recall()
	if over {
		return err
	}
	if over, err := s.lookBack(s.LookBack); over {
		return err
	}
	if saved != nil {
		s.tracker = newTracker(nil, true)
		s.tracker.keep(s.Chain.State())
		s.saver = newSaver(s.Store, *saved, s.tracker, s.life)
	}
	letters := newLetters(s.Dead, s.life, Backoff{Cap: s.RetryCap})
	s.policy = &policy{Instance: s.Instance, on: s.On, letters: letters, log: s.Log, metrics: s.Metrics}
	s.in = newInput(s)
	s.Metrics.OnInFlight(s.in.inFlight)
	if topic, ok := s.Reader.(transport.Lagging); ok {
		s.Metrics.OnLag(topic.Lag)
	}
	var pump sync.WaitGroup
	pump.Go(func() { s.in.pump(s.alive) })
	err = s.sessions(s.session)
	s.die(nil) // the shutdown timeout begins, if it has not
	pump.Wait()
	if refused := s.awaitLetters(letters); err == nil {
		err = refused
	}
	letters.close()
	if left := s.in.unfinished(); left > 0 {
		s.Log.Warn("stopped with records that were not written; they are delivered again on the next start", "records", left)
	}
	if s.saver != nil {
		if saved := s.saver.close(); saved != nil && err == nil {
			err = fmt.Errorf("save the aggregates: %w", saved)
		}
	}
	if flushed := s.Reader.Flush(s.last); flushed != nil && err == nil && !transport.Gone(flushed) {
		err = fmt.Errorf("confirm the acknowledgements: %w", flushed)
	}
	return err
}

// recall gives the transforms what they had come to, and returns that; nil where it is not kept. It reports whether the run is
// over before it has begun.
func (s *sink) recall() (saved *state.State, over bool, err error) {
	if !s.Chain.Keeps() {
		return nil, false, nil
	}
	if s.Store == nil {
		s.Log.Info(anewAtEveryStart)
		return nil, false, nil
	}
	kept := &loader{
		Instance: s.Instance, store: s.Store, life: s.life, waiting: s.Waiting,
		advice: "give it another --state", other: "another --state",
	}
	if saved, err = kept.load(); err != nil || saved == nil {
		return nil, true, err
	}
	recall(s.Chain, saved, s.life)
	return saved, false, nil
}

// awaitLetters gives dead letters that are under way the time to be stored, so that their records are done with. It returns
// why the run has failed if one was refused.
func (s *sink) awaitLetters(l *letters) error {
	ctx, cancel := s.finishing()
	defer cancel()
	if l.idle(ctx) != nil {
		return nil // their records are delivered again
	}
	return s.ended()
}

// session runs the sink once. What it leaves unsettled goes back to the input.
func (s *sink) session() error {
	run, err := s.Session()
	if err != nil {
		return Permanent(err)
	}
	err = s.one(s.work, func(ctx context.Context) error { return run(ctx, s.in) })
	left := s.in.endSession()
	if left > 0 && err == nil && s.alive.Err() == nil {
		err = fmt.Errorf("the sink returned with %d records neither acknowledged nor failed", left)
	}
	if left > 0 && s.alive.Err() == nil {
		s.Metrics.Down(observe.System, err)
	}
	return err
}

// acknowledge tells the topic that messages are done with.
func (s *sink) acknowledge(complete []*parent) {
	for _, p := range complete {
		ack := p.message.Ack
		*p.message, p.message = transport.Message{}, nil
		if p.slot == nil {
			s.sendAck(ack)
			continue
		}
		// Behind the save that counts it: what is not acknowledged is delivered again to a process that has not counted it.
		s.tracker.settleSaved(p.slot, func(err error) {
			if err == nil {
				s.sendAck(ack)
			}
		})
	}
}

func (s *sink) sendAck(ack func() error) {
	if err := ack(); err != nil {
		s.Log.Warn("acknowledgement not sent; the record may be delivered again", "error", err)
	}
}

// readSize is how many messages to ask the topic for.
func (s *sink) readSize() int {
	if s.MaxRecords > 0 {
		return min(s.BatchSize, s.MaxRecords)
	}
	return s.BatchSize
}
