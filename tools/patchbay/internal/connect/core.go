package connect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A coreReader receives what is published to a subject while it listens, at most once.
type coreReader struct {
	sub *nats.Subscription
}

func newCoreReader(s *server, at *place) (*coreReader, error) {
	var sub *nats.Subscription
	var err error
	if at.Queue != "" {
		sub, err = s.QueueSubscribeSync(at.Subject, at.Queue)
	} else {
		sub, err = s.SubscribeSync(at.Subject)
	}
	if err == nil {
		err = s.FlushTimeout(attemptTimeout) // the server knows of it
	}
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", at.Subject, err)
	}
	return &coreReader{sub}, nil
}

// Read implements transport.Reader.
func (r *coreReader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	m, err := r.sub.NextMsgWithContext(ctx)
	for errors.Is(err, nats.ErrSlowConsumer) { // some are lost, as the log has said; what is still there comes next
		m, err = r.sub.NextMsgWithContext(ctx)
	}
	switch {
	case errors.Is(err, nats.ErrBadSubscription), errors.Is(err, nats.ErrConnectionClosed):
		return nil, &transport.Broken{Err: err}
	case err != nil:
		return nil, err
	}
	out := []transport.Message{coreMessage(m)}
	deadline := time.Now().Add(wait)
	for len(out) < limit {
		m, err := r.sub.NextMsg(max(0, time.Until(deadline)))
		if err != nil {
			break // an error that lasts is met by the next call
		}
		out = append(out, coreMessage(m))
	}
	return out, nil
}

func coreMessage(m *nats.Msg) transport.Message {
	rec := newRecord(m.Subject, m.Header, m.Data)
	rec.Time = time.Now()
	return transport.Message{Record: rec, Ack: func() error { return nil }}
}

// Flush returns at once: there are no acknowledgements.
func (r *coreReader) Flush(context.Context) error { return nil }

// Close ends the subscription.
func (r *coreReader) Close() error {
	if err := r.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return err
	}
	return nil
}

var _ transport.Reader = (*coreReader)(nil)
