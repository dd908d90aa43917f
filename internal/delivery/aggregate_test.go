package delivery

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
)

// aggregate is a chain, as a new process has it, with a module that strings together the values of the records that it is
// given: what record 3 becomes is 123.
func aggregate(tb testing.TB, params map[string]string, more ...transform.Step) *transform.Chain {
	tb.Helper()
	return compiled(tb, append([]transform.Step{{Kind: transform.Map, Expr: guests.Kind(tb, "aggregate"), Params: params}}, more...))
}

// compiled is a chain that is closed at the end of the test.
func compiled(tb testing.TB, steps []transform.Step) *transform.Chain {
	tb.Helper()
	chain, err := transform.Compile(steps, transform.Options{Cache: guests.Cache()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := chain.Close(); err != nil {
			tb.Error(err)
		}
	})
	return chain
}

// sums are what records from to to become, where those before were counted, too.
func sums(from, to int) (sums []string) {
	for n := from; n <= to; n++ {
		sums = append(sums, strings.Join(strs(1, n), ""))
	}
	return sums
}

// resume sends records 1 to last, from the position on.
func resume(last int) func(context.Context, *Output) error {
	return func(ctx context.Context, out *Output) error {
		from, _ := strconv.Atoi(out.Position(""))
		return out.Send(ctx, numbered(from+1, last)...)
	}
}

// copied is the store as a process that is killed leaves it.
func (f *fakeStore) copied() *fakeStore {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &fakeStore{state: f.state}
}

func TestAnAggregateGoesOnWhereTheSavedPositionIs(t *testing.T) {
	topic, store := &fakeTopic{}, &fakeStore{}
	more, done := make(chan struct{}), make(chan error)
	chain := aggregate(t, nil)
	go func() {
		done <- runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: chain},
			func(ctx context.Context, out *Output) error {
				if err := resume(4)(ctx, out); err != nil {
					return err
				}
				<-more
				return out.Send(ctx, numbered(5, 9)...)
			})
	}()
	eventually(t, "the save", func() bool { return store.position() == "4" })
	topic.mu.Lock()
	topic.hold = true
	topic.mu.Unlock()
	close(more)
	eventually(t, "record 5, when the module may have seen all", func() bool {
		topic.mu.Lock()
		defer topic.mu.Unlock()
		return len(topic.held) > 0
	})
	killed := store.copied()
	topic.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", topic.values(), sums(1, 9))

	topic = &fakeTopic{}
	if err := runSource(t.Context(), SourceConfig{Writer: topic, Store: killed, Chain: aggregate(t, nil)}, resume(9)); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written after the kill", topic.values(), sums(5, 9))
	mustEqual(t, "saved", killed.state.Aggregates, map[string]string{nameOf(t, nil): "123456789"})
}

// nameOf is the name by which the aggregate is saved.
func nameOf(t *testing.T, params map[string]string) (name string) {
	chain := aggregate(t, params)
	if _, err := chain.Apply(t.Context(), record.Record{Value: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	for name = range chain.State() {
	}
	return name
}

func TestAnAggregateOfAnotherModuleBeginsEmpty(t *testing.T) {
	saved := state.State{Positions: map[string]string{"": "2"}, Aggregates: map[string]string{nameOf(t, nil): "12"}}
	tests := []struct {
		name    string
		chain   *transform.Chain
		written []string
	}{
		{"the same", aggregate(t, nil), []string{"123"}},
		{"with other steps beside it", aggregate(t, nil, transform.Step{Kind: transform.Filter, Expr: "true"}), []string{"123"}},
		{"with another parameter", aggregate(t, map[string]string{"greet": "x"}), []string{"3"}},
		{"none", nil, []string{"3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			topic, store := &fakeTopic{}, &fakeStore{state: &saved}
			if err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: tt.chain}, resume(3)); err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "written", topic.values(), tt.written)
			var want map[string]string
			if tt.chain != nil {
				want = map[string]string{nameOf(t, map[string]string{"greet": "x"}): "3"}
				if tt.written[0] == "123" {
					want = map[string]string{nameOf(t, nil): "123"}
				}
			}
			mustEqual(t, "saved", store.state.Aggregates, want)
		})
	}
}

// TestPartitionsAreSavedAtOneMoment has one partition delivered while an earlier record of another is not: neither counts
// yet, since the aggregate stands for both.
func TestPartitionsAreSavedAtOneMoment(t *testing.T) {
	topic, store := &fakeTopic{hold: true, sync: make(chan struct{}, 4)}, &fakeStore{}
	done, more := make(chan error), make(chan struct{})
	in := func(partition string, n int) record.Record {
		return record.Record{Partition: partition, Position: strconv.Itoa(n), Value: []byte(strconv.Itoa(n))}
	}
	chain := aggregate(t, nil)
	go func() {
		done <- runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: chain},
			func(ctx context.Context, out *Output) error {
				if err := out.Send(ctx, in("a", 1)); err != nil {
					return err
				}
				<-topic.sync
				if err := out.Send(ctx, in("b", 2)); err != nil {
					return err
				}
				<-topic.sync
				topic.mu.Lock()
				second := topic.held[1]
				topic.held = topic.held[:1]
				topic.mu.Unlock()
				second()
				if err := out.Advance(ctx, "c", "9"); err != nil {
					return err
				}
				<-more
				return nil
			})
	}()
	eventually(t, "the delivery of the second", func() bool { return len(topic.values()) == 1 })
	store.mu.Lock()
	if store.saves > 0 {
		t.Error("something is saved")
	}
	store.mu.Unlock()
	topic.release()
	close(more)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "positions", store.state.Positions, map[string]string{"a": "1", "b": "2", "c": "9"})
	mustEqual(t, "saved", store.state.Aggregates, map[string]string{nameOf(t, nil): "12"})
}

func TestAnInitialValueIsForWhereNothingIsSaved(t *testing.T) {
	store := &fakeStore{}
	for _, tt := range []struct {
		initial string
		last    int
		written []string
	}{{"0", 2, []string{"01", "012"}}, {"9", 3, []string{"0123"}}, {"", 4, []string{"01234"}}} {
		topic, failed := &fakeTopic{}, false
		chain := compiled(t, []transform.Step{{Kind: transform.Map, Expr: guests.Kind(t, "aggregate"), Initial: tt.initial}})
		err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: chain}, func(ctx context.Context, out *Output) error {
			if !failed { // the next session begins as this one
				failed = true
				return errors.New("no route")
			}
			return resume(tt.last)(ctx, out)
		})
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "written", topic.values(), tt.written)
	}
}

// TestASessionGoesOnWithTheAggregateOfItsPosition loses a record on its way to the module, and starts again before it.
func TestASessionGoesOnWithTheAggregateOfItsPosition(t *testing.T) {
	topic, store := &fakeTopic{}, &fakeStore{}
	sessions := 0
	err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: aggregate(t, nil)},
		func(ctx context.Context, out *Output) error {
			if sessions++; sessions > 1 {
				return resume(5)(ctx, out)
			}
			if err := out.Deliver(ctx, numbered(1, 3)...); err != nil {
				return err
			}
			given, giveUp := context.WithCancel(ctx)
			giveUp()
			if err := out.Send(given, numbered(4, 4)...); err == nil {
				t.Error("a record was taken from a caller that had gone")
			}
			if err := out.Deliver(ctx, numbered(5, 5)...); err != nil {
				return err
			}
			return errAway
		})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written", topic.values(), append(sums(1, 3), "1235", "1234", "12345"))
}

// TestASourceWithoutPositionsIsToldWhenTheAggregateIsSaved is about sources whose upstream gives again what was not
// acknowledged.
func TestASourceWithoutPositionsIsToldWhenTheAggregateIsSaved(t *testing.T) {
	topic, store := &fakeTopic{}, &fakeStore{err: errAway}
	told, done, end := make(chan error, 2), make(chan error), make(chan struct{})
	chain := aggregate(t, nil)
	go func() {
		done <- runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: chain},
			func(ctx context.Context, out *Output) error {
				settled := func(err error) { told <- err }
				if err := out.Send(ctx, record.Record{Value: []byte("1"), Settled: settled}, record.Record{Value: []byte("2"), Settled: settled}); err != nil {
					return err
				}
				<-end
				return nil
			})
	}()
	eventually(t, "a save that fails", func() bool { store.mu.Lock(); defer store.mu.Unlock(); return store.saves > 0 })
	if len(told) > 0 {
		t.Error("the source was told before anything is saved")
	}
	store.mu.Lock()
	store.err = nil
	store.mu.Unlock()
	for range 2 {
		if err := <-told; err != nil {
			t.Error(err)
		}
	}
	mustEqual(t, "saved", store.copied().state.Aggregates, map[string]string{nameOf(t, nil): "12"})
	close(end)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestASinkAcknowledgesBehindTheSave kills a sink at the moment of an acknowledgement: what is acknowledged is saved by then.
func TestASinkAcknowledgesBehindTheSave(t *testing.T) {
	store, chain := &fakeStore{}, aggregate(t, nil)
	first := &fakeReader{feed: strs(1, 3)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- runSink(ctx, SinkConfig{Reader: first, Store: store, Chain: chain}, func(ctx context.Context, in *Input) error {
			b, err := in.Next(ctx)
			if err != nil {
				return err
			}
			b.Ack()
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	eventually(t, "the acknowledgement", func() bool { return len(first.acknowledged()) == 3 })
	killed := store.copied()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	name := nameOf(t, nil)
	mustEqual(t, "saved", killed.state.Aggregates, map[string]string{name: "123"})

	again := &fakeReader{feed: strs(4, 6), end: true}
	var written []string
	err := runSink(t.Context(), SinkConfig{Reader: again, Store: killed, Chain: aggregate(t, nil)},
		each(func(v string) error { written = append(written, v); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "written after the kill", written, sums(4, 6))
	mustEqual(t, "acknowledged", again.acknowledged(), strs(4, 6))
	mustEqual(t, "saved at the end", killed.state.Aggregates, map[string]string{name: "123456"})
}

func TestASinkAcknowledgesNothingThatIsNotSaved(t *testing.T) {
	store, reader := &fakeStore{err: errAway}, &fakeReader{feed: strs(1, 3), end: true}
	err := runSink(t.Context(), SinkConfig{Reader: reader, Store: store, Chain: aggregate(t, nil)}, each(func(string) error { return nil }))
	if err == nil || !strings.Contains(err.Error(), "save the aggregates") {
		t.Errorf("err = %v", err)
	}
	mustEqual(t, "acknowledged", reader.acknowledged(), []string(nil))
}

func TestWhatWasSentIsTheCallersAgain(t *testing.T) {
	topic, store := &fakeTopic{hold: true}, &fakeStore{}
	saves := -1 // when the record was settled
	err := runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Chain: aggregate(t, nil)},
		func(ctx context.Context, out *Output) error {
			recs := []record.Record{{Value: []byte("1"), Settled: func(error) {
				store.mu.Lock()
				defer store.mu.Unlock()
				saves = store.saves
			}}}
			if err := out.Send(ctx, recs...); err != nil {
				return err
			}
			recs[0] = record.Record{Value: []byte("2"), Position: "2"}
			eventually(t, "record 1 at the topic", func() bool {
				topic.mu.Lock()
				defer topic.mu.Unlock()
				return len(topic.held) == 1
			})
			topic.release()
			return nil
		})
	mustEqual(t, "err", err, nil)
	mustEqual(t, "written", topic.values(), []string{"1"})
	mustEqual(t, "saves when it was settled", saves, 1)
}
