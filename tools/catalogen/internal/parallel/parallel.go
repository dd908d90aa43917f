// Package parallel does the same to many things, some at a time.
package parallel

import (
	"context"
	"sync"
)

// Each calls do for 0 to n-1, at most jobs at a time (at least one), and blocks until all calls have returned. Once a call
// has failed or ctx is done, its context is cancelled and no more calls are made. The error is the first one, or ctx's.
func Each(ctx context.Context, jobs, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(max(jobs, 1), n) {
		wait.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wait.Wait()
	return context.Cause(ctx)
}
