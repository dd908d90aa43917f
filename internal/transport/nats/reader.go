package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	// ackWait is how long a message may be open before the server delivers it again. Extend begins the time anew.
	ackWait = 30 * time.Second
	// prefetchBytes bounds what is asked for in advance, unless one message alone may be larger.
	prefetchBytes = 32 << 20
	// heartbeat is how often the server shows that it still knows of a waiting reader; after two missed ones it is asked anew.
	heartbeat = 5 * time.Second
	// drainTimeout bounds the round trip with which a reader closes.
	drainTimeout = 2 * time.Second
)

// ReaderOptions says who reads and from where.
type ReaderOptions struct {
	// Group names the readers that share the topic's records and remember together how far they are.
	Group string
	// From is where a group begins that has never read before: "earliest", the default, or "latest".
	From string
	// Once ends the pass at what is the last record when it begins.
	Once bool
	// MaxInFlight bounds the messages that the group has received and not settled. 0 means DefaultMaxInFlight.
	MaxInFlight int
}

// Reader returns the consuming end of the topic. It makes the stream and the group's consumer where there are none, so that
// a reader may come before the first writer.
//
// Messages are fetched ahead, and kept from redelivery while they wait. With Once, Read returns io.EOF when every record
// there was at the start is acknowledged, or was returned by this reader and not handed back by Nack: records that the
// caller still holds do not keep it from its end, and if one of them is handed back later, Read may be called again and
// returns it.
//
// When the stream or the consumer is deleted, or the server asks for it to be reached anew, a Read says so once. The next
// one makes again what is missing and goes on; what was not acknowledged before is delivered again, and where the stream
// is a new one, everything in it is. Only a connection that was closed, or the Close of the reader, is a transport.Broken.
func (c *Conn) Reader(ctx context.Context, o ReaderOptions) (transport.Reader, error) {
	if o.Group == "" {
		return nil, misconfigured("a reader needs a group")
	}
	if o.From != "" && o.From != "earliest" && o.From != "latest" {
		return nil, misconfigured("from %q is not known: say earliest or latest", o.From)
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if c.target.core {
		return c.coreReader(o)
	}
	r := &reader{
		conn: c, log: c.log, opts: o, wake: make(chan struct{}, 1), done: make(chan struct{}),
		unsettled: map[*delivery]struct{}{},
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	r.keeper.Go(r.keep)
	return r, nil
}

// A reader fetches from a durable consumer.
type reader struct {
	conn   *Conn
	log    *slog.Logger
	opts   ReaderOptions
	stale  bool          // a Read has returned err, so the next one opens anew; used by Read only
	wake   chan struct{} // something changed for Read
	done   chan struct{} // closed by Close
	keeper sync.WaitGroup

	mu        sync.Mutex
	feed      *feed                  // written by open, so by Read only once there is one
	queue     []*delivery            // received and not yet returned
	late      []*delivery            // with Once: received, but beyond the end of the pass
	unsettled map[*delivery]struct{} // received and not yet settled
	events    uint64                 // counts everything that changes unsettled
	err       error                  // what is wrong with the feed
	broken    error                  // what every Read returns from now on
	closed    bool
}

// A delivery is a message that the server has sent and that is not settled.
type delivery struct {
	origin  origin
	msg     jetstream.Msg
	meta    *jetstream.MsgMetadata
	settled atomic.Bool
}

func (r *reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	var (
		out  []transport.Message
		over <-chan time.Time // fires when the wait is over, once there is something to return
		tick <-chan time.Time // with once: fires when it is time to ask whether the pass is done
		ask  = r.opts.Once
	)
	if err := r.reopen(ctx); err != nil {
		return nil, err
	}
	if r.opts.Once {
		ticker := time.NewTicker(onceTick)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		if len(out) == 0 {
			if err := r.trouble(); err != nil {
				return nil, err
			}
		}
		out = append(out, r.take(limit-len(out))...)
		switch {
		case len(out) >= limit, len(out) > 0 && wait <= 0:
			return out, nil
		case len(out) > 0 && over == nil:
			timer := time.NewTimer(wait)
			defer timer.Stop()
			over = timer.C
		case len(out) == 0 && ask:
			ask = false
			if finished, err := r.finished(ctx); finished || err != nil {
				return nil, err
			}
		}
		select {
		case <-r.wake:
		case <-over:
			return out, nil
		case <-tick:
			ask = len(out) == 0
		case <-ctx.Done():
			if len(out) > 0 {
				return out, nil
			}
			return nil, ctx.Err()
		}
	}
}

// take returns up to n queued messages.
func (r *reader) take(n int) []transport.Message {
	r.mu.Lock()
	n = min(n, len(r.queue))
	taken := r.queue[:n:n]
	r.queue = r.queue[n:]
	r.mu.Unlock()
	if n == 0 {
		return nil
	}
	out := make([]transport.Message, n)
	for i, d := range taken {
		out[i] = r.message(d)
	}
	return out
}

func (r *reader) message(d *delivery) transport.Message {
	rec, err := decode(d.msg.Headers(), d.msg.Data())
	if err != nil {
		// A foreign message that is nearly a CloudEvent: better delivered as it is than never.
		r.log.Warn("a message is taken as it is", "topic", r.conn.cfg.Topic, "sequence", d.meta.Sequence.Stream, "error", err)
		rec = record.Record{Value: d.msg.Data()}
	}
	if rec.ID == "" {
		rec.ID = fmt.Sprintf("%s:%d", d.meta.Stream, d.meta.Sequence.Stream)
	}
	if rec.Time.IsZero() {
		rec.Time = d.meta.Timestamp
	}
	return transport.Message{
		Record:  rec,
		Attempt: int(d.meta.NumDelivered),
		Ack:     func() error { return r.settle(d, d.msg.Ack) },
		Nack: func(delay time.Duration) error {
			return r.settle(d, func() error { return d.msg.NakWithDelay(delay) })
		},
		Extend: func() error { return r.extend(d) },
	}
}

// errForgotten says that an answer would mean nothing, or another record.
var errForgotten = errors.New("its consumer is gone, so that it may be delivered again")

// settle tells the server once. If it cannot be told, the message is delivered again.
func (r *reader) settle(d *delivery, tell func() error) error {
	if d.settled.Swap(true) {
		return nil
	}
	err := errForgotten
	if r.isKnown(d) {
		err = tell()
		r.mu.Lock()
		delete(r.unsettled, d)
		r.events++
		r.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("settle a message of %s: %w", r.conn.cfg.Topic, r.conn.explain(err))
	}
	return nil
}

func (r *reader) extend(d *delivery) error {
	if !r.isKnown(d) {
		return errForgotten
	}
	return d.msg.InProgress()
}

// isKnown reports whether the consumer that sent a message is still the one that is read.
func (r *reader) isKnown(d *delivery) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return d.origin == r.feed.origin
}

// keep begins the time of waiting messages anew, so that the server does not deliver them twice to a slow caller.
func (r *reader) keep() {
	for {
		r.mu.Lock()
		every := r.feed.consumer.CachedInfo().Config.AckWait / 3
		r.mu.Unlock()
		timer := time.NewTimer(max(every, time.Millisecond))
		select {
		case <-timer.C:
		case <-r.done:
			timer.Stop()
			return
		}
		r.mu.Lock()
		waiting := slices.Concat(r.queue, r.late)
		r.mu.Unlock()
		for _, d := range waiting {
			if err := d.msg.InProgress(); err != nil {
				break // not connected; the server will deliver again
			}
		}
	}
}

// Flush blocks until the server has received every acknowledgement given before the call, or ctx ends.
func (r *reader) Flush(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	if err := r.conn.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("confirm acknowledgements: %w", r.conn.explain(err))
	}
	return nil
}

// Close stops fetching and hands back what is not settled, so that the next reader need not wait for the server's time limit.
// It does so in order; the server keeps that order for the most part, as it takes answers in its own time. That takes some round trips to the server, and two seconds at most.
func (r *reader) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	r.broken = &transport.Broken{Err: fmt.Errorf("read %s: %w", r.conn.cfg.Topic, io.ErrClosedPipe)}
	consume := r.feed.consume
	r.mu.Unlock()
	close(r.done)
	r.signal()
	r.keeper.Wait()
	if consume == nil {
		return nil
	}
	// Drained rather than stopped: what the server has sent by the time it hears of the end still reaches receive.
	consume.Drain()
	if r.conn.Healthy() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	select {
	case <-consume.Closed():
	case <-ctx.Done():
	}
	return r.handBack(ctx)
}

// handBack lets the server deliver again what is not settled. Nothing may be fetched any more: the server would send it here.
func (r *reader) handBack(ctx context.Context) error {
	r.mu.Lock()
	open := slices.SortedFunc(maps.Keys(r.unsettled), func(a, b *delivery) int {
		return cmp.Compare(a.meta.Sequence.Stream, b.meta.Sequence.Stream)
	})
	r.queue, r.late = nil, nil
	consumer := r.feed.consumer
	r.mu.Unlock()
	if len(open) == 0 {
		return nil
	}
	// Asked for its state, the server forgets requests whose sender has gone. Else it would try to answer the last one with
	// the first record that is handed back, and then queue that record behind the others.
	if _, err := consumer.Info(ctx); err != nil {
		r.log.Debug("the consumer does not tell its state", "error", err)
	}
	for _, d := range open {
		if err := r.settle(d, d.msg.Nak); err != nil {
			r.log.Debug("a message could not be handed back and comes later", "error", err)
			return nil
		}
	}
	return r.Flush(ctx)
}

var _ transport.Reader = (*reader)(nil)
