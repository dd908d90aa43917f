package nats

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestWindowWaitIsForWhatWasAddedBefore(t *testing.T) {
	w := newWindow(10, false)
	var n [3]uint64
	for i := range n {
		var err error
		if n[i], err = w.add(t.Context(), func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	w.settle(n[1], nil) // out of order
	waited := make(chan error, 1)
	go func() { waited <- w.wait(testContext(t)) }()
	await(t, "the wait has begun", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.flushes) == 1
	})
	if _, err := w.add(t.Context(), func(error) {}); err != nil { // comes later and is not waited for
		t.Fatal(err)
	}
	w.settle(n[2], nil)
	select {
	case err := <-waited:
		t.Fatalf("the wait ended with %v before the first record was settled", err)
	default:
	}
	w.settle(n[0], nil)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait with an ended context: %v", err)
	}
}

func TestWindowWaitIsOverOnlyAfterTheCallback(t *testing.T) {
	w := newWindow(1, false)
	var called atomic.Bool
	hold := make(chan struct{})
	n, err := w.add(t.Context(), func(error) { <-hold; called.Store(true) })
	if err != nil {
		t.Fatal(err)
	}
	go w.settle(n, nil)
	waited := make(chan bool, 1)
	go func() { _ = w.wait(testContext(t)); waited <- called.Load() }()
	close(hold)
	if !<-waited {
		t.Error("the wait was over before the callback had returned")
	}
}

func TestWindowSettlesOnceWhoeverComesFirst(t *testing.T) {
	const n = 1000
	w := newWindow(n, false)
	var calls [n]atomic.Int32
	var wg sync.WaitGroup
	numbers := make([]uint64, n)
	for i := range n {
		var err error
		if numbers[i], err = w.add(t.Context(), func(error) { calls[i].Add(1) }); err != nil {
			t.Fatal(err)
		}
	}
	var dropped atomic.Int32
	wg.Go(func() { w.failAll(errNoAck) })
	wg.Go(func() {
		for _, id := range numbers {
			w.settle(id, nil)
		}
	})
	wg.Go(func() {
		for i := range numbers {
			if w.takeBack(numbers[n-1-i], errNoAck) != nil {
				dropped.Add(1)
			}
		}
	})
	wg.Wait()
	w.close(errPublisherClosed)
	total := int(dropped.Load())
	for i := range calls {
		if c := calls[i].Load(); c > 1 {
			t.Fatalf("record %d was settled %d times", i, c)
		}
		total += int(calls[i].Load())
	}
	if total != n || len(w.slots) != 0 {
		t.Errorf("%d of %d records have a fate, %d places are taken", total, n, len(w.slots))
	}
}

func TestWindowFailsWhatIsOverdue(t *testing.T) {
	w := newWindow(2, false)
	var old, young error
	if _, err := w.add(t.Context(), func(err error) { old = err }); err != nil {
		t.Fatal(err)
	}
	limit := time.Now().Add(time.Nanosecond)
	for !time.Now().After(limit) {
	}
	if _, err := w.add(t.Context(), func(err error) { young = err }); err != nil {
		t.Fatal(err)
	}
	w.failBefore(limit, errNoAck)
	if !errors.Is(old, errNoAck) || young != nil {
		t.Errorf("fates %v and %v", old, young)
	}
}

func TestWindowCloseWakesTheWaiting(t *testing.T) {
	w := newWindow(1, false)
	if _, err := w.add(t.Context(), func(error) {}); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := w.add(context.Background(), func(error) {})
		refused <- err
	}()
	w.close(errPublisherClosed)
	if err := <-refused; !errors.Is(err, errPublisherClosed) {
		t.Errorf("error %v", err)
	}
}

func TestWindowKeepsARecordThatManyOvertake(t *testing.T) {
	const n = 1000
	w := newWindow(3, false)
	var fates []int
	for i := range n {
		m, err := w.add(t.Context(), func(error) { fates = append(fates, i) })
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			w.settle(m, nil)
			w.settle(m, nil) // which does nothing
		}
	}
	if oldest, waits := w.oldest(); len(fates) != n-1 || fates[0] != 1 || fates[n-2] != n-1 || oldest != 1 || !waits {
		t.Fatalf("%d records are settled, the oldest that is not is %d, %v", len(fates), oldest, waits)
	}
	w.failAll(errNoAck)
	if _, waits := w.oldest(); waits || fates[n-1] != 0 || len(w.slots) != 0 {
		t.Errorf("record %d was settled last, %d places are taken", fates[len(fates)-1], len(w.slots))
	}
}

func TestWindowFailsUpToARecord(t *testing.T) {
	w := newWindow(10, false)
	var failed []int
	for i := range 5 {
		if _, err := w.add(t.Context(), func(error) { failed = append(failed, i+1) }); err != nil {
			t.Fatal(err)
		}
	}
	w.settle(2, nil)
	failed = nil
	w.failUpTo(4, errors.New("lost"))
	if !slices.Equal(failed, []int{1, 3, 4}) {
		t.Errorf("failed %v", failed)
	}
}

func TestWindowLetsNothingOvertakeWhatFailed(t *testing.T) {
	tests := []struct {
		name string
		hold func(*window)
		size int
	}{
		{"that waited for room", func(*window) {}, 1},
		{"that was held back", func(w *window) { w.holdBack() }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWindow(tt.size, false)
			if _, err := w.add(t.Context(), func(error) {}); err != nil {
				t.Fatal(err)
			}
			tt.hold(w)
			overtaking := make(chan error)
			entered := len(w.slots) + tt.size - 1
			go func() {
				_, err := w.add(t.Context(), func(error) {})
				overtaking <- err
			}()
			await(t, "the second waits", func() bool { return len(w.slots) == entered })
			select {
			case err := <-overtaking:
				t.Fatalf("it did not wait: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
			w.failAll(errors.New("lost"))
			w.release()
			if err := <-overtaking; !errors.Is(err, errBehind) {
				t.Errorf("error %v", err)
			}
			if _, err := w.add(t.Context(), func(error) {}); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

func TestWindowHoldsBackUntilItIsReleased(t *testing.T) {
	w := newWindow(2, false)
	w.holdBack()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := w.add(ctx, func(error) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	w.release()
	if _, err := w.add(t.Context(), func(error) {}); err != nil {
		t.Error(err)
	}
	if len(w.slots) != 1 {
		t.Errorf("%d slots are taken by one record", len(w.slots))
	}
}

func TestWindowTakesNothingAfterAFailureUntilResume(t *testing.T) {
	fail := map[string]func(w *window, n uint64){
		"a record":           func(w *window, n uint64) { w.settle(n, errNoAck) },
		"all of them":        func(w *window, _ uint64) { w.failAll(errNoAck) },
		"not handed over":    func(w *window, n uint64) { _ = w.takeBack(n, errNoAck) },
		"before it is added": func(w *window, _ uint64) { w.stop(errNoAck) },
	}
	for name, fail := range fail {
		t.Run(name, func(t *testing.T) {
			for _, stops := range []bool{true, false} {
				w := newWindow(10, stops)
				n, err := w.add(t.Context(), func(error) {})
				if err != nil {
					t.Fatal(err)
				}
				fail(w, n)
				if _, err := w.add(t.Context(), nil); stops != errors.Is(err, errBehind) {
					t.Errorf("stops %v: add returned %v", stops, err)
				}
				w.resume()
				if _, err := w.add(t.Context(), nil); err != nil {
					t.Errorf("stops %v: after resume, add returned %v", stops, err)
				}
			}
		})
	}
	w := newWindow(10, true)
	n, err := w.add(t.Context(), func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	w.settle(n, &transport.Rejected{Err: errNoAck})
	if _, err := w.add(t.Context(), nil); err != nil {
		t.Errorf("after a record that is refused for good: %v", err)
	}
}
