package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// onceTick is how often a bounded pass asks the server whether it is done, while nothing arrives. At its end, where the answer
// hangs on the last acknowledgements, it asks sooner, and then ever more slowly.
const (
	onceTick = 50 * time.Millisecond
	onceSoon = 5 * time.Millisecond
)

// lastSequence returns the number of the topic's last record, 0 if it has none.
func (c *Conn) lastSequence(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	last, err := stream.GetLastMsgForSubject(ctx, c.cfg.Topic)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find the end of topic %s: %w", c.cfg.Topic, c.explain(err))
	}
	return last.Sequence, nil
}

// sent reports whether the server has sent the whole pass, as far as is known. Before that it need not be asked whether the
// pass is done, and after that nothing is worth waiting for.
func (r *reader) sent() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending == 0 || len(r.late) > 0
}

// finished returns io.EOF if the bounded pass is done, and nil if it is not.
func (r *reader) finished(ctx context.Context) (bool, error) {
	if r.feed.last == 0 {
		return true, io.EOF
	}
	r.mu.Lock()
	open, before := 0, r.events
	for _, d := range r.unsettled {
		if !d.told {
			open++
		}
	}
	r.mu.Unlock()
	info, err := r.feed.consumer.Info(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		// Asked again at the next tick: whether the server is gone for good is not for this question to find out.
		r.log.Debug("the NATS server does not tell how far the group is", "error", err)
		return false, nil
	}
	if info.AckFloor.Stream >= r.feed.last {
		return true, io.EOF
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delivered := info.NumPending == 0 || info.Delivered.Stream >= r.feed.last
	// What the server has not seen settled is all in our hands: nothing is on its way to us, handed back, or with another
	// reader. If anything changed while we asked, the two numbers do not belong together.
	if delivered && info.NumAckPending == open && r.events == before && len(r.queue) == 0 {
		return true, io.EOF
	}
	return false, nil
}
