package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// within fails when f does not return in d.
func within(t *testing.T, d time.Duration, f func() error) error {
	t.Helper()
	ch := make(chan error, 1)
	go func() { ch <- f() }()
	select {
	case err := <-ch:
		return err
	case <-time.After(d):
		t.Errorf("still running after %v", d)
		return nil
	}
}

// A sibling fails while another goroutine of the source is in the middle of a fan-out.
func TestAFanOutThatIsBrokenOffIsNoFailure(t *testing.T) {
	chain, _ := transform.Compile([]transform.Step{{Kind: "arraymap", Expr: ".,."}}, transform.Options{})
	topic := &fakeTopic{hold: true}
	l := testLimits()
	l.MaxInFlight = 1
	sessions := 0
	err := within(t, 10*time.Second, func() error {
		return runSource(t.Context(), SourceConfig{Writer: topic, Limits: l, Chain: chain}, func(ctx context.Context, out *Output) error {
			sessions++
			if sessions > 1 {
				return nil
			}
			inner, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			_ = out.Send(inner, record.Record{Value: []byte("1")})
			time.AfterFunc(20*time.Millisecond, topic.release)
			return errors.New("connection reset: transient")
		})
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "sessions", sessions, 2)
}

func TestMaxRecordsDoesNotCountWhatIsSkipped(t *testing.T) {
	topic := &fakeTopic{verdict: func(v string) error {
		if v == "2" {
			return &transport.Rejected{Err: errors.New("too large")}
		}
		return nil
	}}
	l := testLimits()
	l.MaxRecords = 3
	_ = within(t, 5*time.Second, func() error {
		return runSource(t.Context(), SourceConfig{Writer: topic, Limits: l, Failures: Failures{On: Skip}}, func(ctx context.Context, out *Output) error {
			return out.Send(ctx, numbered(1, 9)...)
		})
	})
	mustEqual(t, "delivered", topic.values(), []string{"1", "3", "4"})
}

type hangStore struct{ fakeStore }

func (h *hangStore) Save(ctx context.Context, _ *state.State) error { <-ctx.Done(); return ctx.Err() }

func TestASaveThatHangsDoesNotHoldUpTheStop(t *testing.T) {
	l := testLimits()
	l.ShutdownTimeout = 300 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	_ = within(t, 5*time.Second, func() error {
		return runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Store: &hangStore{}, Limits: l}, func(ctx context.Context, out *Output) error {
			_ = out.Send(ctx, numbered(1, 1)...)
			<-ctx.Done()
			return ctx.Err()
		})
	})
}

func TestStatusIsReadyAgainAfterARestart(t *testing.T) {
	var got []string
	n := 0
	_ = runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Status: func(s string, _ error) { got = append(got, s) }}, func(ctx context.Context, out *Output) error {
		n++
		out.Ready()
		if n == 1 {
			return errors.New("lost")
		}
		return nil
	})
	mustEqual(t, "statuses", got, []string{"ready", "retrying", "ready"})
}

type brokenReader struct{ fakeReader }

func (b *brokenReader) Read(context.Context, int, time.Duration) ([]transport.Message, error) {
	return nil, &transport.Broken{Err: errors.New("read standard input: line 1: not a CloudEvent")}
}

func TestABrokenReaderEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := runSink(ctx, SinkConfig{Reader: &brokenReader{}}, each(func(string) error { return nil }))
	if ctx.Err() != nil {
		t.Errorf("ran until it was stopped, then status %v", err)
	}
}

func TestABrokenWriterEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	topic := &fakeTopic{verdict: func(string) error {
		return &transport.Broken{Err: errors.New("write /dev/stdout: no space left on device")}
	}}
	err := runSource(ctx, SourceConfig{Writer: topic, Failures: Failures{On: Skip}}, func(ctx context.Context, out *Output) error {
		return out.Deliver(ctx, numbered(1, 2)...)
	})
	if ctx.Err() != nil || err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("ended with %v, and %v", err, ctx.Err())
	}
}

type flushReader struct {
	fakeReader
	flushed error
}

func (f *flushReader) Flush(ctx context.Context) error { f.flushed = ctx.Err(); return ctx.Err() }
func TestASinkThatUsesUpItsTimeStillConfirmsItsAcknowledgements(t *testing.T) {
	l := testLimits()
	l.ShutdownTimeout = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	reader := &flushReader{fakeReader: fakeReader{feed: strs(1, 1)}}
	time.AfterFunc(100*time.Millisecond, cancel)
	err := within(t, 5*time.Second, func() error {
		return runSink(ctx, SinkConfig{Reader: reader, Limits: l}, func(ctx context.Context, in *Input) error {
			if _, err := in.Next(ctx); err != nil {
				return err
			}
			<-ctx.Done() // a slow write that obeys ctx
			return ctx.Err()
		})
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "flush ctx", reader.flushed, nil)
}

func TestTheStartTimeoutCoversAllSessions(t *testing.T) {
	l := testLimits()
	l.StartTimeout = time.Second
	start := time.Now()
	_ = runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Limits: l}, func(ctx context.Context, out *Output) error {
		if time.Since(start) < 500*time.Millisecond {
			_ = Sleep(ctx, 900*time.Millisecond)
			return errors.New("refused")
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if d := time.Since(start); d > 1300*time.Millisecond {
		t.Errorf("start timeout 1s took %v", d)
	}
}

func TestAnyErrorAfterAStopIsACleanStop(t *testing.T) {
	for name, failure := range map[string]error{
		"one of a closed connection":     errors.New("use of closed network connection"),
		"the news of the stop, promoted": Permanent(fmt.Errorf("render: %w", context.Canceled)),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := runSource(ctx, SourceConfig{Writer: &fakeTopic{}}, func(ctx context.Context, out *Output) error {
				cancel()
				<-ctx.Done()
				return failure
			})
			mustEqual(t, "err", err, nil)
		})
	}
}

type loadStore struct{ fakeStore }

func (*loadStore) Load(ctx context.Context) (*state.State, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAStopWhileThePositionIsLoadedIsClean(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	err := runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Store: &loadStore{}}, nil)
	mustEqual(t, "err", err, nil)
}

func TestOnceEndsWhenTheTopicStaysAway(t *testing.T) {
	l := testLimits()
	l.StartTimeout, l.Once = 500*time.Millisecond, true
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	_ = runSource(ctx, SourceConfig{Writer: &fakeTopic{verdict: func(string) error { return errAway }}, Limits: l}, func(ctx context.Context, out *Output) error {
		return out.Send(ctx, numbered(1, 1)...)
	})
	if ctx.Err() != nil {
		t.Error("--once never ends while the topic is away")
	}
}

func TestOnceEndsWhenTheTargetKeepsFailing(t *testing.T) {
	l := testLimits()
	l.StartTimeout, l.Once = 500*time.Millisecond, true
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	_ = runSink(ctx, SinkConfig{Reader: &fakeReader{feed: strs(1, 1), end: true}, Limits: l}, each(func(string) error { return errors.New("busy") }))
	if ctx.Err() != nil {
		t.Error("--once never ends while the target fails")
	}
}

func TestTheLongestRequestedWaitHolds(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 2), end: true}
	var first, again time.Time
	_ = runSink(t.Context(), SinkConfig{Reader: reader}, each(func(v string) error {
		if first.IsZero() {
			first = time.Now()
			return errors.New("busy")
		}
		if v == "2" && again.IsZero() && time.Since(first) < time.Millisecond {
			return RetryAfter(errors.New("429"), time.Second)
		}
		if v == "2" {
			again = time.Now()
		}
		return nil
	}))
	if d := again.Sub(first); d < time.Second {
		t.Errorf("redelivered after %v, asked for 1s", d)
	}
}

func TestWhatFailedAndWhatWasLeftComeAgainInOrder(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 4), end: true}
	var got []string
	n := 0
	_ = runSink(t.Context(), SinkConfig{Reader: reader}, func(ctx context.Context, in *Input) error {
		n++
		if n == 1 {
			b, _ := in.Next(ctx)
			b.Fail(0, errors.New("busy"))
			return errors.New("lost")
		}
		return each(func(v string) error { got = append(got, v); return nil })(ctx, in)
	})
	mustEqual(t, "order", got, strs(1, 4))
}

func TestDeliverEndsWithTheSessionWhateverItsContext(t *testing.T) {
	l := testLimits()
	l.MaxRecords, l.ShutdownTimeout = 1, time.Second
	start := time.Now()
	_ = runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Limits: l}, func(ctx context.Context, out *Output) error {
		handlers := sync.WaitGroup{}
		handlers.Add(1)
		own, cancel := context.WithTimeout(context.Background(), 3*time.Second) // like http.Request.Context()
		defer cancel()
		go func() { defer handlers.Done(); _ = out.Deliver(own, numbered(1, 2)...) }()
		<-ctx.Done()
		handlers.Wait() // like http.Server.Shutdown
		return nil
	})
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("the end was held up for %v", d)
	}
}

func TestCommittedIsNotCalledAfterRunHasReturned(t *testing.T) {
	topic, n := &fakeTopic{hold: true}, 0
	err := runSource(t.Context(), SourceConfig{Writer: topic, Store: &fakeStore{}, Session: func() (SourceSession, error) {
		n++
		me := n
		var open atomic.Bool
		open.Store(true)
		return SourceSession{
			Run: func(ctx context.Context, out *Output) error {
				defer open.Store(false)
				if me > 1 {
					return nil
				}
				_ = out.Send(ctx, numbered(1, 1)...)
				time.AfterFunc(100*time.Millisecond, topic.release)
				return RetryAfter(errors.New("connection reset"), 500*time.Millisecond)
			},
			Committed: func(context.Context, string, string) error {
				if me == 1 && !open.Load() {
					return errors.New("use of closed connection")
				}
				return nil
			},
		}, nil
	}}, nil)
	mustEqual(t, "err", err, nil)
}

func TestAFatalRecordEndsTheRunWhileTheTopicIsAway(t *testing.T) {
	l := testLimits()
	l.ShutdownTimeout = 300 * time.Millisecond
	chain, _ := transform.Compile([]transform.Step{{Kind: "map", Expr: "if . == 2 then error(\"bad\") else . end"}}, transform.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	err := runSource(ctx, SourceConfig{Writer: &fakeTopic{verdict: func(string) error { return errAway }}, Limits: l, Chain: chain}, func(ctx context.Context, out *Output) error {
		return out.Send(ctx, numbered(1, 2)...)
	})
	if ctx.Err() != nil || err == nil {
		t.Error("a fatal record error does not end the run while the topic is away")
	}
}

func TestTheEndWaitsForDeadLetters(t *testing.T) {
	chain, _ := transform.Compile([]transform.Step{{Kind: "map", Expr: "error(\"bad\")"}}, transform.Options{})
	letters := &fakeTopic{hold: true}
	reader := &fakeReader{feed: strs(1, 1), end: true}
	time.AfterFunc(300*time.Millisecond, letters.release)
	err := runSink(t.Context(), SinkConfig{Reader: reader, Chain: chain, Failures: Failures{DeadLetter, letters.Write}}, each(func(string) error { return nil }))
	mustEqual(t, "err", err, nil)
	mustEqual(t, "acked", reader.acknowledged(), []string{"1"})
}

func TestAFailureDuringTheDrainIsReported(t *testing.T) {
	topic := &fakeTopic{hold: true, verdict: func(string) error { return &transport.Rejected{Err: errors.New("too large")} }}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, topic.release)
	err := runSource(ctx, SourceConfig{Writer: topic}, func(ctx context.Context, out *Output) error {
		_ = out.Send(ctx, numbered(1, 1)...)
		cancel()
		return ctx.Err()
	})
	if err == nil {
		t.Error("a record that failed for good during the drain: status 0, no message")
	}
}

func TestAStopTakesOneShutdownTimeout(t *testing.T) {
	l := testLimits()
	l.ShutdownTimeout = 500 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	reader := &fakeReader{feed: strs(1, 1)}
	release := make(chan struct{})
	var start time.Time
	time.AfterFunc(100*time.Millisecond, func() { start = time.Now(); cancel() })
	_ = runSink(ctx, SinkConfig{Reader: reader, Limits: l}, func(ctx context.Context, in *Input) error { in.Next(ctx); <-release; return nil })
	if d := time.Since(start); d > 700*time.Millisecond {
		t.Errorf("shutdown timeout 500ms took %v", d)
	}
	close(release)
}

func TestCommittedEndsWithItsSession(t *testing.T) {
	n := 0
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	err := runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Store: &fakeStore{}, Session: func() (SourceSession, error) {
		n++
		me, called := n, make(chan struct{})
		return SourceSession{
			Run: func(ctx context.Context, out *Output) error {
				if me > 1 {
					return nil
				}
				_ = out.Send(ctx, numbered(1, 1)...)
				<-called
				return errors.New("connection lost")
			},
			Committed: func(ctx context.Context, _, _ string) error {
				if me > 1 {
					return nil
				}
				close(called)
				<-ctx.Done() // an answer that never comes
				return ctx.Err()
			},
		}, nil
	}}, nil)
	mustEqual(t, "err", err, nil)
	if ctx.Err() != nil || n != 2 {
		t.Errorf("%d sessions, the first is held up by Committed", n)
	}
}
