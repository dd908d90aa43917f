package delivery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A heldTopic settles what it is told to.
type heldTopic struct {
	mu      sync.Mutex
	arrived []string
	open    map[string]func(error)
	more    chan struct{} // gets an element for each record
}

func newHeldTopic() *heldTopic {
	return &heldTopic{open: map[string]func(error){}, more: make(chan struct{}, 100)}
}

func (h *heldTopic) Write(_ context.Context, rec record.Record, settled func(error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arrived = append(h.arrived, string(rec.Value))
	h.open[string(rec.Value)] = settled
	h.more <- struct{}{}
	return nil
}

func (h *heldTopic) Flush(context.Context) error { return nil }
func (h *heldTopic) Close() error                { return nil }

// settle settles a record.
func (h *heldTopic) settle(value string, err error) {
	h.mu.Lock()
	settled := h.open[value]
	delete(h.open, value)
	h.mu.Unlock()
	settled(err)
}

func (h *heldTopic) values() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.arrived)
}

// fates collects what records are settled with.
type fates struct {
	mu sync.Mutex
	of map[string]error
}

func (f *fates) note(value string) func(error) {
	return func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, twice := f.of[value]; twice {
			panic(value + " is settled twice")
		}
		f.of[value] = err
	}
}

func TestOrderedWritesOneOfAPartitionAtATime(t *testing.T) {
	topic, f := newHeldTopic(), &fates{of: map[string]error{}}
	o := newOrdered(topic)
	for _, r := range []record.Record{{Partition: "a", Value: []byte("a1")}, {Partition: "a", Value: []byte("a2")}, {Partition: "b", Value: []byte("b1")}, {Partition: "a", Value: []byte("a3")}} {
		if err := o.Write(t.Context(), r, f.note(string(r.Value))); err != nil {
			t.Fatal(err)
		}
	}
	mustEqual(t, "before a settles", topic.values(), []string{"a1", "b1"})
	<-topic.more
	<-topic.more
	topic.settle("a1", nil)
	<-topic.more
	mustEqual(t, "after a1", topic.values(), []string{"a1", "b1", "a2"})
	flushed := make(chan error, 1)
	go func() { flushed <- o.Flush(t.Context()) }()
	topic.settle("a2", &transport.Rejected{Err: errors.New("too large")}) // which concerns it alone
	<-topic.more
	topic.settle("b1", nil)
	select {
	case <-flushed:
		t.Error("Flush did not wait for a3")
	default:
	}
	topic.settle("a3", nil)
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	mustEqual(t, "records settled", len(f.of), 4)
	if err := o.Write(t.Context(), record.Record{Partition: "a", Value: []byte("a4")}, f.note("a4")); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "a partition that was idle goes on at once", topic.values()[4], "a4")
}

func TestOrderedStopsAPartitionThatFails(t *testing.T) {
	topic, f := newHeldTopic(), &fates{of: map[string]error{}}
	o := newOrdered(topic)
	for _, v := range []string{"1", "2", "3"} {
		if err := o.Write(t.Context(), record.Record{Value: []byte(v)}, f.note(v)); err != nil {
			t.Fatal(err)
		}
	}
	topic.settle("1", errAway)
	mustEqual(t, "written", topic.values(), []string{"1"})
	for _, v := range []string{"1", "2", "3"} {
		if err := f.of[v]; !errors.Is(err, errAway) {
			t.Errorf("%s is settled with %v", v, err)
		}
	}
	if err := o.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOrderedHandsBackWhatTheTopicDoesNotTake(t *testing.T) {
	o := newOrdered(&refusing{})
	for range 2 { // the second one is not taken for one that has to wait
		if err := o.Write(t.Context(), record.Record{}, func(error) { t.Error("settled") }); !errors.Is(err, errAway) {
			t.Errorf("Write returned %v", err)
		}
	}
}

// refusing takes nothing.
type refusing struct{ heldTopic }

func (*refusing) Write(context.Context, record.Record, func(error)) error { return errAway }
