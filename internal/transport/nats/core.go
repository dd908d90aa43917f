package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A coreReader receives what is published to a plain subject while it listens, at most once.
type coreReader struct {
	sub   *natsgo.Subscription
	topic string
	most  int // bytes that one Read returns, or so
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
	return &coreReader{sub: sub, topic: c.cfg.Topic, most: o.MaxBytes}, nil
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
	out, size := []transport.Message{r.message(m)}, m.Size()
	deadline := time.Now().Add(wait)
	for len(out) < limit && size < r.most {
		m, err := r.sub.NextMsg(max(0, time.Until(deadline)))
		if err != nil {
			break // what was received is handed over first; an error that lasts is met by the next call
		}
		out, size = append(out, r.message(m)), size+m.Size()
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

var _ transport.Reader = (*coreReader)(nil)
