package delivery

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// broken is a chain that fails for every record.
func broken(t *testing.T) *transform.Chain {
	t.Helper()
	chain, err := transform.Compile([]transform.Step{{Kind: "map", Expr: `error("bad")`}}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// A topic may remember ids to drop duplicates. It must not take a dead letter for the record that it stands for, which may
// lie in the same stream, nor for the dead letter of another instance.
func TestADeadLetterHasAnIDOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	var letters []record.Record
	dead := func(_ context.Context, rec record.Record, settled func(error)) error {
		mu.Lock()
		letters = append(letters, rec)
		mu.Unlock()
		settled(nil)
		return nil
	}
	for _, name := range []string{"one", "two", "one"} {
		reader := &fakeReader{feed: strs(1, 1), end: true, id: "order-1"}
		c := SinkConfig{Reader: reader, Chain: broken(t), Failures: Failures{DeadLetter, dead}}
		c.Name = name
		if err := runSink(t.Context(), c, each(func(string) error { return nil })); err != nil {
			t.Fatal(err)
		}
	}
	mustEqual(t, "dead letters", len(letters), 3)
	one, two, again := letters[0], letters[1], letters[2]
	if one.ID == "order-1" || one.ID == two.ID || one.ID != again.ID {
		t.Errorf("ids of dead letters of order-1: %q of one, %q of two, %q of one again", one.ID, two.ID, again.ID)
	}
	mustEqual(t, "header", one.Headers[HeaderID], "order-1")
}

// A loop is a topic that settles everything, dead letters included, from one goroutine, as the link does. It refuses every
// record, and every dead letter once.
type loop struct {
	fakeTopic
	jobs   chan func()
	mu     sync.Mutex
	tries  map[string]int
	stored []string
}

func (l *loop) Write(_ context.Context, _ record.Record, settled func(error)) error {
	l.jobs <- func() { settled(&transport.Rejected{Err: errors.New("too large")}) }
	return nil
}

func (l *loop) dead(_ context.Context, rec record.Record, settled func(error)) error {
	l.jobs <- func() {
		l.mu.Lock()
		value := string(rec.Value)
		l.tries[value]++
		first := l.tries[value] == 1
		if !first {
			l.stored = append(l.stored, value)
		}
		l.mu.Unlock()
		if first {
			settled(errors.New("the disk is full for a moment"))
			return
		}
		settled(nil)
	}
	return nil
}

func (l *loop) tried(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tries[strconv.Itoa(n)] > 0
}

func TestDeadLettersDoNotHoldUpWhoSettles(t *testing.T) {
	l := &loop{jobs: make(chan func(), 1000), tries: map[string]int{}}
	var settling sync.WaitGroup
	settling.Go(func() {
		for job := range l.jobs {
			job()
		}
	})
	store := &fakeStore{}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	limits := testLimits()
	limits.ShutdownTimeout = time.Second
	err := runSource(ctx, SourceConfig{Writer: l, Store: store, Limits: limits, Failures: Failures{DeadLetter, l.dead}}, func(ctx context.Context, out *Output) error {
		for n := range 9 {
			if err := out.Send(ctx, numbered(n+1, n+1)...); err != nil {
				return err
			}
			eventually(t, "a try to store the dead letter", func() bool { return l.tried(n + 1) })
		}
		return nil
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "position", store.position(), "9")
	mustEqual(t, "stored", l.stored, strs(1, 9))
	close(l.jobs)
	settling.Wait()
}

func TestASourceWaitsWhileDeadLettersPileUp(t *testing.T) {
	letters := &fakeTopic{verdict: func(string) error { return errAway }}
	sent := make(chan int, 100000)
	limits := testLimits()
	limits.MaxInFlight, limits.ShutdownTimeout = 10, 200*time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_ = runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Limits: limits, Chain: broken(t), Failures: Failures{DeadLetter, letters.Write}}, func(ctx context.Context, out *Output) error {
		for n := 1; ; n++ {
			if err := out.Send(ctx, numbered(n, n)...); err != nil {
				return err
			}
			sent <- n
		}
	})
	if n := len(sent); n > 30 {
		t.Errorf("%d records were taken while the dead-letter topic was away, 10 may be in flight", n)
	}
}

func TestFailingARecordDoesNotWaitForItsDeadLetter(t *testing.T) {
	letters := &fakeTopic{verdict: func(string) error { return errAway }}
	limits := testLimits()
	limits.ShutdownTimeout = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var took time.Duration
	_ = runSink(ctx, SinkConfig{Reader: &fakeReader{feed: strs(1, 3)}, Limits: limits, Failures: Failures{DeadLetter, letters.Write}}, func(ctx context.Context, in *Input) error {
		time.AfterFunc(time.Second, cancel)
		b, err := in.Next(ctx)
		if err != nil {
			return err
		}
		begun := time.Now()
		for i := range b.Records {
			b.Fail(i, Permanent(errors.New("no such column")))
		}
		took = time.Since(begun)
		return nil
	})
	if took > 500*time.Millisecond {
		t.Errorf("Fail blocked for %v", took)
	}
}

func TestAStopOfASinkWaitsForDeadLettersUnderWay(t *testing.T) {
	letters := &fakeTopic{hold: true}
	reader := &fakeReader{feed: strs(1, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := runSink(ctx, SinkConfig{Reader: reader, Chain: broken(t), Failures: Failures{DeadLetter, letters.Write}}, func(ctx context.Context, in *Input) error {
		eventually(t, "a dead letter under way", func() bool {
			letters.mu.Lock()
			defer letters.mu.Unlock()
			return len(letters.held) == 1
		})
		cancel()
		time.AfterFunc(200*time.Millisecond, letters.release)
		_, err := in.Next(ctx)
		if err != nil {
			return nil
		}
		return errors.New("a record came")
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "acked", reader.acknowledged(), []string{"1"})
}

// The dead-letter topic takes its time just when a letter is written again: it must not take that of the shutdown.
func TestAStopDoesNotWaitForADeadLetterThatIsWrittenAgain(t *testing.T) {
	tries, late := 0, make(chan func(error), 1)
	ctx, cancel := context.WithCancel(t.Context())
	dead := func(_ context.Context, _ record.Record, settled func(error)) error {
		if tries++; tries == 1 {
			return errAway
		}
		late <- settled
		cancel()
		return nil
	}
	limits := testLimits()
	limits.ShutdownTimeout = 50 * time.Millisecond
	c := SourceConfig{Writer: &fakeTopic{}, Limits: limits, Chain: broken(t), Failures: Failures{DeadLetter, dead}}
	err := within(t, 10*time.Second, func() error {
		return runSource(ctx, c, func(ctx context.Context, out *Output) error { return out.Send(ctx, numbered(1, 1)...) })
	})
	if err == nil || !strings.Contains(err.Error(), "were not acknowledged within the shutdown timeout") {
		t.Errorf("err = %v", err)
	}
	(<-late)(nil) // to nobody
}
