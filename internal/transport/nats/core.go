package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A coreWriter publishes to a plain subject. Such a server acknowledges nothing by itself, so records are settled by a
// round trip on the same connection: what precedes it has reached the server. Write returns a transport.Rejected for a
// record that is larger than the server takes.
type coreWriter struct {
	conn      *Conn
	encode    encoder
	window    *window
	kick      chan struct{} // something was published since the last round trip
	cancel    context.CancelFunc
	confirmer sync.WaitGroup

	mu        sync.Mutex
	published []published
}

// published is a record that waits for a round trip.
type published struct {
	n          uint64
	reconnects uint64 // that there had been before it was published
}

func (c *Conn) coreWriter() (transport.Writer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &coreWriter{
		conn: c, encode: c.encoder(), window: newWindow(c.cfg.MaxInFlight, c.cfg.StopAtFailure), kick: make(chan struct{}, 1), cancel: cancel,
	}
	c.track(w.window)
	w.confirmer.Go(func() { w.confirm(ctx) })
	return w, nil
}

func (w *coreWriter) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	msg := natsgo.Msg{Subject: w.conn.cfg.Topic}
	w.encode(&rec, &msg)
	n, err := w.window.add(ctx, settled)
	if err != nil {
		return err
	}
	p := published{n: n, reconnects: w.conn.nc.Stats().Reconnects}
	if err := w.conn.nc.PublishMsg(&msg); err != nil {
		return w.window.takeBack(n, w.conn.unpublished(err))
	}
	w.mu.Lock()
	w.published = append(w.published, p)
	w.mu.Unlock()
	select {
	case w.kick <- struct{}{}:
	default:
	}
	return nil
}

// Resume implements transport.Resumer.
func (w *coreWriter) Resume() { w.window.resume() }

// confirm makes one round trip after the other while there is something to settle.
func (w *coreWriter) confirm(ctx context.Context) {
	for {
		select {
		case <-w.kick:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		batch := w.published
		w.published = nil
		w.mu.Unlock()
		err := w.roundTrip(ctx)
		now := w.conn.nc.Stats().Reconnects
		for _, p := range batch {
			fate := err
			if fate == nil && p.reconnects != now {
				fate = natsgo.ErrDisconnected // the answer says nothing about what went out on an earlier connection
			}
			if fate != nil {
				fate = w.conn.unpublished(fate)
			}
			w.window.settle(p.n, fate)
		}
	}
}

func (w *coreWriter) roundTrip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return w.conn.nc.FlushWithContext(ctx)
}

// Flush blocks until every record written before the call is settled, or ctx ends.
func (w *coreWriter) Flush(ctx context.Context) error { return w.window.wait(ctx) }

// Close settles what is under way with an error. The connection stays.
func (w *coreWriter) Close() error {
	w.cancel()
	w.window.close(errWriterClosed)
	w.confirmer.Wait()
	w.conn.untrack(w.window)
	return nil
}

// A coreReader receives what is published to a plain subject while it listens, at most once.
type coreReader struct {
	sub   *natsgo.Subscription
	topic string
}

func (c *Conn) coreReader(o ReaderOptions) (transport.Reader, error) {
	if o.Once {
		return nil, transport.Misconfigured("topic %s: a plain NATS subject has no end, so one pass over it is not possible", c.cfg.Topic)
	}
	sub, err := c.nc.QueueSubscribeSync(c.cfg.Topic, o.Group)
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", c.cfg.Topic, c.explain(err))
	}
	c.log.Info("plain subjects deliver at most once: what is sent while nobody of the group listens, and what is not yet "+
		"written when it ends, is lost", "topic", c.cfg.Topic, "group", o.Group)
	return &coreReader{sub: sub, topic: c.cfg.Topic}, nil
}

func (r *coreReader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	m, err := r.sub.NextMsgWithContext(ctx)
	// Too many were waiting and some are lost; what is still there comes next. The connection's log has said so.
	for errors.Is(err, natsgo.ErrSlowConsumer) {
		m, err = r.sub.NextMsgWithContext(ctx)
	}
	switch {
	case errors.Is(err, natsgo.ErrBadSubscription), errors.Is(err, natsgo.ErrConnectionClosed):
		return nil, &transport.Broken{Err: fmt.Errorf("read %s: %w", r.topic, io.ErrClosedPipe)}
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", r.topic, err)
	}
	out := []transport.Message{r.message(m)}
	deadline := time.Now().Add(wait)
	for len(out) < limit {
		m, err := r.sub.NextMsg(max(0, time.Until(deadline)))
		if err != nil {
			break // what was received is handed over first; an error that lasts is met by the next call
		}
		out = append(out, r.message(m))
	}
	return out, nil
}

func (r *coreReader) message(m *natsgo.Msg) transport.Message {
	rec, err := decode(m.Header, m.Data)
	if err != nil {
		rec = record.Record{Value: m.Data} // a foreign message that is nearly a CloudEvent: better as it is than lost
	}
	if rec.Time.IsZero() {
		rec.Time = time.Now()
	}
	return transport.Message{Record: rec, Ack: func() error { return nil }}
}

// Flush returns at once: there are no acknowledgements.
func (r *coreReader) Flush(context.Context) error { return nil }

// Close ends the subscription.
func (r *coreReader) Close() error {
	if err := r.sub.Unsubscribe(); err != nil && !errors.Is(err, natsgo.ErrConnectionClosed) &&
		!errors.Is(err, natsgo.ErrBadSubscription) {
		return fmt.Errorf("close the reader: %w", err)
	}
	return nil
}

var (
	_ transport.Writer = (*coreWriter)(nil)
	_ transport.Reader = (*coreReader)(nil)
)
