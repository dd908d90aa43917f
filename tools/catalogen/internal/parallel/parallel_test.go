package parallel

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestEachDoesAllAtMostSomeAtATime(t *testing.T) {
	const jobs, n = 3, 50
	var (
		running, most, total atomic.Int64
		done                 [n]atomic.Int64
		full                 = make(chan struct{})
		once                 sync.Once
	)
	err := Each(t.Context(), jobs, n, func(_ context.Context, i int) error {
		now := running.Add(1)
		defer running.Add(-1)
		if now == jobs {
			once.Do(func() { close(full) })
		}
		<-full // the first ones wait for each other, so that they are known to run together
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		total.Add(1)
		done[i].Add(1)
		return nil
	})
	if err != nil || total.Load() != n || most.Load() != jobs {
		t.Errorf("%v; %d calls, %d at a time", err, total.Load(), most.Load())
	}
	for i := range done {
		if done[i].Load() != 1 {
			t.Errorf("%d was done %d times", i, done[i].Load())
		}
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	wrong := errors.New("wrong")
	var calls atomic.Int64
	err := Each(t.Context(), 2, 1000, func(ctx context.Context, i int) error {
		calls.Add(1)
		if i == 1 {
			return wrong
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, wrong) || calls.Load() > 10 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestEachHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Each(ctx, 0, 5, func(ctx context.Context, _ int) error { return ctx.Err() })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := Each(t.Context(), 4, 0, nil); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}
