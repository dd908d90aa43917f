package nats

import (
	"context"
	"errors"
	"time"
)

const (
	// stallAfter is how long the oldest record may be unanswered before new ones are held back. Electing a leader takes a
	// cluster longer than that.
	stallAfter = time.Second
	stallTick  = stallAfter / 4
	// stallGrace is how long answers may take once the stream is seen to be led again.
	stallGrace = time.Second
)

// errTakenAlong says why nobody answers for a record that was sent.
var errTakenAlong = errors.New("the stream has not answered, and has another leader perhaps: what was on its way to the old " +
	"one is lost")

// watch looks after records without an answer, until ctx ends. While the oldest one gets none, new ones are held
// back: a server that went down took it along, and they would overtake it. Once the stream answers for itself again, those
// that still have no answer never will.
func (p *streamPublisher) watch(ctx context.Context) {
	ticker := time.NewTicker(stallTick)
	defer ticker.Stop()
	var (
		oldest uint64
		since  time.Time
		held   bool
	)
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		p.window.failBefore(now.Add(-ackTimeout), errNoAck)
		n, waits := p.window.oldest()
		switch {
		case held && waits: // also when some have an answer by now: those behind them may have been lost
			p.settleLost(ctx)
		case !waits || n != oldest:
			oldest, since, held = n, now, false
			p.window.release()
		case now.Sub(since) >= stallAfter:
			held = true
			p.window.holdBack()
		}
	}
}

// settleLost fails what was sent before now if the stream is led, by whichever server of a cluster or by one that is alone, and
// does not answer for it. What the server is merely slow with is written again, and dropped there by its id.
func (p *streamPublisher) settleLost(ctx context.Context) {
	asked := time.Now()
	asking, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	stream, err := p.Stream(asking)
	if err != nil || stream.CachedInfo().Cluster == nil { // nobody answers, or nobody says who leads
		return
	}
	grace := time.NewTimer(stallGrace)
	defer grace.Stop()
	select {
	case <-grace.C:
		p.window.failBefore(asked, errTakenAlong)
	case <-ctx.Done():
	}
}
