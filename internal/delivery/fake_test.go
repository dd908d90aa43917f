package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		guests.Clean()
		os.Exit(status)
	}))
}

var errAway = errors.New("the topic is away")

// A fakeTopic is a topic that a test controls.
type fakeTopic struct {
	mu      sync.Mutex
	written []string                 // values that were acknowledged, in order
	verdict func(value string) error // nil acknowledges everything
	hold    bool                     // keep what is written unsettled until release is called
	held    []func()                 // settles what is held
	sync    chan struct{}            // gets an element a write, if not nil
}

func (f *fakeTopic) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f.mu.Lock()
	settle := func() {
		value := string(rec.Value)
		var err error
		f.mu.Lock()
		if f.verdict != nil {
			err = f.verdict(value)
		}
		if err == nil {
			f.written = append(f.written, value)
		}
		f.mu.Unlock()
		settled(err)
	}
	if f.hold {
		f.held = append(f.held, settle)
		settle = nil
	}
	f.mu.Unlock()
	if settle != nil {
		settle()
	}
	if f.sync != nil {
		f.sync <- struct{}{}
	}
	return nil
}

func (f *fakeTopic) release() {
	f.mu.Lock()
	held := f.held
	f.held, f.hold = nil, false
	f.mu.Unlock()
	for _, settle := range held {
		settle()
	}
}

func (f *fakeTopic) Flush(context.Context) error { return nil }
func (f *fakeTopic) Close() error                { f.release(); return nil }

func (f *fakeTopic) values() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.written)
}

// A fakeStore keeps a state in memory.
type fakeStore struct {
	mu    sync.Mutex
	state *state.State
	err   error // what Save returns
	saves int
}

func (f *fakeStore) Load(context.Context) (*state.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, nil
}

func (f *fakeStore) Save(_ context.Context, s *state.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saves++
	if f.err != nil {
		return f.err
	}
	saved := *s
	f.state = &saved
	return nil
}

func (f *fakeStore) Close() error { return nil }

func (f *fakeStore) position() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil {
		return ""
	}
	return f.state.Positions[""]
}

// A fakeReader gives the records it was made with.
type fakeReader struct {
	mu    sync.Mutex
	feed  []string
	end   bool   // io.EOF after the feed; else Read blocks until ctx ends
	id    string // of the records
	acked []string
}

func (f *fakeReader) Read(ctx context.Context, max int, _ time.Duration) ([]transport.Message, error) {
	f.mu.Lock()
	var messages []transport.Message
	for len(f.feed) > 0 && len(messages) < max {
		value := f.feed[0]
		f.feed = f.feed[1:]
		messages = append(messages, transport.Message{Record: record.Record{ID: f.id, Value: []byte(value)}, Ack: func() error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.acked = append(f.acked, value)
			return nil
		}})
	}
	f.mu.Unlock()
	if len(messages) > 0 {
		return messages, nil
	}
	if f.end {
		return nil, io.EOF
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (f *fakeReader) Flush(context.Context) error { return nil }
func (f *fakeReader) Close() error                { return nil }

func (f *fakeReader) acknowledged() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acked)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testLimits() Limits {
	return Limits{MaxInFlight: 100, MaxBytes: 1 << 20, RetryCap: 2 * time.Millisecond, StartTimeout: 5 * time.Second, ShutdownTimeout: 5 * time.Second}
}

// numbered makes records 1 to n whose positions are their numbers.
func numbered(from, to int) []record.Record {
	var recs []record.Record
	for n := from; n <= to; n++ {
		recs = append(recs, record.Record{Value: []byte(strconv.Itoa(n)), Position: strconv.Itoa(n)})
	}
	return recs
}

func strs(from, to int) []string {
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, strconv.Itoa(n))
	}
	return out
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute) // modules start slowly under the race detector
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func mustEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
