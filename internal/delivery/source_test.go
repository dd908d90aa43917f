package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// runSource runs a function as a source.
func runSource(ctx context.Context, c SourceConfig, run func(ctx context.Context, out *Output) error) error {
	if c.MaxInFlight == 0 {
		c.Limits = testLimits()
	}
	if c.Name == "" {
		c.Name = "test"
	}
	if c.Log == nil {
		c.Log = quiet()
	}
	if c.Session == nil {
		c.Session = func() (SourceSession, error) { return SourceSession{Run: run}, nil }
	}
	return RunSource(ctx, c)
}

func TestPositionIsSavedOnlyBehindWhatIsDelivered(t *testing.T) {
	topic, store := &fakeTopic{hold: true}, &fakeStore{}
	sent := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, func(ctx context.Context, out *Output) error {
			defer close(sent)
			return out.Send(ctx, numbered(1, 3)...)
		})
	}()
	<-sent
	topic.mu.Lock()
	second, third := topic.held[1], topic.held[2]
	topic.held = topic.held[:1]
	topic.mu.Unlock()
	second()
	third()
	mustEqual(t, "position while record 1 is open", store.position(), "")
	topic.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "position at the end", store.position(), "3")
}

func TestAFailedSessionStartsAgainFromTheLastDeliveredPosition(t *testing.T) {
	topic, store := &fakeTopic{}, &fakeStore{state: &state.State{Positions: map[string]string{"": "2"}}}
	var starts []string
	err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, func(ctx context.Context, out *Output) error {
		starts = append(starts, out.Position(""))
		from, _ := strconv.Atoi(out.Position(""))
		if err := out.Send(ctx, numbered(from+1, from+2)...); err != nil {
			return err
		}
		if from < 6 {
			return errors.New("connection lost")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "starts", starts, []string{"2", "4", "6"})
	mustEqual(t, "written", topic.values(), strs(3, 8))
	mustEqual(t, "saved", store.position(), "8")
}

func TestWhatTheTopicRefusesForAWhileIsWrittenAgainInOrder(t *testing.T) {
	var refused atomic.Int32
	topic := &fakeTopic{verdict: func(value string) error {
		if (value == "2" || value == "4") && refused.Add(1) <= 6 {
			return errAway
		}
		return nil
	}}
	err := runSource(t.Context(), SourceConfig{Writer: topic}, func(ctx context.Context, out *Output) error {
		return out.Send(ctx, numbered(1, 5)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", topic.values(), strs(1, 5))
}

func TestErrorPolicy(t *testing.T) {
	chain, err := transform.Compile([]transform.Step{{Kind: transform.Map, Expr: `if . == 2 then error("bad") else . end`}}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		on            OnError
		written, dead []string
		position, err string
	}{
		{Fail, []string{"1"}, nil, "1", "transform: map: error: bad"},
		{Skip, []string{"1", "3"}, nil, "3", ""},
		{DeadLetter, []string{"1", "3"}, []string{"2"}, "3", ""},
	}
	for _, tt := range tests {
		t.Run(string(tt.on), func(t *testing.T) {
			topic, letters, store := &fakeTopic{}, &fakeTopic{}, &fakeStore{}
			var headers map[string]string
			dead := func(ctx context.Context, rec record.Record, settled func(error)) error {
				headers = rec.Headers
				return letters.Write(ctx, rec, settled)
			}
			err := runSource(t.Context(), SourceConfig{
				Writer: topic, Store: store, Chain: chain, Failures: Failures{tt.on, dead},
				Instance: Instance{Connector: "c", Version: "1.2.3", Topic: "t"},
			}, func(ctx context.Context, out *Output) error {
				for _, rec := range numbered(1, 3) {
					if err := out.Deliver(ctx, rec); err != nil {
						return err
					}
				}
				return nil
			})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error = %v, want %q", err, tt.err)
			}
			mustEqual(t, "written", topic.values(), tt.written)
			mustEqual(t, "dead letters", letters.values(), tt.dead)
			mustEqual(t, "position", store.position(), tt.position)
			if tt.on == DeadLetter {
				mustEqual(t, "step", headers[HeaderStep], "transform")
				mustEqual(t, "connector", headers[HeaderConnector]+" "+headers[HeaderVersion], "c 1.2.3")
				mustEqual(t, "position of the dead letter", headers[HeaderPosition], "2")
			}
		})
	}
}

func TestADeadLetterThatIsRefusedEndsTheRun(t *testing.T) {
	topic := &fakeTopic{verdict: func(string) error { return &transport.Rejected{Err: errors.New("too large")} }}
	dead := func(_ context.Context, _ record.Record, settled func(error)) error {
		settled(&transport.Rejected{Err: errAway})
		return nil
	}
	err := runSource(t.Context(), SourceConfig{Writer: topic, Failures: Failures{DeadLetter, dead}},
		func(ctx context.Context, out *Output) error { return out.Deliver(ctx, numbered(1, 1)...) })
	if err == nil || !strings.Contains(err.Error(), "write the dead letter: the topic is away") {
		t.Errorf("error = %v", err)
	}
}

func TestARecordThatFansOutIsDeliveredWhenAllItsChildrenAre(t *testing.T) {
	chain, err := transform.Compile([]transform.Step{{Kind: transform.ArrayMap, Expr: "., . * 10"}}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	topic, store := &fakeTopic{hold: true}, &fakeStore{}
	var settled atomic.Int32
	sent, done := make(chan struct{}), make(chan error)
	go func() {
		done <- runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: chain}, func(ctx context.Context, out *Output) error {
			defer close(sent)
			rec := numbered(1, 1)[0]
			rec.Settled = func(error) { settled.Add(1) }
			return out.Send(ctx, rec)
		})
	}()
	<-sent
	topic.mu.Lock()
	first := topic.held[0]
	topic.held = topic.held[1:]
	topic.mu.Unlock()
	first()
	mustEqual(t, "settled after one of two children", settled.Load(), 0)
	topic.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "settled", settled.Load(), 1)
	mustEqual(t, "written", topic.values(), []string{"1", "10"})
	mustEqual(t, "position", store.position(), "1")
}

func TestMaxRecordsCountsWhatIsDeliveredAfterTransforms(t *testing.T) {
	chain, err := transform.Compile([]transform.Step{{Kind: transform.Filter, Expr: ". % 2 == 0"}}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	limits := testLimits()
	limits.MaxRecords = 3
	topic, store := &fakeTopic{}, &fakeStore{}
	err = runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: chain, Limits: limits}, func(ctx context.Context, out *Output) error {
		for n := 1; ; n++ {
			if err := out.Send(ctx, numbered(n, n)...); err != nil {
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", topic.values(), []string{"2", "4", "6"})
}

func TestSendBlocksAtTheLimitsAndGoesOnWhenThereIsRoom(t *testing.T) {
	for name, limits := range map[string]Limits{"records": {MaxInFlight: 2, MaxBytes: 1 << 20}, "bytes": {MaxInFlight: 100, MaxBytes: 2}} {
		t.Run(name, func(t *testing.T) {
			limits.RetryCap, limits.StartTimeout, limits.ShutdownTimeout = time.Millisecond, time.Second, 5*time.Second
			topic := &fakeTopic{hold: true, sync: make(chan struct{}, 10)}
			done := make(chan error)
			go func() {
				done <- runSource(t.Context(), SourceConfig{Writer: topic, Limits: limits}, func(ctx context.Context, out *Output) error {
					return out.Send(ctx, numbered(1, 4)...)
				})
			}()
			<-topic.sync
			<-topic.sync
			select {
			case <-topic.sync:
				t.Error("a third record was written while two were open")
			case <-time.After(30 * time.Millisecond):
			}
			topic.release()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			written := topic.values()
			slices.Sort(written) // those that were held settle beside those that were not
			mustEqual(t, "written", written, strs(1, 4))
		})
	}
}

func TestStopDrainsWhatIsInFlight(t *testing.T) {
	topic, store := &fakeTopic{hold: true}, &fakeStore{}
	ctx, stop := context.WithCancel(t.Context())
	returned, done := make(chan struct{}), make(chan error)
	go func() {
		done <- runSource(ctx, SourceConfig{Writer: topic, Store: store}, func(ctx context.Context, out *Output) error {
			defer close(returned)
			if err := out.Send(ctx, numbered(1, 3)...); err != nil {
				return err
			}
			stop()
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-returned
	topic.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "position", store.position(), "3")
}

func TestStopWithADeadTopicEndsWithinTheShutdownTimeout(t *testing.T) {
	limits := testLimits()
	limits.ShutdownTimeout = 50 * time.Millisecond
	topic := &fakeTopic{verdict: func(string) error { return errAway }}
	ctx, stop := context.WithCancel(t.Context())
	err := runSource(ctx, SourceConfig{Writer: topic, Limits: limits}, func(ctx context.Context, out *Output) error {
		_ = out.Send(ctx, numbered(1, 1)...)
		stop()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "not acknowledged within the shutdown timeout") {
		t.Errorf("error = %v", err)
	}
}

func TestAConnectorThatIgnoresTheStopIsLeftBehind(t *testing.T) {
	limits := testLimits()
	limits.ShutdownTimeout = 20 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	release := make(chan struct{})
	var gone sync.WaitGroup
	gone.Add(1)
	err := runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Limits: limits}, func(context.Context, *Output) error {
		defer gone.Done()
		stop()
		<-release
		return nil
	})
	close(release)
	gone.Wait()
	if err == nil || !strings.Contains(err.Error(), "did not stop within") {
		t.Errorf("error = %v", err)
	}
}

func TestStartTimeout(t *testing.T) {
	limits := testLimits()
	limits.StartTimeout = 30 * time.Millisecond
	var sessions atomic.Int32
	tests := []struct {
		name string
		run  func(ctx context.Context, out *Output) error
		want string
	}{
		{"a source that is silent", func(ctx context.Context, _ *Output) error { <-ctx.Done(); return ctx.Err() }, "no sign of life"},
		{"a source that keeps failing", func(context.Context, *Output) error { return errors.New("connection refused") }, "connection refused"},
		{"a source that fails and is then silent", func(ctx context.Context, _ *Output) error {
			if sessions.Add(1) == 1 {
				return errors.New("connection refused")
			}
			<-ctx.Done()
			return ctx.Err()
		}, "no sign of life within the start timeout of 30ms: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Limits: limits}, tt.run)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %v, want %q", err, tt.want)
				}
			})
		})
	}
}

func TestAReadySourceMayBeQuietForever(t *testing.T) {
	limits := testLimits()
	limits.StartTimeout = 10 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	err := runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Limits: limits}, func(ctx context.Context, out *Output) error {
		out.Ready()
		time.AfterFunc(50*time.Millisecond, stop)
		<-ctx.Done()
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("error = %v", err)
	}
}

func TestAPermanentErrorEndsTheRunAtOnce(t *testing.T) {
	sessions := 0
	err := runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}}, func(context.Context, *Output) error {
		sessions++
		return fmt.Errorf("open: %w", Permanent(errors.New("no such table")))
	})
	if err == nil || err.Error() != "open: no such table" || sessions != 1 {
		t.Errorf("error = %v after %d sessions", err, sessions)
	}
}

func TestAReaderThatHasGoneEndsTheRunWithoutAnError(t *testing.T) {
	topic := &fakeTopic{verdict: func(value string) error {
		if value == "3" {
			return fmt.Errorf("write: %w", transport.ErrClosed)
		}
		return nil
	}}
	err := runSource(t.Context(), SourceConfig{Writer: topic}, func(ctx context.Context, out *Output) error {
		for n := 1; ; n++ {
			if err := out.Send(ctx, numbered(n, n)...); err != nil {
				return err
			}
		}
	})
	if err != nil {
		t.Errorf("error = %v", err)
	}
}

func TestAStateOfSomethingElseIsRefused(t *testing.T) {
	for name, saved := range map[string]state.State{
		"another connector": {Connector: "other"}, "another resource": {Connector: "c", Identity: "b"},
	} {
		t.Run(name, func(t *testing.T) {
			err := runSource(t.Context(), SourceConfig{
				Writer: &fakeTopic{}, Store: &fakeStore{state: &saved}, Identity: "a",
				Instance: Instance{Connector: "c"},
			}, func(context.Context, *Output) error { return nil })
			var mismatch *StateMismatch
			if !errors.As(err, &mismatch) {
				t.Errorf("error = %v, want a StateMismatch", err)
			}
		})
	}
}

func TestAdvanceAndCommittedFollowDelivery(t *testing.T) {
	topic, store := &fakeTopic{}, &fakeStore{state: &state.State{Positions: map[string]string{"old": "5"}}}
	committed := make(chan string, 10)
	config := SourceConfig{Writer: topic, Store: store}
	config.Session = func() (SourceSession, error) {
		return SourceSession{
			Run: func(ctx context.Context, out *Output) error {
				if err := out.Send(ctx, numbered(1, 1)...); err != nil {
					return err
				}
				if err := out.Advance(ctx, "", "7"); err != nil {
					return err
				}
				for position := ""; position != "@7"; {
					position = <-committed
					if position == "old@5" {
						continue // saved by an earlier run, which may not have told
					}
					if saved := store.position(); "@"+saved < position {
						t.Errorf("told of %s while %s was saved", position, saved)
					}
				}
				return nil
			},
			Committed: func(_ context.Context, partition, position string) error {
				committed <- partition + "@" + position
				return nil
			},
		}, nil
	}
	if err := runSource(t.Context(), config, nil); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "saved", store.position(), "7")
}

func TestAnErrorOfCommittedStartsTheSourceAgain(t *testing.T) {
	sessions := 0
	config := SourceConfig{Writer: &fakeTopic{}, Store: &fakeStore{}}
	told := make(chan string, 10)
	config.Session = func() (SourceSession, error) {
		sessions++
		n := sessions
		return SourceSession{
			Run: func(ctx context.Context, out *Output) error {
				if n == 1 {
					if err := out.Send(ctx, numbered(1, 1)...); err != nil {
						return err
					}
					<-ctx.Done()
					return ctx.Err()
				}
				<-told
				return nil
			},
			Committed: func(_ context.Context, _, position string) error {
				if n == 1 {
					return errors.New("connection reset")
				}
				told <- position
				return nil
			},
		}, nil
	}
	if err := runSource(t.Context(), config, nil); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "sessions", sessions, 2)
}

func TestEachSessionIsToldOfAllThatIsSaved(t *testing.T) {
	store := &fakeStore{state: &state.State{Positions: map[string]string{"old": "5"}}}
	told := make(chan string, 10)
	sessions := 0
	config := SourceConfig{Writer: &fakeTopic{}, Store: store}
	config.Session = func() (SourceSession, error) {
		sessions++
		n := sessions
		return SourceSession{
			Run: func(ctx context.Context, out *Output) error {
				if n == 1 {
					mustEqual(t, "told", <-told, "old@5")
					if err := out.Send(ctx, numbered(1, 1)...); err != nil {
						return err
					}
					mustEqual(t, "told", <-told, "@1")
					return errors.New("connection lost, with what was told")
				}
				mustEqual(t, "told again", []string{<-told, <-told}, []string{"@1", "old@5"})
				return nil
			},
			Committed: func(_ context.Context, partition, position string) error {
				told <- partition + "@" + position
				return nil
			},
		}, nil
	}
	err := within(t, 10*time.Second, func() error { return runSource(t.Context(), config, nil) })
	mustEqual(t, "err", err, nil)
	mustEqual(t, "told more", len(told), 0)
}

func TestIdsAreDerivedWherePositionsNeverRecur(t *testing.T) {
	ids := func(derive bool, epoch string) (out []string) {
		i := newIdentifiers(derive, "name", epoch)
		for _, rec := range []record.Record{{Position: "1"}, {Position: "1"}, {Position: "2"}, {Partition: "p", Position: "1"}, {}, {ID: "own"}} {
			out = append(out, i.id(&rec))
		}
		return out
	}
	a, b := ids(true, "e"), ids(true, "e")
	mustEqual(t, "derived ids of two runs", a[:4], b[:4])
	seen := map[string]bool{}
	for _, id := range append(append(a[:5:5], b[4]), append(ids(true, "f")[:5], ids(false, "e")[:5]...)...) {
		if seen[id] {
			t.Errorf("id %s is given twice", id)
		}
		seen[id] = true
	}
	mustEqual(t, "own id", a[5], "own")
}

// A lastTopic keeps the last record.
type lastTopic struct {
	fakeTopic
	last record.Record
}

func (l *lastTopic) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	l.last = rec
	return l.fakeTopic.Write(ctx, rec, settled)
}

func TestOwnIdsOfTwoInstancesDifferWhereTheTopicGoesByThem(t *testing.T) {
	sent := func(c SourceConfig) string {
		topic := &lastTopic{}
		c.Writer = topic
		err := runSource(t.Context(), c, func(ctx context.Context, out *Output) error {
			return out.Deliver(ctx, record.Record{ID: "42"})
		})
		if err != nil {
			t.Fatal(err)
		}
		return topic.last.ID
	}
	mustEqual(t, "id where nothing is scoped", sent(SourceConfig{Instance: Instance{Name: "a"}}), "42")
	mustEqual(t, "id of a", sent(SourceConfig{Instance: Instance{Name: "a"}, ScopeIDs: true}), "a:42")
	mustEqual(t, "id of b", sent(SourceConfig{Instance: Instance{Name: "b"}, ScopeIDs: true}), "b:42")
	changed := &fakeStore{state: &state.State{Epoch: "e", Positions: map[string]string{}}}
	mustEqual(t, "id of a after its state was set by hand", sent(SourceConfig{Instance: Instance{Name: "a"}, ScopeIDs: true, Store: changed}), "a:e:42")
}

func TestASaveThatFailsIsTriedAgain(t *testing.T) {
	store := &fakeStore{err: errors.New("disk full")}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- runSource(ctx, SourceConfig{Writer: &fakeTopic{}, Store: store}, func(ctx context.Context, out *Output) error {
			if err := out.Send(ctx, numbered(1, 1)...); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	eventually(t, "a second try", func() bool { store.mu.Lock(); defer store.mu.Unlock(); return store.saves > 1 })
	store.mu.Lock()
	store.err = nil
	store.mu.Unlock()
	eventually(t, "the save", func() bool { return store.position() == "1" })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A closingTopic tells when it is closed.
type closingTopic struct {
	fakeTopic
	closed func()
}

func (c *closingTopic) Close() error {
	c.closed()
	return c.fakeTopic.Close()
}

func TestTheEndIsToldBeforeTheTopicIsClosed(t *testing.T) {
	var heard []string
	topic := &closingTopic{closed: func() { heard = append(heard, "closed") }}
	config := SourceConfig{Writer: topic, Status: func(state string, err error) { heard = append(heard, state+" "+errorText(err)) }}
	err := runSource(t.Context(), config, func(context.Context, *Output) error { return Permanent(errors.New("no such table")) })
	if err == nil {
		t.Fatal("no error")
	}
	mustEqual(t, "heard", heard, []string{"failed no such table", "closed"})
}
