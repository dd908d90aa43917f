package delivery

import (
	"context"
	"testing"
)

// A request that its client gives up must not cost memory for the rest of the session, nor let the position pass it.
func TestWhatIsBrokenOffHoldsThePositionAndNothingElse(t *testing.T) {
	topic, store := &fakeTopic{}, &fakeStore{}
	var kept int
	err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store}, func(ctx context.Context, out *Output) error {
		if err := out.Send(ctx, numbered(1, 1)...); err != nil {
			return err
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if out.Deliver(gone, numbered(2, 2)...) == nil {
			t.Error("delivered with a context that has ended")
		}
		if err := out.Send(ctx, numbered(3, 1000)...); err != nil {
			return err
		}
		out.tracker.mu.Lock()
		defer out.tracker.mu.Unlock()
		kept = len(out.tracker.partitions[""].slots)
		return nil
	})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "position", store.position(), "1")
	if kept > 1 {
		t.Errorf("%d slots are kept behind the record that was not delivered", kept)
	}
}

func TestWhatWasUnderWayBeforeAFailureStillCounts(t *testing.T) {
	tracker := newTracker(nil, true)
	one, two, three := tracker.add("", "1", true), tracker.add("", "2", true), tracker.add("", "3", true)
	tracker.settle(two, false)
	four := tracker.add("", "4", true)
	tracker.settle(four, true)
	tracker.settle(three, true)
	mustEqual(t, "position while 1 is open", tracker.position(""), "")
	tracker.settle(one, true)
	mustEqual(t, "position before what failed", tracker.position(""), "1")
	select {
	case <-tracker.settledAll():
	default:
		t.Error("something is still open")
	}
	tracker.reset()
	tracker.settle(tracker.add("", "2", true), true)
	mustEqual(t, "position after a new start", tracker.position(""), "2")
}

func TestAPartitionIsNotForgottenTogetherWithAFailure(t *testing.T) {
	tracker := newTracker(map[string]string{"p": "1"}, true)
	tracker.forget("p")
	tracker.settle(tracker.add("p", "a", true), false)
	tracker.kept(tracker.take())
	tracker.settle(tracker.add("p", "b", true), true)
	mustEqual(t, "position behind what failed in the new life", tracker.position("p"), "")
}
