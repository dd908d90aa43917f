package delivery

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstWait = 100 * time.Millisecond // the longest wait before the first retry
	// Waits stay below briefWait for so many failures that five seconds have passed: whoever returns from a restart finds us
	// back within a second, waits of a connection and of a record added up.
	briefWait  = 400 * time.Millisecond
	briefTries = 28
)

// A Backoff counts failures in a row and says how long to wait before the next try: a random part of a time that doubles
// with each failure, so that many instances that fail together do not return together. It stops growing for the first
// seconds, in which most of what goes away comes back.
type Backoff struct {
	Cap      time.Duration // the longest wait; 0 means 10 s
	failures int
}

// Next returns the wait before the next try.
func (b *Backoff) Next() time.Duration {
	limit := b.Cap
	if limit <= 0 {
		limit = 10 * time.Second
	}
	wait := min(limit, briefWait, firstWait<<min(b.failures, briefTries))
	if late := b.failures - briefTries; late >= 0 {
		wait = min(limit, 2*briefWait<<min(late, 10))
	}
	b.failures++
	return wait/2 + rand.N(wait/2+1)
}

// Reset forgets the failures, after a success.
func (b *Backoff) Reset() { b.failures = 0 }

// Sleep waits for d or until ctx ends, and then returns the cause of that.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
