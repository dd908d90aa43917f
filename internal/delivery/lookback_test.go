package delivery

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// lookers run a source and a sink that look back on the topic.
var lookers = []struct {
	name string
	run  func(t *testing.T, ctx context.Context, c SourceConfig) error
}{
	{"source", func(_ *testing.T, ctx context.Context, c SourceConfig) error {
		c.Writer = &fakeTopic{}
		return runSource(ctx, c, func(context.Context, *Output) error { return nil })
	}},
	{"sink", func(t *testing.T, ctx context.Context, c SourceConfig) error {
		return runSink(ctx, SinkConfig{
			Reader: &fakeReader{end: true}, Store: c.Store, Limits: c.Limits, Chain: aggregate(t, nil), Waiting: c.Waiting, LookBack: c.LookBack,
		}, each(func(string) error { return nil }))
	}},
}

func TestACopyThatWaitedLooksBackOnWhatTheOtherHasWritten(t *testing.T) {
	for _, tt := range lookers {
		t.Run(tt.name, func(t *testing.T) {
			path, release := taken(t)
			store := state.NewFile(path)
			t.Cleanup(func() { _ = store.Close() })
			var waited, looked atomic.Bool
			err := tt.run(t, t.Context(), SourceConfig{
				Store: store,
				Waiting: func(holder *state.Holder) {
					if holder != nil {
						release()
						waited.Store(true)
					}
				},
				LookBack: func(context.Context) error {
					if looked.Store(true); !waited.Load() {
						t.Error("it looks back while another copy runs")
					}
					return nil
				},
			})
			mustEqual(t, "err", err, nil)
			if !waited.Load() || !looked.Load() {
				t.Errorf("waited: %t, looked back: %t", waited.Load(), looked.Load())
			}
		})
	}
}

func TestLookingBackIsTriedAgain(t *testing.T) {
	refused := errors.New("the module refuses it")
	tests := []struct {
		name string
		look func(try int, stop func()) error
		want error
		says string
	}{
		{"until it succeeds", func(try int, _ func()) error {
			if try < 3 {
				return errAway
			}
			return nil
		}, nil, ""},
		{"until the start timeout", func(int, func()) error { return errAway }, errAway, "lookback: the topic is away"},
		{"unless no retry can mend it", func(try int, _ func()) error {
			if try > 1 {
				return nil
			}
			return Permanent(refused)
		}, refused, "lookback: the module refuses it"},
		{"until the end is asked for", func(_ int, stop func()) error {
			stop()
			return context.Canceled
		}, nil, ""},
	}
	for _, looker := range lookers {
		for _, tt := range tests {
			t.Run(looker.name+" "+tt.name, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				limits := testLimits()
				if tt.want == errAway {
					limits.StartTimeout = 50 * time.Millisecond
				}
				try := 0
				err := looker.run(t, ctx, SourceConfig{
					Limits: limits, Store: &fakeStore{}, LookBack: func(context.Context) error { try++; return tt.look(try, stop) },
				})
				if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("err = %v, want %v", err, tt.want)
				}
			})
		}
	}
}

func TestALeaseThatIsLostWhileLookingBackEndsTheRun(t *testing.T) {
	for _, tt := range lookers {
		t.Run(tt.name, func(t *testing.T) {
			store := &leasedStore{}
			err := tt.run(t, t.Context(), SourceConfig{Store: store, LookBack: func(ctx context.Context) error {
				store.lost(state.ErrLost)
				return ctx.Err()
			}})
			if !errors.Is(err, state.ErrLost) {
				t.Errorf("err = %v, want ErrLost", err)
			}
		})
	}
}

// A takenStore loses its lease while its state is loaded.
type takenStore struct{ leasedStore }

func (s *takenStore) Load(context.Context) (*state.State, error) {
	s.lost(state.ErrLost)
	return nil, errAway
}

func TestALeaseThatIsLostWhileLoadingEndsTheRun(t *testing.T) {
	err := runSource(t.Context(), SourceConfig{Store: &takenStore{}}, func(context.Context, *Output) error { return nil })
	if !errors.Is(err, state.ErrLost) {
		t.Errorf("err = %v, want ErrLost", err)
	}
}
