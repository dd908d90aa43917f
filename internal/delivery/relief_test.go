package delivery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A trail is the states that a run tells.
type trail struct {
	mu       sync.Mutex
	states   []string
	troubled chan struct{} // closed by the first that is retrying
}

func (r *trail) tell(state string, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state == stateRetrying && !slices.Contains(r.states, state) {
		close(r.troubled)
	}
	r.states = append(r.states, state)
}

// A lateReader gives its first record at once, and the rest one by one after trouble.
type lateReader struct {
	fakeReader
	troubled <-chan struct{}
	lost     bool // the first Read fails instead
	reads    int
}

func (r *lateReader) Read(ctx context.Context, _ int, wait time.Duration) ([]transport.Message, error) {
	if r.reads++; r.reads == 1 && r.lost {
		return nil, errAway
	}
	if r.reads > 1 {
		select {
		case <-r.troubled:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return r.fakeReader.Read(ctx, 1, wait)
}

func TestWhatIsDoneWithIsNoTroubleAnyMore(t *testing.T) {
	busy, refused := errors.New("busy"), Permanent(errors.New("no such column"))
	tests := []struct {
		name   string
		on     OnError
		lost   bool // the topic, at first
		feed   []string
		filter string
		fates  map[string][]error // of the tries of a record; nil from then on
	}{
		{name: "when it was skipped", on: Skip, feed: strs(1, 1), fates: map[string][]error{"1": {busy, refused}}},
		{name: "when it is a dead letter", on: DeadLetter, feed: strs(1, 1), fates: map[string][]error{"1": {busy, refused}}},
		{name: "when a transform fails for what comes next", on: Skip, lost: true, feed: strs(1, 1), filter: `error("bad")`},
		{name: "when what comes next is filtered", on: Skip, lost: true, feed: strs(1, 1), filter: "false"},
		{
			name: "but what is filtered says nothing of a record that waits", on: Skip, feed: strs(1, 2), filter: ". == 1",
			fates: map[string][]error{"1": {busy, busy}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			told := &trail{troubled: make(chan struct{})}
			reader := &lateReader{fakeReader: fakeReader{feed: tt.feed, end: true}, troubled: told.troubled, lost: tt.lost}
			c := SinkConfig{Reader: reader, Status: told.tell, Failures: Failures{tt.on, (&fakeTopic{}).Write}}
			if tt.filter != "" {
				c.Chain = compiled(t, []transform.Step{{Kind: transform.Filter, Expr: tt.filter}})
			}
			err := runSink(t.Context(), c, func(ctx context.Context, in *Input) error {
				tries := map[string]int{}
				return each(func(value string) error {
					if tries[value]++; tries[value] == 2 && len(tt.feed) == 2 {
						eventually(t, "what is filtered", func() bool { return len(reader.acknowledged()) == 1 })
					}
					if n := tries[value]; n <= len(tt.fates[value]) {
						return tt.fates[value][n-1]
					}
					return nil
				})(ctx, in)
			})
			mustEqual(t, "err", err, nil)
			mustEqual(t, "acknowledged", len(reader.acknowledged()), len(tt.feed))
			if !tt.lost { // else the session may begin after the trouble
				mustEqual(t, "states", told.states, []string{"ready", "retrying", "ready"})
			}
			mustEqual(t, "state at the end", told.states[len(told.states)-1], "ready")
		})
	}
}
