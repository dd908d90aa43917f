package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
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
func (c *Conn) Reader(ctx context.Context, o ReaderOptions) (transport.Reader, error) {
	if o.Group == "" {
		return nil, errors.New("a reader needs a group")
	}
	if o.From != "" && o.From != "earliest" && o.From != "latest" {
		return nil, fmt.Errorf("from %q is not known: say earliest or latest", o.From)
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if c.target.core {
		return c.coreReader(o)
	}
	stream, err := c.ensureStream(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{conn: c, log: c.log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if o.Once {
		if r.last, err = c.lastSequence(ctx, stream); err != nil {
			return nil, err
		}
		r.once = true
	}
	r.consumer, err = c.ensureConsumer(ctx, stream, o)
	if err != nil {
		return nil, err
	}
	r.consume, err = r.consumer.Consume(r.receive,
		jetstream.PullMaxMessagesWithBytesLimit(o.MaxInFlight, max(prefetchBytes, 2*int(c.nc.MaxPayload()))),
		jetstream.PullHeartbeat(heartbeat), jetstream.ConsumeErrHandler(r.consumeError))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.cfg.Topic, c.explain(err))
	}
	r.keeper.Go(func() { r.keep(r.consumer.CachedInfo().Config.AckWait / 3) })
	return r, nil
}

// A reader fetches from a durable consumer.
type reader struct {
	conn     *Conn
	log      *slog.Logger
	consumer jetstream.Consumer
	consume  jetstream.ConsumeContext
	once     bool
	last     uint64        // with once: the last record of the pass
	wake     chan struct{} // something changed for Read
	done     chan struct{} // closed by Close
	keeper   sync.WaitGroup

	mu     sync.Mutex
	queue  []*delivery // received and not yet returned
	late   []*delivery // with once: received, but beyond the end of the pass
	open   int         // received and not yet settled
	events uint64      // counts everything that changes open
	err    error       // why nothing more will come
	closed bool
}

// A delivery is a message that the server has sent and that is not settled.
type delivery struct {
	msg     jetstream.Msg
	meta    *jetstream.MsgMetadata
	settled atomic.Bool
}

// receive is called by the client library for each message, one after the other.
func (r *reader) receive(msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		r.fail(fmt.Errorf("read %s: %w", r.conn.cfg.Topic, err))
		return
	}
	d := &delivery{msg: msg, meta: meta}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		r.giveBack(d)
		return
	}
	r.open++
	r.events++
	if r.once && meta.Sequence.Stream > r.last {
		r.late = append(r.late, d)
	} else {
		r.queue = append(r.queue, d)
	}
	r.mu.Unlock()
	r.signal()
}

func (r *reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// consumeError hears what the client library meets. What it recovers from by itself is told to the log only.
func (r *reader) consumeError(_ jetstream.ConsumeContext, err error) {
	switch {
	case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound),
		errors.Is(err, jetstream.ErrBadRequest), errors.Is(err, jetstream.ErrConnectionClosed),
		errors.Is(err, natsgo.ErrNoResponders): // the last: the stream is gone
		r.fail(fmt.Errorf("read %s: %w", r.conn.cfg.Topic, err))
	default:
		r.log.Debug("the NATS consumer reports a problem", "topic", r.conn.cfg.Topic, "error", err)
	}
}

func (r *reader) fail(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	r.signal()
}

func (r *reader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	var (
		out  []transport.Message
		over <-chan time.Time // fires when the wait is over, once there is something to return
		tick <-chan time.Time // with once: fires when it is time to ask whether the pass is done
		ask  = r.once
	)
	if r.once {
		ticker := time.NewTicker(onceTick)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		out = append(out, r.take(limit-len(out))...)
		switch {
		case len(out) >= limit, len(out) > 0 && wait <= 0:
			return out, nil
		case len(out) > 0 && over == nil:
			timer := time.NewTimer(wait)
			defer timer.Stop()
			over = timer.C
		case len(out) == 0:
			if err := r.ended(); err != nil {
				return nil, err
			}
			if ask {
				ask = false
				if finished, err := r.finished(ctx); finished || err != nil {
					return nil, err
				}
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

func (r *reader) ended() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
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
		Extend: d.msg.InProgress,
	}
}

// settle tells the server once. If it cannot be told, the message is delivered again.
func (r *reader) settle(d *delivery, tell func() error) error {
	if d.settled.Swap(true) {
		return nil
	}
	err := tell()
	r.mu.Lock()
	r.open--
	r.events++
	r.mu.Unlock()
	if err != nil {
		return fmt.Errorf("settle a message of %s: %w", r.conn.cfg.Topic, r.conn.explain(err))
	}
	return nil
}

// keep begins the time of waiting messages anew, so that the server does not deliver them twice to a slow caller.
func (r *reader) keep(every time.Duration) {
	ticker := time.NewTicker(max(every, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-r.done:
			return
		}
		r.mu.Lock()
		waiting := append(append([]*delivery(nil), r.queue...), r.late...)
		r.mu.Unlock()
		for _, d := range waiting {
			if err := d.msg.InProgress(); err != nil {
				break // not connected; the server will deliver again
			}
		}
	}
}

// giveBack lets the server deliver a message again at once that was never returned.
func (r *reader) giveBack(d *delivery) {
	if err := d.msg.Nak(); err != nil {
		r.log.Debug("a message could not be handed back and comes later", "error", err)
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

// Close stops fetching and hands back what was fetched ahead, so that the next reader need not wait for it; that takes one
// round trip to the server. Messages that the caller holds are delivered again after the server's time limit.
func (r *reader) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	if r.err == nil {
		r.err = fmt.Errorf("read %s: %w", r.conn.cfg.Topic, io.ErrClosedPipe)
	}
	waiting := append(r.queue, r.late...)
	r.queue, r.late = nil, nil
	r.mu.Unlock()
	close(r.done)
	r.signal()
	// Drained rather than stopped: what the server has sent by the time it hears of the end still reaches receive.
	r.consume.Drain()
	for _, d := range waiting {
		r.giveBack(d)
	}
	r.keeper.Wait()
	if r.conn.Healthy() != nil {
		return nil
	}
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	select {
	case <-r.consume.Closed():
	case <-timeout.C:
	}
	return nil
}

var _ transport.Reader = (*reader)(nil)
