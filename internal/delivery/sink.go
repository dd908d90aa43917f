package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// extendEvery is how often the topic is told that work on open messages goes on: well below the 30 s after which NATS
// delivers again.
const extendEvery = 10 * time.Second

// SinkConfig is what RunSink needs.
type SinkConfig struct {
	Instance
	Limits
	Failures
	Reader    transport.Reader
	Chain     *transform.Chain
	BatchSize int           // the most records in a batch
	BatchWait time.Duration // how long a batch waits for more after its first record
	Log       *slog.Logger
	Status    func(state string, err error) // may be nil
	// Session makes a fresh sink for each session.
	Session func() (func(ctx context.Context, in *Input) error, error)
}

// RunSink runs a sink, session after session, until the topic ends, it fails for good, or ctx ends. It blocks. The error
// is nil after a clean stop. It does not close the reader.
func RunSink(ctx context.Context, c SinkConfig) error {
	s := &sink{SinkConfig: c, stop: ctx.Done(), over: make(chan struct{}), readBackoff: Backoff{Cap: c.RetryCap}}
	s.policy = &policy{on: c.On, dead: c.Dead, log: c.Log, connector: c.Connector, version: c.Version, topic: c.Topic}
	return s.run(withLog(ctx, c.Log))
}

type sink struct {
	SinkConfig
	policy      *policy
	in          *Input
	readBackoff Backoff
	working     context.Context // outlives a stop by the shutdown timeout
	endWork     context.CancelCauseFunc
	stop        <-chan struct{} // closed when the run shall end
	over        chan struct{}   // closed when it has

	mu      sync.Mutex
	started bool
	fatal   error
}

func (s *sink) run(ctx context.Context) error {
	s.working, s.endWork = context.WithCancelCause(context.WithoutCancel(ctx))
	defer s.endWork(nil)
	s.in = newInput(s)
	reading, stopReading := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Add(2)
	go func() { defer background.Done(); s.in.pump(reading) }()
	go func() { defer background.Done(); s.tick() }()
	err := s.sessions(ctx)
	stopReading()
	close(s.over)
	background.Wait()
	s.in.release()
	grace, cancel := context.WithTimeout(s.working, s.ShutdownTimeout)
	defer cancel()
	if flushed := s.Reader.Flush(grace); flushed != nil && err == nil {
		err = fmt.Errorf("confirm the acknowledgements: %w", flushed)
	}
	return err
}

// tick keeps open messages from being delivered again, and ends the work some time after a stop.
func (s *sink) tick() {
	ticker := time.NewTicker(extendEvery)
	defer ticker.Stop()
	stop := s.stop
	for {
		select {
		case <-ticker.C:
			s.in.extend()
		case <-stop:
			stop = nil
			timer := time.AfterFunc(s.ShutdownTimeout, func() { s.endWork(context.Canceled) })
			defer timer.Stop()
		case <-s.over:
			return
		}
	}
}

func (s *sink) sessions(ctx context.Context) error {
	backoff := Backoff{Cap: s.RetryCap}
	progress, delivered := time.Now(), 0
	for {
		left, err := s.session()
		s.mu.Lock()
		fatal, limited := s.fatal, !s.started || s.Once
		s.mu.Unlock()
		switch {
		case fatal != nil:
			return fatal
		case ctx.Err() != nil && !IsPermanent(err):
			if err != nil && !stopped(s.working, err) {
				s.Log.Warn("the sink failed while it stopped", "error", err)
			}
			if left > 0 {
				s.Log.Warn("stopped with records that were not written; they are delivered again on the next start", "records", left)
			}
			return nil
		case ctx.Err() != nil:
			return err
		case err == nil && left == 0:
			return nil
		case err == nil:
			err = fmt.Errorf("the sink returned with %d records neither acknowledged nor failed", left)
		}
		s.in.mu.Lock()
		if s.in.delivered > delivered {
			progress, delivered = time.Now(), s.in.delivered
			backoff.Reset()
		}
		s.in.mu.Unlock()
		wait := waitFor(err, backoff.Next())
		if IsPermanent(err) || limited && time.Since(progress)+wait >= s.StartTimeout {
			s.status("failed", err)
			return err
		}
		s.Log.Warn("the sink failed, starting it again", "wait", wait, "error", err)
		s.status("retrying", err)
		if Sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// session runs the sink once and returns how many records it left unsettled.
func (s *sink) session() (left int, err error) {
	run, err := s.Session()
	if err != nil {
		return 0, Permanent(err)
	}
	running, cancel := context.WithCancelCause(s.working)
	defer cancel(nil)
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	if !started {
		timer := time.AfterFunc(s.StartTimeout, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.started {
				cancel(errStartTimeout)
			}
		})
		defer timer.Stop()
	}
	err = guard(running, s.ShutdownTimeout, func() error { return run(running, s.in) })
	if errors.Is(context.Cause(running), errStartTimeout) {
		err = startTimeout(running, s.StartTimeout, err)
	}
	return s.in.endSession(), err
}

// acknowledge tells the topic that messages are done with.
func (s *sink) acknowledge(complete []*parent) {
	for _, p := range complete {
		if err := p.message.Ack(); err != nil {
			s.Log.Warn("acknowledgement not sent; the record may be delivered again", "error", err)
		}
	}
}

// fail ends the run because of an error that no retry can mend.
func (s *sink) fail(err error) {
	s.mu.Lock()
	if s.fatal == nil {
		s.fatal = err
	}
	s.mu.Unlock()
	s.endWork(err)
}

func (s *sink) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// begin marks the run as started.
func (s *sink) begin() {
	s.mu.Lock()
	news := !s.started
	s.started = true
	s.mu.Unlock()
	if news {
		s.status("ready", nil)
	}
}

func (s *sink) status(state string, err error) {
	if s.Status != nil {
		s.Status(state, err)
	}
}

// readSize is how many messages to ask the topic for.
func (s *sink) readSize() int {
	if s.MaxRecords > 0 {
		return min(s.BatchSize, s.MaxRecords)
	}
	return s.BatchSize
}
