package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
)

// positions are those that the store holds.
func (f *fakeStore) positions() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == nil {
		return nil
	}
	return maps.Clone(f.state.Positions)
}

// become waits for a condition as eventually does, for the Run of a source, which must not end a test.
func become(what string, condition func() bool) error {
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return Permanent(fmt.Errorf("%s did not come about", what))
		}
	}
	return nil
}

// at makes a record of a partition.
func at(partition, position string) record.Record {
	return record.Record{Partition: partition, Position: position, Value: []byte(partition + position)}
}

func TestWhatIsForgottenLeavesTheState(t *testing.T) {
	tests := []struct {
		name string
		run  func(ctx context.Context, out *Output) error
		want map[string]string
	}{
		{"a partition of an earlier run", func(ctx context.Context, out *Output) error {
			return out.Forget(ctx, "old")
		}, map[string]string{"other": "9"}},
		{"the only one left", func(ctx context.Context, out *Output) error {
			return errors.Join(out.Forget(ctx, "old"), out.Forget(ctx, "other"))
		}, map[string]string{}},
		{"one that came and went between two saves", func(ctx context.Context, out *Output) error {
			return errors.Join(out.Send(ctx, at("new", "1")), out.Forget(ctx, "new"))
		}, map[string]string{"old": "5", "other": "9"}},
		{"one that nobody knows", func(ctx context.Context, out *Output) error {
			return out.Forget(ctx, "unknown")
		}, map[string]string{"old": "5", "other": "9"}},
		{"one that is forgotten twice", func(ctx context.Context, out *Output) error {
			return errors.Join(out.Forget(ctx, "old"), out.Forget(ctx, "old"))
		}, map[string]string{"other": "9"}},
		{"not what is sent of it later", func(ctx context.Context, out *Output) error {
			return errors.Join(out.Send(ctx, at("old", "6")), out.Forget(ctx, "old"), out.Send(ctx, at("old", "1")))
		}, map[string]string{"old": "1", "other": "9"}},
		{"not where it is advanced to later", func(ctx context.Context, out *Output) error {
			return errors.Join(out.Forget(ctx, "old"), out.Advance(ctx, "old", "5"))
		}, map[string]string{"old": "5", "other": "9"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := &fakeStore{state: &state.State{Epoch: "e", Positions: map[string]string{"old": "5", "other": "9"}}}
			topic := &fakeTopic{}
			mustEqual(t, "err", runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, tt.run), nil)
			mustEqual(t, "saved", store.positions(), tt.want)
			mustEqual(t, "epoch", store.state.Epoch, "e") // positions of the new life are new, so ids need no other
		})
	}
}

func TestWhatIsOnItsWayHoldsAForgottenPartitionBack(t *testing.T) {
	topic := &fakeTopic{hold: true}
	store := &fakeStore{state: &state.State{Positions: map[string]string{"p": "1"}}}
	err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, func(ctx context.Context, out *Output) error {
		if err := errors.Join(out.Send(ctx, at("p", "2")), out.Forget(ctx, "p"), out.Advance(ctx, "q", "1")); err != nil {
			return err
		}
		mustEqual(t, "position after Forget", out.Position("p"), "")
		mustEqual(t, "partitions after Forget", out.Partitions(), []string{"q"})
		if err := become("a save of the other partition", func() bool { return store.positions()["q"] == "1" }); err != nil {
			return err
		}
		mustEqual(t, "saved while a record is on its way", store.positions()["p"], "1")
		if err := out.Send(ctx, at("p", "a")); err != nil {
			return err
		}
		topic.release()
		if err := become("the save of the new life", func() bool { return store.positions()["p"] == "a" }); err != nil {
			return err
		}
		mustEqual(t, "position of the new life", out.Position("p"), "a")
		return out.Forget(ctx, "p")
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "saved", store.positions(), map[string]string{"q": "1"})
}

func TestForgettingHasNoEffectBehindWhatIsNotDelivered(t *testing.T) {
	away := true
	topic := &fakeTopic{verdict: func(value string) error {
		if value == "p2" && away {
			away = false
			return Permanent(errors.New("refused"))
		}
		return nil
	}}
	store := &fakeStore{state: &state.State{Positions: map[string]string{"p": "1"}}}
	var seen []string
	run := func(ctx context.Context, out *Output) error {
		seen = append(seen, out.Position("p"))
		return errors.Join(out.Send(ctx, at("p", "2")), out.Forget(ctx, "p"))
	}
	if err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, run); err == nil {
		t.Error("no error")
	}
	mustEqual(t, "saved after the failure", store.positions(), map[string]string{"p": "1"})
	mustEqual(t, "err", runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, run), nil)
	mustEqual(t, "saved", store.positions(), map[string]string{})
	mustEqual(t, "where the sessions began", seen, []string{"1", "1"})
}

func TestForgettingIsSavedAfterASaveThatFailed(t *testing.T) {
	store := &fakeStore{err: errors.New("disk full"), state: &state.State{Positions: map[string]string{"p": "1"}}}
	err := runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Store: store}, func(ctx context.Context, out *Output) error {
		if err := out.Forget(ctx, "p"); err != nil {
			return err
		}
		if err := become("a save that fails", func() bool { store.mu.Lock(); defer store.mu.Unlock(); return store.saves > 0 }); err != nil {
			return err
		}
		store.mu.Lock()
		store.err = nil
		store.mu.Unlock()
		return become("the save", func() bool { return len(store.positions()) == 0 })
	})
	mustEqual(t, "err", err, nil)
}

func TestASourceForgetsWhatItWasToldOf(t *testing.T) {
	store := &fakeStore{}
	told := make(chan string, 10)
	config := SourceConfig{Writer: &fakeTopic{}, Store: store}
	config.Session = func() (SourceSession, error) {
		var out *Output
		ready := make(chan struct{})
		return SourceSession{
			Run: func(ctx context.Context, o *Output) error {
				out = o
				close(ready)
				if err := out.Send(ctx, at("p", "1")); err != nil {
					return err
				}
				mustEqual(t, "told", <-told, "p@1")
				if err := become("a state without the partition", func() bool { return len(store.positions()) == 0 }); err != nil {
					return err
				}
				if err := out.Advance(ctx, "p", "a"); err != nil {
					return err
				}
				mustEqual(t, "told of the new life", <-told, "p@a")
				return nil
			},
			Committed: func(ctx context.Context, partition, position string) error {
				<-ready
				told <- partition + "@" + position
				return out.Forget(ctx, partition)
			},
		}, nil
	}
	mustEqual(t, "err", runSource(t.Context(), config, nil), nil)
	mustEqual(t, "saved", store.positions(), map[string]string{})
	mustEqual(t, "told more", len(told), 0)
}

func TestForgottenPartitionsTakeNoMemory(t *testing.T) {
	for name, store := range map[string]state.Store{"with a state": &fakeStore{}, "without": nil} {
		t.Run(name, func(t *testing.T) {
			err := runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Store: store, Derive: true}, func(ctx context.Context, out *Output) error {
				for n := range 100 {
					p := strconv.Itoa(n)
					if err := errors.Join(out.Send(ctx, at(p, "1")), out.Forget(ctx, p)); err != nil {
						return err
					}
				}
				mustEqual(t, "partitions that ids are remembered of", len(out.ids.last), 0)
				return become("an empty tracker", func() bool {
					out.tracker.mu.Lock()
					defer out.tracker.mu.Unlock()
					return len(out.tracker.partitions) == 0
				})
			})
			mustEqual(t, "err", err, nil)
		})
	}
}

func TestNothingIsForgottenAfterTheSession(t *testing.T) {
	var last *Output
	store := &fakeStore{state: &state.State{Positions: map[string]string{"p": "1"}}}
	_ = runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Store: store}, func(_ context.Context, out *Output) error {
		last = out
		return nil
	})
	mustEqual(t, "error", last.Forget(t.Context(), "p"), errSessionOver)
	mustEqual(t, "position", last.Position("p"), "1")
}

func TestWhereTransformsKeepAStateAPartitionIsForgottenWithIt(t *testing.T) {
	tracker := newTracker(map[string]string{"p": "1"}, true)
	tracker.keep(nil)
	record := tracker.add("p", "2", true)
	tracker.settle(record, true) // delivered, and the transforms have counted it together with what follows
	tracker.forget("p")
	mustEqual(t, "position for the connector", tracker.position("p"), "")
	if c := tracker.take(); c.changed {
		t.Errorf("%v is to be saved before the transforms' batch ends", c.positions)
	}
	last := tracker.add("q", "3", true)
	tracker.mark(last, map[string]string{"sum": "5"})
	tracker.settle(last, true)
	c := tracker.take()
	mustEqual(t, "positions", c.positions, map[string]string{"q": "3"})
	mustEqual(t, "moved", c.moved, map[string]string{"p": "", "q": "3"})
	tracker.kept(c)
	mustEqual(t, "partitions", tracker.known(), []string{"q"})
	if len(tracker.partitions) != 1 {
		t.Errorf("%d partitions are remembered", len(tracker.partitions))
	}
}
