package kps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/host"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// longestWait is how long a stream that has failed waits, at the most, before it is tried again.
const longestWait = time.Minute

// A stream runs a connector for one stream of the platform, again and again, until it is told to stop. What its connector
// refuses waits for other options; all else that fails is tried again, because the platform wants the stream to run.
type stream struct {
	*surroundings
	id      string
	subject string // its transport channel
	egress  bool
	side    *side  // nil if no connector serves its direction
	name    string // of the instance
	log     *slog.Logger
	after   <-chan struct{} // closed when the former stream of this name has ended; nil for none
	spec    *pb.Stream      // as the platform gave it last; of desired's, and not for run

	health *health
	ctx    context.Context // ends when the stream is to stop
	stop   context.CancelFunc
	done   chan struct{} // closed when it has stopped

	mu      sync.Mutex
	options map[string]any
	refused error              // why there are no options
	current context.Context    // ends when the options change, or the stream is to stop
	change  context.CancelFunc // ends current
}

// set gives the stream options, or the reason why there are none. A connector that runs with others is drained, and
// replaced.
func (s *stream) set(options map[string]any, refused error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options, s.refused = options, refused
	if s.change != nil {
		s.change()
	}
	s.current, s.change = context.WithCancel(s.ctx)
}

func (s *stream) wanted() (ctx context.Context, options map[string]any, refused error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, s.options, s.refused
}

// run blocks until the stream is told to stop and what was under way is finished.
func (s *stream) run() {
	defer close(s.done)
	if s.after != nil {
		<-s.after
	}
	c := &channel{stream: s}
	defer c.close()
	backoff := delivery.Backoff{Cap: longestWait}
	for s.ctx.Err() == nil {
		current, options, err := s.wanted()
		began := time.Now()
		if err == nil {
			err = s.once(current, c, options)
		}
		s.health.stopped()
		var (
			refused *connector.Refused
			config  *transport.ConfigError
		)
		switch {
		case s.ctx.Err() != nil: // drained; or not in time, which the log tells
			if err != nil {
				s.log.Warn("the stream did not stop cleanly", "error", err)
			}
		case current.Err() != nil:
			backoff.Reset()
			if err != nil {
				s.log.Warn("the connector did not stop cleanly; another is started with the new options", "error", err)
			}
		case err == nil:
			s.events.status(s.id, streamEnded, pb.State_STATE_PROVISIONED, "the source has no more, and all of it is delivered", nil)
			<-current.Done()
		case errors.As(err, &refused), errors.As(err, &config):
			s.failed("the options of the stream are refused", err)
			<-current.Done()
		default:
			if time.Since(began) > longestWait {
				backoff.Reset()
			}
			wait := backoff.Next()
			s.failed(fmt.Sprintf("the stream has failed and is tried again in %s", wait.Round(time.Millisecond)), err)
			_ = delivery.Sleep(current, wait)
		}
	}
}

// failed tells the platform, and the log, that nothing runs.
func (s *stream) failed(message string, err error) {
	s.log.Error(message, "error", err)
	s.events.status(s.id, streamFailed, pb.State_STATE_FAILED, message+": "+err.Error(), err)
	s.events.alert(s.id, streamFailed, pb.Severity_SEVERITY_CRITICAL, pb.State_STATE_FAILED, message+": "+err.Error(), err)
}

// once runs the connector with options until ctx ends and what is under way is finished, the source has no more, or something
// fails.
func (s *stream) once(ctx context.Context, c *channel, options map[string]any) error {
	env := s.side.environment(options)
	config, err := s.side.program.Configure(ctx, env, s.folder, s.name, options)
	if err != nil {
		return err
	}
	defer os.Remove(config) // it may hold secrets
	if err := c.open(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	s.health.started()
	instance := host.Instance{
		Program: s.side.program, Env: env, Name: s.name, Config: config, Topic: s.subject,
		Limits: delivery.Limits{ShutdownTimeout: s.shutdownTimeout},
		Log:    s.log, Stderr: s.lines(s.id), Status: s.heard,
	}
	if s.egress {
		if _, decided := options["state"]; !decided {
			instance.Args = s.side.program.Saving(filepath.Join(s.state, s.name+".aggregates.json"))
		}
		c.inbox.rewind()
		return instance.RunSink(ctx, c.inbox)
	}
	w, err := c.writer(ctx)
	if err != nil {
		return err
	}
	store := state.NewFile(filepath.Join(s.state, s.name+".json"))
	defer store.Close()
	return instance.RunSource(ctx, w, store)
}

// heard takes what the connector and the engine say of a run.
func (s *stream) heard(state string, err error) {
	switch state {
	case link.Ready:
		s.health.connector(nil)
	case link.Retrying:
		if err == nil {
			err = errors.New("the connector is trying again")
		}
		s.health.connector(err)
	}
}
