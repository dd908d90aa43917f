package delivery

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func runSink(ctx context.Context, c SinkConfig, run func(ctx context.Context, in *Input) error) error {
	if c.MaxInFlight == 0 {
		c.Limits = testLimits()
	}
	if c.BatchSize == 0 {
		c.BatchSize = 10
	}
	c.Log = quiet()
	c.Session = func() (func(context.Context, *Input) error, error) { return run, nil }
	return RunSink(ctx, c)
}

// each acknowledges the records that write takes and fails the others with its error.
func each(write func(value string) error) func(ctx context.Context, in *Input) error {
	return func(ctx context.Context, in *Input) error {
		for {
			b, err := in.Next(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			for i, rec := range b.Records {
				if err := write(string(rec.Value)); err != nil {
					b.Fail(i, err)
				}
			}
			b.Ack()
		}
	}
}

func TestEveryRecordIsAcknowledgedOnceTheSinkHasIt(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 25), end: true}
	var written []string
	err := runSink(t.Context(), SinkConfig{Reader: reader}, each(func(v string) error { written = append(written, v); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", written, strs(1, 25))
	mustEqual(t, "acknowledged", reader.acknowledged(), strs(1, 25))
}

func TestOnlyWhatFailedIsWrittenAgain(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 5), end: true}
	var written []string
	failures := 0
	err := runSink(t.Context(), SinkConfig{Reader: reader}, each(func(v string) error {
		if v == "3" && failures < 2 {
			failures++
			return errors.New("busy")
		}
		written = append(written, v)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", written, []string{"1", "2", "4", "5", "3"})
	mustEqual(t, "acknowledged", len(reader.acknowledged()), 5)
}

func TestNothingNewIsWrittenBeforeWhatFailed(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 4), end: true}
	var written []string
	failed := false
	err := runSink(t.Context(), SinkConfig{Reader: reader, BatchSize: 1}, each(func(v string) error {
		if v == "2" && !failed {
			failed = true
			return errors.New("busy")
		}
		written = append(written, v)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", written, strs(1, 4))
}

func TestSinkErrorPolicy(t *testing.T) {
	tests := []struct {
		on        OnError
		acked     int
		dead      []string
		wantError string
	}{
		{Fail, 0, nil, "write: refused"}, {Skip, 3, nil, ""}, {DeadLetter, 3, []string{"2"}, ""},
	}
	for _, tt := range tests {
		t.Run(string(tt.on), func(t *testing.T) {
			reader, letters := &fakeReader{feed: strs(1, 3), end: true}, &fakeTopic{}
			err := runSink(t.Context(), SinkConfig{Reader: reader, Failures: Failures{tt.on, letters.Write}}, each(func(v string) error {
				if v == "2" {
					return Permanent(errors.New("refused"))
				}
				return nil
			}))
			if tt.wantError == "" && err != nil || tt.wantError != "" && (err == nil || !strings.Contains(err.Error(), tt.wantError)) {
				t.Errorf("error = %v, want %q", err, tt.wantError)
			}
			if tt.wantError == "" {
				mustEqual(t, "acknowledged", len(reader.acknowledged()), tt.acked)
			} else {
				for _, v := range reader.acknowledged() {
					if v == "2" {
						t.Error("the refused record was acknowledged")
					}
				}
			}
			mustEqual(t, "dead letters", letters.values(), tt.dead)
		})
	}
}

func TestWhatASessionLeavesUnsettledComesAgainInOrder(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 6), end: true}
	sessions := 0
	var second []string
	err := runSink(t.Context(), SinkConfig{Reader: reader, BatchSize: 2}, func(ctx context.Context, in *Input) error {
		sessions++
		if sessions == 1 {
			for range 2 {
				if _, err := in.Next(ctx); err != nil {
					return err
				}
			}
			return errors.New("connection lost")
		}
		return each(func(v string) error { second = append(second, v); return nil })(ctx, in)
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "second session", second, strs(1, 6))
	mustEqual(t, "acknowledged", reader.acknowledged(), strs(1, 6))
}

func TestRecordsCanBeAcknowledgedOneByOne(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 4), end: true}
	sessions := 0
	var second []string
	err := runSink(t.Context(), SinkConfig{Reader: reader}, func(ctx context.Context, in *Input) error {
		if sessions++; sessions > 1 {
			return each(func(v string) error { second = append(second, v); return nil })(ctx, in)
		}
		b, err := in.Next(ctx)
		if err != nil {
			return err
		}
		b.AckRecord(2)
		b.AckRecord(0)
		b.AckRecord(0)
		mustEqual(t, "acknowledged", reader.acknowledged(), []string{"3", "1"})
		return errors.New("connection lost")
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "second session", second, []string{"2", "4"})
}

func TestASystemMayAskToWait(t *testing.T) {
	const asked = 300 * time.Millisecond // more than the back-off
	tests := []struct {
		name string
		fail func(b *Batch, err error) error
	}{
		{"by the error of a session", func(_ *Batch, err error) error { return err }},
		{"by the error of a record", func(b *Batch, err error) error { b.Fail(0, err); return nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var failed time.Time
			write := each(func(string) error {
				if waited := time.Since(failed); waited < asked {
					t.Errorf("tried again after %s", waited)
				}
				return nil
			})
			err := runSink(t.Context(), SinkConfig{Reader: &fakeReader{feed: strs(1, 1), end: true}}, func(ctx context.Context, in *Input) error {
				if failed.IsZero() {
					b, err := in.Next(ctx)
					if err != nil {
						return err
					}
					failed = time.Now()
					if err := tt.fail(b, RetryAfter(errors.New("busy"), asked)); err != nil {
						return err
					}
				}
				return write(ctx, in)
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAStopDoesNotWaitAsASystemAsked(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	err := runSink(ctx, SinkConfig{Reader: &fakeReader{feed: strs(1, 1)}}, func(ctx context.Context, in *Input) error {
		if _, err := in.Next(ctx); err != nil {
			return err
		}
		time.AfterFunc(10*time.Millisecond, stop)
		return RetryAfter(errors.New("busy"), time.Hour)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReturningNilWithUnsettledRecordsIsNoSuccess(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 1), end: true}
	sessions := 0
	err := runSink(t.Context(), SinkConfig{Reader: reader}, func(ctx context.Context, in *Input) error {
		if sessions++; sessions > 1 {
			return each(func(string) error { return nil })(ctx, in)
		}
		_, err := in.Next(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "sessions", sessions, 2)
	mustEqual(t, "acknowledged", reader.acknowledged(), strs(1, 1))
}

func TestMaxRecordsOfASink(t *testing.T) {
	limits := testLimits()
	limits.MaxRecords = 3
	reader := &fakeReader{feed: strs(1, 10)}
	err := runSink(t.Context(), SinkConfig{Reader: reader, Limits: limits, BatchSize: 2}, each(func(string) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "acknowledged", reader.acknowledged(), strs(1, 3))
}

func TestTransformsOfASink(t *testing.T) {
	chain, err := transform.Compile([]transform.Step{
		{Kind: transform.Filter, Expr: ". != 2"}, {Kind: transform.ArrayMap, Expr: "., . * 10"},
	}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader := &fakeReader{feed: strs(1, 3), end: true}
	var written []string
	failed := false
	err = runSink(t.Context(), SinkConfig{Reader: reader, Chain: chain}, each(func(v string) error {
		if v == "10" && !failed {
			failed = true
			if acked := reader.acknowledged(); len(acked) != 1 || acked[0] != "2" { // the filter dropped it
				t.Errorf("acknowledged before the children are written: %v", acked)
			}
			return errors.New("busy")
		}
		written = append(written, v)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", written, []string{"1", "3", "30", "10"})
	mustEqual(t, "acknowledged", reader.acknowledged(), []string{"2", "3", "1"})
}

func TestStopLetsTheSinkFinishItsBatch(t *testing.T) {
	reader := &fakeReader{feed: strs(1, 2)}
	ctx, stop := context.WithCancel(t.Context())
	err := runSink(ctx, SinkConfig{Reader: reader}, func(ctx context.Context, in *Input) error {
		b, err := in.Next(ctx)
		if err != nil {
			return err
		}
		stop()
		if ctx.Err() != nil {
			t.Error("the context of the write ended with the stop")
		}
		b.Ack()
		if _, err := in.Next(ctx); !errors.Is(err, io.EOF) {
			t.Errorf("Next after the stop = %v, want EOF", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "acknowledged", reader.acknowledged(), strs(1, 2))
}

// A stoppingReader asks for the end of the run while the records that it returns are transformed.
type stoppingReader struct {
	*fakeReader
	stop func()
}

func (r *stoppingReader) Read(ctx context.Context, max int, wait time.Duration) ([]transport.Message, error) {
	defer r.stop()
	return r.fakeReader.Read(ctx, max, wait)
}

func TestWhatAStopInterruptsIsNotTakenForDropped(t *testing.T) {
	chain, err := transform.Compile([]transform.Step{{Kind: transform.Filter, Expr: "true"}}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader := &fakeReader{feed: strs(1, 5)}
	ctx, stop := context.WithCancel(t.Context())
	c := SinkConfig{Reader: &stoppingReader{reader, stop}, Chain: chain}
	if err := runSink(ctx, c, each(func(string) error { return nil })); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "acknowledged", reader.acknowledged(), []string{})
}

func TestAFailureDuringAStopIsNoFailureOfTheRun(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"one that may pass", errors.New("busy"), ""},
		{"a permanent one", Permanent(errors.New("refused")), "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reader := &fakeReader{feed: strs(1, 1)}
			ctx, stop := context.WithCancel(t.Context())
			err := runSink(ctx, SinkConfig{Reader: reader}, func(ctx context.Context, in *Input) error {
				if _, err := in.Next(ctx); err != nil {
					return err
				}
				stop()
				return tt.err
			})
			if got := errorText(err); got != tt.want {
				t.Errorf("error = %q, want %q", got, tt.want)
			}
			mustEqual(t, "acknowledged", reader.acknowledged(), []string{})
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAWriteThatHangsAfterAStopIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // what follows the cut has a fifth of the time, and none of it passes on a busy machine
		limits := testLimits()
		limits.ShutdownTimeout = 10 * time.Second
		reader := &fakeReader{feed: strs(1, 1)}
		ctx, stop := context.WithCancel(t.Context())
		begun := time.Now()
		err := runSink(ctx, SinkConfig{Reader: reader, Limits: limits}, func(ctx context.Context, in *Input) error {
			if _, err := in.Next(ctx); err != nil {
				return err
			}
			stop()
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(begun); err != nil || took != limits.ShutdownTimeout*4/5 {
			t.Errorf("error = %v after %s", err, took)
		}
		mustEqual(t, "acknowledged", reader.acknowledged(), []string{})
	})
}

func TestASinkThatCannotStartEndsAfterTheStartTimeout(t *testing.T) {
	limits := testLimits()
	limits.StartTimeout = 30 * time.Millisecond
	err := runSink(t.Context(), SinkConfig{Reader: &fakeReader{}, Limits: limits}, func(context.Context, *Input) error {
		return errors.New("connection refused")
	})
	if err == nil || !strings.HasSuffix(err.Error(), "connection refused") {
		t.Errorf("error = %v", err)
	}
}

func TestInFlightOfASinkIsBounded(t *testing.T) {
	limits := testLimits()
	limits.MaxInFlight = 4
	reader := &fakeReader{feed: strs(1, 100)}
	ctx, stop := context.WithCancel(t.Context())
	err := runSink(ctx, SinkConfig{Reader: reader, Limits: limits, BatchSize: 2}, func(ctx context.Context, in *Input) error {
		taken := 0
		for taken < 4 {
			b, err := in.Next(ctx)
			if err != nil {
				return err
			}
			taken += len(b.Records)
		}
		next := make(chan error)
		go func() { _, err := in.Next(ctx); next <- err }()
		select {
		case err := <-next:
			t.Errorf("a batch beyond the limit: %v", err)
		case <-time.After(30 * time.Millisecond):
			stop()
			<-next
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
