package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A delivery is a message that the server has sent and that is not settled.
type delivery struct {
	feed   *feed // that it came from
	msg    *natsgo.Msg
	place  place
	newest string // the subject to answer to, of the last time that it was delivered; guarded by the reader's mutex
	acked  bool   // the caller is done with it; guarded likewise
	told   bool   // the server was told so late that it may have sent it again; guarded likewise
	held   bool   // it is among the reader's unsettled ones, which is cheaper to know than to look up; guarded likewise
}

func (d *delivery) sequence() uint64 { return d.place.sequence }

// weight estimates the memory that the message takes.
func (d *delivery) weight() int { return len(d.msg.Data) + 512 }

// hold notes a message that is not settled. It reports false for one that was held already: the server has lost patience, as
// it does when there was no connection to ask for more time, and what the caller has is still good.
func (r *reader) hold(d *delivery) bool {
	held := r.unsettled[d.sequence()]
	if held == nil {
		r.unsettled[d.sequence()], d.held = d, true
		return true
	}
	held.newest, held.told = d.newest, false
	return false
}

// What a message can be answered with.
var (
	ackDone     = []byte("+ACK")
	ackBack     = []byte("-NAK") // to be delivered again
	ackProgress = []byte("+WPI")
)

// errForgotten says that an answer would mean nothing, or another record.
var errForgotten = errors.New("its consumer is gone, so that it may be delivered again")

// ack tells the server once. If it cannot be reached now it is told later.
func (r *reader) ack(d *delivery) error {
	r.mu.Lock()
	again, known, held := d.acked, d.feed.origin == r.feed.origin, d.held
	d.acked = true
	r.mu.Unlock()
	switch {
	case again:
		return nil
	case !known:
		return fmt.Errorf("acknowledge a message of %s: %w", r.conn.cfg.Topic, errForgotten)
	case !held: // Close has handed it back
		return nil
	}
	err := r.answer(d, ackDone, r.acknowledged)
	if err != nil && !errors.Is(err, natsgo.ErrConnectionClosed) {
		r.log.Debug("an acknowledgement waits for the connection", "topic", r.conn.cfg.Topic, "error", err)
		return nil
	}
	return err
}

// answer tells the server what became of a message, and then calls done with the mutex held.
func (r *reader) answer(d *delivery, word []byte, done func(*delivery)) error {
	r.mu.Lock()
	reply := d.newest
	r.mu.Unlock()
	if err := r.conn.nc.Publish(reply, word); err != nil {
		return fmt.Errorf("settle a message of %s: %w", r.conn.cfg.Topic, r.conn.explain(err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.held {
		done(d)
		r.events++
	}
	return nil
}

func (r *reader) settled(d *delivery) {
	d.held = false
	delete(r.unsettled, d.sequence())
}

// keep begins the time of unsettled messages anew, so that the server does not deliver them twice to a slow caller.
func (r *reader) keep() {
	var told []*delivery // by the time before
	connected := r.conn.nc.StatusChanged(natsgo.CONNECTED)
	defer r.conn.nc.RemoveStatusListener(connected)
	for {
		r.mu.Lock()
		every := patience(r.feed.consumer.CachedInfo().Config) / 3
		r.mu.Unlock()
		timer := time.NewTimer(max(every, time.Millisecond))
		select {
		case <-timer.C:
		case <-connected:
			timer.Stop()
			r.repeat()
			continue
		case <-r.done:
			timer.Stop()
			return
		}
		r.mu.Lock()
		for _, d := range told {
			if d.told && d.held {
				r.settled(d)
			}
		}
		r.mu.Unlock()
		if r.acknowledge() != nil {
			continue // not connected; what the server delivers again meanwhile is not taken for new
		}
		told = r.held(func(d *delivery) bool { return d.told })
		for _, d := range r.held(isOpen) {
			if err := r.conn.nc.Publish(d.msg.Reply, ackProgress); err != nil {
				break
			}
		}
	}
}

// patience is how long the server waits for an answer before it delivers a message again.
func patience(c jetstream.ConsumerConfig) time.Duration {
	if len(c.BackOff) > 0 {
		return slices.Min(c.BackOff)
	}
	return c.AckWait
}

// held returns some of the unsettled messages, in order.
func (r *reader) held(which func(*delivery) bool) []*delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*delivery
	for _, d := range r.unsettled {
		if which(d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *delivery) int { return cmp.Compare(a.sequence(), b.sequence()) })
	return out
}

func isOpen(d *delivery) bool { return !d.acked }

// acknowledge tells the server what it could not be told before.
func (r *reader) acknowledge() error {
	for _, d := range r.held(func(d *delivery) bool { return d.acked && !d.told }) {
		if err := r.answer(d, ackDone, r.toldLate); err != nil {
			return err
		}
	}
	return nil
}

// flushRetry is how long Flush waits before it looks again for a connection.
const flushRetry = 50 * time.Millisecond

// Flush blocks until the server has processed the acknowledgements given before the call, or ctx ends.
func (r *reader) Flush(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	err := r.acknowledge()
	for err != nil && !errors.Is(err, natsgo.ErrConnectionClosed) {
		select {
		case <-time.After(flushRetry):
			err = r.acknowledge()
			continue
		case <-ctx.Done():
		}
		break
	}
	if err == nil {
		err = r.confirm(ctx)
	}
	if err != nil {
		return fmt.Errorf("confirm acknowledgements: %w", r.conn.explain(err))
	}
	return nil
}

// handBack lets the server deliver again what is not settled. Nothing may be fetched any more: the server would send it here.
func (r *reader) handBack(ctx context.Context) error {
	r.mu.Lock()
	open, consumer := len(r.unsettled), r.feed.consumer
	r.queue, r.late, r.waiting = nil, nil, 0
	r.mu.Unlock()
	if open == 0 {
		return nil
	}
	// Asked for its state, the server forgets requests whose sender has gone. Else it would try to answer the last one with
	// the first record that is handed back, and then queue that record behind the others.
	if _, err := consumer.Info(ctx); err != nil {
		r.log.Debug("the consumer does not tell its state", "error", err)
	}
	err := r.acknowledge()
	for _, d := range r.held(isOpen) {
		if err == nil {
			err = r.answer(d, ackBack, r.settled)
		}
	}
	if err != nil {
		r.log.Debug("a message could not be handed back and comes later", "error", err)
		return nil
	}
	return r.Flush(ctx)
}

// forget drops everything: the server knows no more of it. The mutex is held.
func (r *reader) forget() {
	r.queue, r.late, r.waiting = nil, nil, 0
	r.recent, r.history = ring[string]{}, ring[uint64]{}
	for _, d := range r.unsettled {
		r.settled(d)
	}
	r.events++
}
