package connect

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	natstopic "github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// maxUnacknowledged bounds the records on their way; the engine's own bound is lower unless one record becomes many.
const maxUnacknowledged = 4096

// A writer publishes what a place on NATS takes of each record.
type writer struct {
	natstopic.Publisher
	message func(*record.Record) (*nats.Msg, error)
}

// newWriter opens a place for writing, once it is sure that it is there.
func newWriter(ctx context.Context, s *server, where plane, at *place) (transport.Writer, error) {
	// A record that is refused for a while must not come behind newer ones, least of all in a bucket, which keeps the last.
	o := natstopic.PublisherOptions{Server: s.shown, MaxInFlight: maxUnacknowledged, StopAtFailure: true}
	w := &writer{}
	switch where {
	case stream:
		o.Place, w.message = "subject "+at.Subject, toStream(at.Subject)
		o.Stream = func(ctx context.Context) (jetstream.Stream, error) { return findStream(ctx, s, at.Subject) }
	case kv:
		o.Place, w.message = "bucket "+at.Bucket, toBucket(at.Bucket, at.Key)
		o.Stream = func(ctx context.Context) (jetstream.Stream, error) { return findBucket(ctx, s, at.Bucket) }
	default:
		o.Place, w.message = "subject "+at.Subject, toSubject(at.Subject)
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	var err error
	if w.Publisher, err = natstopic.NewPublisher(ctx, s.Conn, o); err != nil {
		return nil, err
	}
	return w, nil
}

// Write implements transport.Writer.
func (w *writer) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	m, err := w.message(&rec)
	if err != nil {
		return &transport.Rejected{Err: err}
	}
	return w.Publish(ctx, m, settled)
}

// toSubject writes to a plain subject.
func toSubject(subject string) func(*record.Record) (*nats.Msg, error) {
	return func(rec *record.Record) (*nats.Msg, error) { return message(subject, rec), nil }
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

var (
	_ transport.Writer  = (*writer)(nil)
	_ transport.Resumer = (*writer)(nil)
)
