package delivery

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// A leasedStore is a fakeStore with a lease that can be lost.
type leasedStore struct {
	fakeStore
	lost func(error)
}

func (l *leasedStore) Acquire(_ context.Context, lost func(error)) error { l.lost = lost; return nil }

func (l *leasedStore) Inspect(context.Context) (state.Info, error) { return state.Info{}, nil }
func (l *leasedStore) Where() string                               { return "memory" }

// A syncBuffer is written by the run and read by the test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// taken returns the path of a state whose lease another store holds, and what gives that up.
func taken(t *testing.T) (path string, release func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.json")
	other := state.NewFile(path)
	if err := other.Acquire(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestASecondCopyWaitsForTheFirst(t *testing.T) {
	path, release := taken(t)
	store := state.NewFile(path)
	t.Cleanup(func() { _ = store.Close() })
	limits := testLimits()
	limits.StartTimeout = 200 * time.Millisecond // the wait is longer, and so is the pause between two looks
	var log syncBuffer
	var statuses []string
	var waiting []string
	topic := &fakeTopic{}
	begun := time.Now()
	c := SourceConfig{
		Writer: topic, Store: store, Limits: limits, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Status: func(s string, err error) {
			if err != nil {
				s += " " + err.Error()
			}
			statuses = append(statuses, s)
		},
		Waiting: func(h *state.Holder) {
			if h == nil {
				waiting = append(waiting, "no more")
				return
			}
			waiting = append(waiting, h.String())
			time.AfterFunc(3*limits.StartTimeout, release)
		},
	}
	err := runSource(t.Context(), c, func(ctx context.Context, out *Output) error {
		if err := Sleep(ctx, limits.StartTimeout/4); err != nil { // its own start takes some time, too
			return err
		}
		return out.Send(ctx, numbered(1, 2)...)
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "written", topic.values(), strs(1, 2))
	if took := time.Since(begun); took < 3*limits.StartTimeout {
		t.Errorf("it did not wait: %s", took)
	}
	holder := state.ThisProcess()
	if len(waiting) != 2 || !strings.Contains(waiting[0], holder.Host) || waiting[1] != "no more" {
		t.Errorf("waiting = %q", waiting)
	}
	if len(statuses) != 2 || !strings.HasPrefix(statuses[0], "retrying another process") || statuses[1] != "ready" {
		t.Errorf("statuses = %q", statuses)
	}
	if n := strings.Count(log.String(), "another process uses the same saved position"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, log.String())
	}
	if !strings.Contains(log.String(), "no position is saved, starting from the beginning") {
		t.Errorf("nobody is told of the start from zero:\n%s", log.String())
	}
}

func TestABoundedPassDoesNotWaitForAnotherCopy(t *testing.T) {
	path, release := taken(t)
	defer release()
	limits := testLimits()
	limits.Once = true
	err := runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Store: state.NewFile(path), Limits: limits}, nil)
	var held *state.HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Errorf("err = %v; want that another process has the state", err)
	}
}

func TestAWaitThatIsStoppedIsClean(t *testing.T) {
	path, release := taken(t)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	c := SourceConfig{Writer: &fakeTopic{}, Store: state.NewFile(path), Waiting: func(*state.Holder) { cancel() }}
	mustEqual(t, "err", runSource(ctx, c, nil), nil)
}

func TestARunThatLosesTheLeaseEnds(t *testing.T) {
	lost := func(s *leasedStore) { s.lost(state.ErrLost) }
	refused := func(s *leasedStore) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = state.ErrLost
	}
	for name, lose := range map[string]func(*leasedStore){"and is told so": lost, "and finds out when it saves": refused} {
		t.Run(name, func(t *testing.T) {
			store := &leasedStore{}
			err := within(t, 10*time.Second, func() error {
				return runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Store: store}, func(ctx context.Context, out *Output) error {
					lose(store)
					if err := out.Send(ctx, numbered(1, 1)...); err != nil {
						return err
					}
					<-ctx.Done()
					return ctx.Err()
				})
			})
			if !errors.Is(err, state.ErrLost) {
				t.Errorf("err = %v, want ErrLost", err)
			}
		})
	}
}

func TestADamagedStateIsNoStartFromZero(t *testing.T) {
	for name, content := range map[string]string{
		"damaged": `{"version":1,`, "empty": "", "of a newer version": `{"version":2,"checksum":"","state":{},"lease":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			store := state.NewFile(path)
			t.Cleanup(func() { _ = store.Close() })
			topic := &fakeTopic{}
			c := SourceConfig{Instance: Instance{Name: "x", Connector: "x-source"}, Writer: topic, Store: store}
			err := runSource(t.Context(), c, func(ctx context.Context, out *Output) error { return out.Send(ctx, numbered(1, 1)...) })
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "x-source state reset") {
				t.Errorf("err = %v; want the file and what to do", err)
			}
			mustEqual(t, "written", topic.values(), []string{})
		})
	}
}

func TestOnAFullDiskNothingIsConfirmedUntilThereIsRoom(t *testing.T) {
	store := &leasedStore{}
	store.err = syscall.ENOSPC
	var log syncBuffer
	var committed atomic.Int32
	told := make(chan struct{})
	c := SourceConfig{Writer: &fakeTopic{}, Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
	c.Session = func() (SourceSession, error) {
		return SourceSession{
			Run: func(ctx context.Context, out *Output) error {
				if err := out.Send(ctx, numbered(1, 3)...); err != nil {
					return err
				}
				tries := func() int { store.mu.Lock(); defer store.mu.Unlock(); return store.saves }
				for tries() < 3 { // it keeps trying
					if err := Sleep(ctx, time.Millisecond); err != nil {
						return err
					}
				}
				mustEqual(t, "committed on a full disk", committed.Load(), 0)
				store.mu.Lock()
				store.err = nil
				store.mu.Unlock()
				select {
				case <-told:
				case <-ctx.Done():
				}
				return nil
			},
			Committed: func(_ context.Context, _, position string) error {
				mustEqual(t, "committed", position, "3")
				if committed.Add(1) == 1 {
					close(told)
				}
				return nil
			},
		}, nil
	}
	err := within(t, 20*time.Second, func() error { return runSource(t.Context(), c, nil) })
	mustEqual(t, "err", err, nil)
	mustEqual(t, "position", store.position(), "3")
	if !strings.Contains(log.String(), "no space left on device") {
		t.Errorf("the log does not say why: %s", log.String())
	}
}
