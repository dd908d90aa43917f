package connect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	// ackTimeout is how long a server may take to acknowledge a record.
	ackTimeout = 30 * time.Second
	// maxUnacknowledged bounds the records on their way; the engine's own bound is lower unless one record becomes many.
	maxUnacknowledged = 4096
)

// A jetWriter publishes to a stream, or to the stream that a bucket is.
type jetWriter struct {
	js      jetstream.JetStream
	message func(*record.Record) (*nats.Msg, error)
	pending pending
	done    chan struct{} // closed by Close
	running sync.WaitGroup

	mu    sync.Mutex    // keeps the order of the queue that of the stream
	queue chan underway // as long as what may be under way
}

// underway is a record that waits for its acknowledgement.
type underway struct {
	subject string
	ack     jetstream.PubAckFuture
	settled func(error)
}

func newJetWriter(s *server, message func(*record.Record) (*nats.Msg, error)) (*jetWriter, error) {
	// With a client of its own, whose bound is never met: ours blocks by context.
	js, err := jetstream.New(s.Conn, jetstream.WithDefaultTimeout(attemptTimeout), jetstream.WithPublishAsyncTimeout(ackTimeout),
		jetstream.WithPublishAsyncMaxPending(2*maxUnacknowledged))
	if err != nil {
		return nil, err
	}
	w := &jetWriter{js: js, message: message, done: make(chan struct{}), queue: make(chan underway, maxUnacknowledged)}
	w.running.Go(w.settle)
	return w, nil
}

// Write implements transport.Writer.
func (w *jetWriter) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	m, err := w.message(&rec)
	if err != nil {
		return &transport.Rejected{Err: err}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	ack, err := w.js.PublishMsgAsync(m)
	if err != nil {
		return unpublished(m.Subject, err)
	}
	settled = w.pending.add(settled)
	select {
	case w.queue <- underway{m.Subject, ack, settled}:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-w.done:
		err = errClosed
	}
	settled(err) // it was handed over, and may arrive
	return nil
}

// settle takes the acknowledgements in the order of the records.
func (w *jetWriter) settle() {
	for {
		select {
		case u := <-w.queue:
			select {
			case <-u.ack.Ok():
				u.settled(nil)
			case err := <-u.ack.Err():
				u.settled(unpublished(u.subject, err))
			case <-w.done:
				u.settled(errClosed)
			}
		case <-w.done:
			for {
				select {
				case u := <-w.queue:
					u.settled(errClosed)
				default:
					return
				}
			}
		}
	}
}

// Flush implements transport.Writer.
func (w *jetWriter) Flush(ctx context.Context) error { return w.pending.wait(ctx) }

// Close implements transport.Writer.
func (w *jetWriter) Close() error {
	close(w.done)
	w.running.Wait()
	w.js.CleanupPublisher()
	return nil
}

// toStream writes to a subject that a stream takes.
func toStream(subject string) func(*record.Record) (*nats.Msg, error) {
	return func(rec *record.Record) (*nats.Msg, error) {
		m := message(subject, rec)
		setID(m, rec.ID)
		return m, nil
	}
}

// toBucket writes to a key of a bucket, or to the record's own where the key is empty. A delete removes the key.
func toBucket(bucket, key string) func(*record.Record) (*nats.Msg, error) {
	return func(rec *record.Record) (*nats.Msg, error) {
		key := key
		if key == "" {
			if key = rec.Key; !validKey(key, false) {
				return nil, errors.New("the record has no key that a bucket can have; name one in producer.kv.key")
			}
		}
		m := message("$KV."+bucket+"."+key, rec)
		if rec.Op == record.Delete {
			m.Data, m.Header = nil, nats.Header{headerOperation: []string{opDelete}}
		}
		return m, nil
	}
}

// findStream returns the stream that takes a subject. Nobody but its owner knows what it should keep, so none is made.
func findStream(ctx context.Context, s *server, subject string) (jetstream.Stream, error) {
	name, err := s.js.StreamNameBySubject(ctx, subject)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, transport.Misconfigured("no stream takes the subject %s: make one (nats stream add --subjects %s), or use core", subject, subject)
	}
	if err != nil {
		return nil, fmt.Errorf("look for the stream of %s: %w", subject, err)
	}
	return openStream(ctx, s, name)
}

// findBucket returns the stream that a bucket is.
func findBucket(ctx context.Context, s *server, bucket string) (jetstream.Stream, error) {
	if _, err := s.js.KeyValue(ctx, bucket); errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, transport.Misconfigured("there is no bucket %s: make it (nats kv add %s)", bucket, bucket)
	} else if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	return openStream(ctx, s, "KV_"+bucket)
}

func openStream(ctx context.Context, s *server, name string) (jetstream.Stream, error) {
	opened, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", name, err)
	}
	return opened, nil
}

var _ transport.Writer = (*jetWriter)(nil)
