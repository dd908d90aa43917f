package commontest

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/state"
)

// A SourceRun is a source that runs.
type SourceRun struct {
	t      testing.TB
	topic  *topic
	store  *store
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	read   int
}

// StartSource runs a source in the background. The options are parsed anew for every session. The run ends with the test.
func StartSource[T any, P interface {
	*T
	common.Source
}](t testing.TB, c Config, args ...string) *SourceRun {
	t.Helper()
	Options[T](t, args...) // so that wrong options fail here
	return startSource(t, c, func() common.Source { return P(Options[T](t, args...)) })
}

func startSource(t testing.TB, c Config, fresh func() common.Source) *SourceRun {
	ctx, cancel := context.WithCancel(context.Background())
	r := &SourceRun{t: t, topic: newTopic(c), store: &store{positions: c.Positions}, cancel: cancel, done: make(chan struct{})}
	config := delivery.SourceConfig{
		Instance: delivery.Instance{Name: "test", Connector: "test", Topic: "test"},
		Limits:   c.limits(), Failures: delivery.Failures{On: delivery.OnError(c.onError())},
		Writer: r.topic, Store: r.store, Log: logger(t),
		Session: func() (delivery.SourceSession, error) {
			own := fresh()
			session := delivery.SourceSession{Run: func(ctx context.Context, out *delivery.Output) error { return own.Run(ctx, out) }}
			if committer, ok := own.(common.Committer); ok {
				session.Committed = committer.Committed
			}
			return session, nil
		},
	}
	go func() {
		defer close(r.done)
		r.err = delivery.RunSource(ctx, config)
	}()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// maxInFlight is how many records may be on their way.
const maxInFlight = 4096

func (c Config) limits() delivery.Limits {
	timeout := c.ShutdownTimeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	return delivery.Limits{
		MaxInFlight: maxInFlight, MaxBytes: 64 << 20, RetryCap: 200 * time.Millisecond, StartTimeout: Patience,
		ShutdownTimeout: timeout, Once: c.Once,
	}
}

func (c Config) onError() string {
	if c.OnError == "" {
		return "fail"
	}
	return c.OnError
}

// Next waits for the next record and returns it. It fails the test when none comes.
func (r *SourceRun) Next() common.Record {
	r.t.Helper()
	rec, ok := r.topic.wait(r.read, r.done)
	if !ok {
		select {
		case <-r.done:
			r.t.Fatalf("no record %d: the source has ended with error %v", r.read+1, r.err)
		default:
			r.t.Fatalf("no record %d within %s", r.read+1, Patience)
		}
	}
	r.read++
	return rec
}

// Wait waits for the source to end by itself and returns its error.
func (r *SourceRun) Wait() error {
	r.t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(Patience):
		r.t.Fatalf("the source did not end within %s; Run must return when its context ends, and with --once when all is sent", Patience)
		return nil
	}
}

// Stop asks the source to end, as SIGTERM does, waits for it and returns its error.
func (r *SourceRun) Stop() error {
	r.t.Helper()
	r.cancel()
	return r.Wait()
}

// Records returns all that was delivered so far.
func (r *SourceRun) Records() []common.Record { return r.topic.all() }

// Positions returns the positions that are saved. They follow delivery within a moment, and are final after Wait or Stop.
func (r *SourceRun) Positions() map[string]string { return r.store.saved() }

// A store keeps positions in memory.
type store struct {
	mu        sync.Mutex
	positions map[string]string
}

// Load implements state.Store.
func (s *store) Load(context.Context) (*state.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.positions == nil {
		return nil, nil
	}
	return &state.State{Positions: maps.Clone(s.positions)}, nil
}

// Save implements state.Store.
func (s *store) Save(_ context.Context, st *state.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.positions = maps.Clone(st.Positions)
	return nil
}

// Close implements state.Store.
func (s *store) Close() error { return nil }

func (s *store) saved() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.positions)
}
