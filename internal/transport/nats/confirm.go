package nats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// confirmWait is how long the server may take to confirm acknowledgements before they are sent again.
const confirmWait = time.Second

// A ring keeps the newest values that were added, as many as a group may hold unsettled records.
type ring[T comparable] struct {
	values []T
	next   int       // where the next one goes once there are as many as are kept
	counts map[T]int // of values; nil until somebody asks, which is rare, so that adding costs nothing before
}

// add adds a value, in place of the oldest if there are limit of them.
func (r *ring[T]) add(value T, limit int) {
	if r.counts != nil {
		r.counts[value]++
	}
	if len(r.values) < limit {
		r.values = append(r.values, value)
		return
	}
	if oldest := r.values[r.next]; r.counts != nil {
		if r.counts[oldest]--; r.counts[oldest] == 0 {
			delete(r.counts, oldest)
		}
	}
	r.values[r.next] = value
	r.next = (r.next + 1) % len(r.values)
}

// take returns what there is, and forgets it.
func (r *ring[T]) take() []T {
	values := r.values
	*r = ring[T]{}
	return values
}

// has reports whether a value is kept. From the first call on, that takes the same time however many are.
func (r *ring[T]) has(value T) bool {
	if r.counts == nil {
		r.counts = make(map[T]int, len(r.values))
		for _, v := range r.values {
			r.counts[v]++
		}
	}
	return r.counts[value] > 0
}

// repeat acknowledges the recent ones again, after a connection was lost that may have taken some along: the server would wait
// for them until it loses patience, hold others back meanwhile, and then deliver them again.
func (r *reader) repeat() {
	r.mu.Lock()
	replies := slices.Clone(r.recent.values)
	r.mu.Unlock()
	for _, reply := range replies {
		if err := r.conn.nc.Publish(reply, ackDone); err != nil {
			r.log.Debug("acknowledgements are not repeated", "topic", r.conn.cfg.Topic, "error", err)
			return
		}
	}
}

// acknowledged notes that the server was told. The mutex is held, as it is for toldLate.
func (r *reader) acknowledged(d *delivery) {
	r.recent.add(d.newest, r.opts.MaxInFlight)
	r.history.add(d.sequence(), r.opts.MaxInFlight)
	r.settled(d)
}

// toldLate does the same where the server may have sent the message again before.
func (r *reader) toldLate(d *delivery) {
	r.recent.add(d.newest, r.opts.MaxInFlight)
	d.told = true
}

// confirm makes sure that the server has processed the recent acknowledgements. How far it is without a gap tells that of nearly
// all. To the others it is asked to answer, again and again until it has, or ctx ends. To acknowledge twice does no harm.
func (r *reader) confirm(ctx context.Context) error {
	r.mu.Lock()
	open, consumer := r.recent.take(), r.feed.consumer
	r.mu.Unlock()
	if len(open) == 0 { // what else was published, such as a message that was handed back, has arrived by then
		return r.conn.nc.FlushWithContext(ctx)
	}
	for {
		floor, err := settledUpTo(ctx, consumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
			r.log.Debug("the consumer is gone before it confirmed acknowledgements", "topic", r.conn.cfg.Topic, "records", len(open))
			return nil
		}
		open = slices.DeleteFunc(open, func(reply string) bool {
			p, ok := parsePlace(reply)
			return ok && p.sequence <= floor
		})
		open, err = r.conn.request(ctx, open, ackDone)
		if len(open) == 0 {
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, natsgo.ErrConnectionClosed) {
			r.mu.Lock()
			for _, reply := range open { // for the next Flush
				r.recent.add(reply, r.opts.MaxInFlight)
			}
			r.mu.Unlock()
			if err == nil {
				err = ctx.Err()
			}
			return fmt.Errorf("%d of them are not confirmed: %w", len(open), err)
		}
		if err != nil {
			r.log.Debug("acknowledgements are not confirmed yet", "topic", r.conn.cfg.Topic, "records", len(open), "error", err)
			select {
			case <-time.After(flushRetry):
			case <-ctx.Done():
			}
		}
	}
}

// settledUpTo returns the number up to which the server has processed the acknowledgements of all records: in a cluster, those
// that most of its servers have. It is 0 with an error.
func settledUpTo(ctx context.Context, consumer jetstream.Consumer) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmWait)
	defer cancel()
	info, err := consumer.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

// request publishes data to each subject, waits some time for the answers and returns the subjects that had none. An error
// says why it did not wait.
func (c *Conn) request(ctx context.Context, subjects []string, data []byte) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmWait)
	defer cancel()
	prefix := c.nc.NewInbox() + "."
	sub, err := c.nc.SubscribeSync(prefix + "*")
	if err != nil {
		return subjects, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only without a connection, and then there is nothing to end
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return subjects, err
	}
	open := make(map[string]string, len(subjects)) // by the subject of the answer
	for i, subject := range subjects {
		reply := prefix + strconv.Itoa(i)
		if err := c.nc.PublishMsg(&natsgo.Msg{Subject: subject, Reply: reply, Data: data}); err != nil {
			return subjects, err
		}
		open[reply] = subject
	}
	for waiting := len(open); waiting > 0; waiting-- {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case err == nil:
			delete(open, m.Subject)
		case errors.Is(err, natsgo.ErrNoResponders): // nobody listens there, at present at least
		case ctx.Err() != nil:
			return slices.Collect(maps.Values(open)), nil
		default:
			return slices.Collect(maps.Values(open)), err
		}
	}
	return slices.Collect(maps.Values(open)), nil
}
