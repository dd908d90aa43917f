package connect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A coreWriter publishes to a plain subject. Nobody acknowledges that, so records are settled by a round trip on the same
// connection: what precedes it has reached the server.
type coreWriter struct {
	server  *server
	subject string
	pending pending
	kick    chan struct{} // something was published since the last round trip
	stop    context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	published []published
}

// published is a record that waits for a round trip.
type published struct {
	settled    func(error)
	reconnects uint64 // that there had been before it was published
}

func newCoreWriter(s *server, subject string) *coreWriter {
	ctx, stop := context.WithCancel(context.Background())
	w := &coreWriter{server: s, subject: subject, kick: make(chan struct{}, 1), stop: stop}
	w.running.Go(func() { w.confirm(ctx) })
	return w
}

// Write implements transport.Writer.
func (w *coreWriter) Write(_ context.Context, rec record.Record, settled func(error)) error {
	reconnects := w.server.Stats().Reconnects
	if err := w.server.PublishMsg(message(w.subject, &rec)); err != nil {
		return unpublished(w.subject, err)
	}
	w.mu.Lock()
	w.published = append(w.published, published{w.pending.add(settled), reconnects})
	w.mu.Unlock()
	select {
	case w.kick <- struct{}{}:
	default:
	}
	return nil
}

// confirm makes one round trip after the other while there is something to settle.
func (w *coreWriter) confirm(ctx context.Context) {
	for {
		select {
		case <-w.kick:
			w.settle(w.take(), w.roundTrip(ctx))
		case <-ctx.Done():
			w.settle(w.take(), errClosed)
			return
		}
	}
}

func (w *coreWriter) take() []published {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := w.published
	w.published = nil
	return batch
}

// settle is given the records that were published before the round trip, with its outcome.
func (w *coreWriter) settle(batch []published, err error) {
	now := w.server.Stats().Reconnects
	for _, p := range batch {
		fate := err
		if fate == nil && p.reconnects != now {
			fate = nats.ErrDisconnected // the answer says nothing about what went out on an earlier connection
		}
		if fate != nil {
			fate = unpublished(w.subject, fate)
		}
		p.settled(fate)
	}
}

func (w *coreWriter) roundTrip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return w.server.FlushWithContext(ctx)
}

// Flush implements transport.Writer.
func (w *coreWriter) Flush(ctx context.Context) error { return w.pending.wait(ctx) }

// Close implements transport.Writer.
func (w *coreWriter) Close() error {
	w.stop()
	w.running.Wait()
	return nil
}

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

var (
	_ transport.Writer = (*coreWriter)(nil)
	_ transport.Reader = (*coreReader)(nil)
)
