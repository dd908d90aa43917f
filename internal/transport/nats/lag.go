package nats

import (
	"context"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// lagEvery is how old the answer to a question for the lag is, at the least, before the server is asked again.
const lagEvery = 5 * time.Second

// Lag tells how many records of the topic the group has not read. Every message says how many are behind it. While none
// comes, as when the group has as many in its hands as it may, the server is asked, and the answer is there for the next call.
func (r *reader) Lag() (records int64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); !r.closed && now.Sub(r.asked) >= lagEvery {
		r.asked = now
		r.keeper.Go(r.askLag)
	}
	return int64(r.pending) + int64(len(r.queue)), true
}

// askLag asks the server how much is pending.
func (r *reader) askLag() {
	r.mu.Lock()
	f, before := r.feed, r.events
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	go func() {
		select {
		case <-r.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	info, err := f.consumer.Info(ctx)
	if err != nil {
		return // what is known stays
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.feed == f && r.events == before { // else a message has told more since
		r.pending = info.NumPending
	}
}

var _ transport.Lagging = (*reader)(nil)
