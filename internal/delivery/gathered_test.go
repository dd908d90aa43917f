package delivery

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/patchbay-dev/patchbay/common/record"
)

// TestRecordsThatWaitGoThroughModulesTogether holds the first record up behind the transforms while others come.
func TestRecordsThatWaitGoThroughModulesTogether(t *testing.T) {
	topic := &fakeTopic{sync: make(chan struct{})}
	l := newLife(t.Context(), "source", testLimits(), quiet(), nil, nil)
	defer l.close()
	letters := newLetters(nil, l, Backoff{})
	defer letters.close()
	tr := newTracker(nil, true)
	tr.keep(nil)
	g := newGathered(&transformed{topic, aggregate(t, nil), &policy{on: Skip, letters: letters, log: quiet()}}, l, tr)
	var slots []*slot
	put := func(ctx context.Context, value []byte) error {
		s := tr.add("", "", true)
		slots = append(slots, s)
		err := g.put(ctx, record.Record{Value: value}, s, func(err error) { tr.settle(s, err == nil) })
		if err != nil {
			tr.withdraw(s)
		}
		return err
	}
	mustPut := func(value []byte) {
		t.Helper()
		if err := put(t.Context(), value); err != nil {
			t.Fatal(err)
		}
	}
	mustPut([]byte("x"))
	eventually(t, "the first record", func() bool { return len(topic.values()) == 1 }) // and it hangs in its Write
	for n := range gatherRecords {
		if n == 50 {
			mustPut([]byte("error no"))
			continue
		}
		mustPut(nil)
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if err := put(full, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("more waits than goes together: %v", err)
	}
	for range gatherRecords {
		<-topic.sync
	}
	<-tr.settledAll()
	g.close()
	marked := 0
	for _, s := range slots {
		if s.marked {
			marked++
		}
	}
	mustEqual(t, "batches", marked, 2)
	mustEqual(t, "written", len(topic.values()), gatherRecords)
	mustEqual(t, "put after the end", put(t.Context(), nil), errSessionOver)
}

// TestAModuleKeepsOrderAndSettlesEachRecord has records that a module refuses among others.
func TestAModuleKeepsOrderAndSettlesEachRecord(t *testing.T) {
	tests := []struct {
		on       OnError
		written  []string
		position string
		settled  []bool
	}{
		{Skip, []string{"1", "13", "134"}, "4", []bool{true, true, true, true}},
		{Fail, []string{"1"}, "", []bool{true, false, false, false}},
	}
	for _, tt := range tests {
		t.Run(string(tt.on), func(t *testing.T) {
			topic, store := &fakeTopic{}, &fakeStore{}
			settled := make([]bool, 4)
			recs := numbered(1, 4)
			recs[1].Value = []byte("error no")
			for i := range recs {
				recs[i].Settled = func(err error) { settled[i] = err == nil }
			}
			err := runSource(t.Context(), SourceConfig{
				Writer: topic, Store: store, Chain: aggregate(t, nil), Failures: Failures{On: tt.on},
			}, func(ctx context.Context, out *Output) error { return out.Send(ctx, recs...) })
			if (err == nil) != (tt.on == Skip) {
				t.Errorf("error = %v", err)
			}
			mustEqual(t, "written", topic.values(), tt.written)
			mustEqual(t, "settled", fmt.Sprint(settled), fmt.Sprint(tt.settled))
			if tt.on == Skip {
				mustEqual(t, "position", store.position(), tt.position)
			}
		})
	}
}
