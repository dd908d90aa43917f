package nats

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	// ackWait is how long a message may be open before the server delivers it again. The keeper begins the time anew.
	ackWait = 10 * time.Second
	// prefetchBytes bounds what is fetched ahead: enough for 20 MB a second where an answer takes 50 ms, and little beside what a
	// process takes at rest.
	prefetchBytes = 2 << 20
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
	// MaxBytes bounds what one Read returns, and what is fetched ahead of it, in bytes of memory or so: a Read ends with the message
	// that reaches it. 0 means no limit. Never more than 2 MiB are fetched ahead; one message that is larger comes by itself.
	MaxBytes int
}

// Reader returns the consuming end of the topic. It makes the stream and the group's consumer where there are none, so that
// a reader may come before the first writer.
//
// Messages are fetched ahead, and kept from redelivery until they are acknowledged. Before the first Read nothing is fetched, so
// that a reader that has to wait for its turn holds nothing back from the group. What the server delivers again all the same,
// after an outage say, is not returned again. With Once, Read returns io.EOF when every record there was at the start
// is acknowledged or was returned by this reader: records that the caller still holds do not keep it from its end.
//
// When the stream or the consumer is deleted, or the server asks for it to be reached anew, a Read says so once. The next
// one makes again what is missing and goes on; what was not acknowledged before is delivered again, and where the stream
// is a new one, everything in it is. Only a connection that was closed, or the Close of the reader, is a transport.Broken.
func (c *Conn) Reader(ctx context.Context, o ReaderOptions) (transport.Reader, error) {
	if o.Group == "" {
		return nil, transport.Misconfigured("a reader needs a group")
	}
	if o.From != "" && o.From != "earliest" && o.From != "latest" {
		return nil, transport.Misconfigured("from %q is not known: say earliest or latest", o.From)
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = math.MaxInt
	}
	if c.target.core {
		return c.coreReader(o)
	}
	most := o.MaxBytes
	o.MaxBytes = min(most, prefetchBytes)
	r := &reader{
		conn: c, log: c.log, opts: o, most: most, wake: make(chan struct{}, 1), done: make(chan struct{}),
		unsettled: map[uint64]*delivery{},
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	r.keeper.Go(r.keep)
	changed := c.nc.StatusChanged(natsgo.CONNECTED, natsgo.RECONNECTING, natsgo.CLOSED)
	r.keeper.Go(func() { r.attend(changed) })
	return r, nil
}

// A reader fetches from a durable consumer.
type reader struct {
	conn   *Conn
	log    *slog.Logger
	opts   ReaderOptions // MaxBytes is what is fetched ahead
	most   int           // the weight of what one Read returns, or so
	taken  int           // the weight of what the Read under way has taken; used by Read only
	stale  bool          // a Read has returned err, so the next one opens anew; used by Read only
	wake   chan struct{} // something changed for Read
	done   chan struct{} // closed by Close
	keeper sync.WaitGroup

	mu        sync.Mutex
	feed      *feed                // written by open, so by Read only once there is one
	queue     []*delivery          // received and not yet returned
	late      []*delivery          // with Once: received, but beyond the end of the pass
	waiting   int                  // the weight of queue
	begun     bool                 // there was a Read
	want      int                  // messages that a Read waits for
	pending   uint64               // what the server has not sent yet, as far as known
	asked     time.Time            // when the server was last asked for that number
	unsettled map[uint64]*delivery // received and not yet settled, by the number in the stream
	events    uint64               // counts everything that changes unsettled
	err       error                // what is wrong with the feed
	broken    error                // what every Read returns from now on
	closed    bool
	away      bool // the connection is, so that nothing can be asked for

	// The subjects of recent acknowledgements, which Flush asks the server to confirm: they were published, and what is
	// published may be lost on its way, with a server of a cluster above all. The rest is older than as many records as a group
	// may hold unsettled; had one of those been lost, the server would have stopped before and delivered it again.
	recent ring[string]
	// The numbers of records that were acknowledged: what of them the server sent again before it heard of that is not taken
	// for new. Looking is rare, so that it costs nothing but a number a record.
	history ring[uint64]
}

func (r *reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	var (
		out   []*delivery
		over  <-chan time.Time // fires when the wait is over, once there is something to return
		tick  <-chan time.Time // with once: fires when it is time to ask whether the pass is done
		pause = onceTick
		ask   bool
	)
	if err := r.reopen(ctx); err != nil {
		return nil, err
	}
	if r.opts.Once {
		if ask = r.sent(); ask {
			pause = onceSoon
		}
		tick = time.After(pause)
	}
	r.taken = 0
	for {
		if len(out) == 0 {
			if err := r.trouble(); err != nil {
				return nil, err
			}
		}
		out = r.take(out, limit-len(out))
		switch {
		case len(out) >= limit, r.taken >= r.most, len(out) > 0 && (wait <= 0 || r.opts.Once && r.sent()):
			return r.messages(out), nil
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
			return r.messages(r.take(out, limit-len(out))), nil
		case <-tick:
			ask, pause = len(out) == 0, min(2*pause, onceTick)
			tick = time.After(pause)
		case <-ctx.Done():
			if out = r.take(out, limit-len(out)); len(out) > 0 {
				return r.messages(out), nil
			}
			return nil, ctx.Err()
		}
	}
}

// take appends up to n queued messages, within what a Read may weigh, and notes how many a Read waits for that has too few.
func (r *reader) take(out []*delivery, n int) []*delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.queue[:min(n, len(r.queue))]
	for i, d := range taken {
		if r.taken >= r.most {
			taken = taken[:i]
			break
		}
		weight := d.weight()
		r.taken, r.waiting = r.taken+weight, r.waiting-weight
	}
	out = append(out, taken...)
	clear(taken)
	r.queue = r.queue[len(taken):]
	if r.want = 1; len(out) > 0 { // its wait has begun
		r.want = n - len(taken)
	}
	r.begun = true
	r.ask()
	return out
}

// enough reports whether to wake a Read: it has all it waits for, or once it has taken what is there more can be asked for. To
// wake it for each message would cost more than the message. The mutex is held.
func (r *reader) enough() bool {
	return len(r.queue) >= r.want || 4*len(r.queue) >= r.opts.MaxInFlight || 4*r.waiting >= r.opts.MaxBytes || r.opts.Once && r.pending == 0
}

// messages makes what Read returns.
func (r *reader) messages(taken []*delivery) []transport.Message {
	out := make([]transport.Message, len(taken))
	for i, d := range taken {
		out[i] = r.message(d)
	}
	return out
}

func (r *reader) message(d *delivery) transport.Message {
	rec, err := decode(d.msg.Header, d.msg.Data)
	if err != nil {
		// A foreign message that is nearly a CloudEvent: better delivered as it is than never.
		r.log.Warn("a message is taken as it is", "topic", r.conn.cfg.Topic, "sequence", d.sequence(), "error", err)
		rec = record.Record{Value: d.msg.Data}
	}
	if rec.ID == "" {
		rec.ID = fmt.Sprintf("%s:%d", d.feed.consumer.CachedInfo().Stream, d.sequence())
	}
	if rec.Time.IsZero() {
		rec.Time = time.Unix(0, d.place.time)
	}
	return transport.Message{
		Record:  rec,
		Attempt: int(d.place.attempt),
		Ack:     func() error { return r.ack(d) },
	}
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
	f, sub := r.feed, r.feed.sub
	r.mu.Unlock()
	close(r.done)
	r.signal()
	r.keeper.Wait()
	if sub == nil {
		return nil
	}
	drain(sub)
	if r.conn.Healthy() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	select {
	case <-f.drained:
	case <-ctx.Done():
	}
	return r.handBack(ctx)
}

var _ transport.Reader = (*reader)(nil)
