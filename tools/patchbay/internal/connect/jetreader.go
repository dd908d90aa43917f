package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/natsclient/repeats"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	// ackWait is how long a message may be open before the server delivers it again; that time begins anew every keepAlive.
	ackWait   = 30 * time.Second
	keepAlive = 10 * time.Second
	// prefetch is how many messages the client library asks for ahead of Read.
	prefetch = 256
)

// origin is what a jetReader reads.
type origin struct {
	find   func(context.Context, *server) (jetstream.Stream, error)
	filter string // the subject, which may have wildcards
	policy jetstream.DeliverPolicy
	record func(jetstream.Msg) record.Record
}

// fromStream reads a subject of a stream, from its beginning.
func fromStream(subject string) origin {
	return origin{
		find:   func(ctx context.Context, s *server) (jetstream.Stream, error) { return findStream(ctx, s, subject) },
		filter: subject, policy: jetstream.DeliverAllPolicy,
		record: func(m jetstream.Msg) record.Record { return newRecord(m.Subject(), m.Headers(), m.Data()) },
	}
}

// fromBucket reads the keys of a bucket: what each holds at first, then every change.
func fromBucket(bucket, key string) origin {
	prefix := "$KV." + bucket + "."
	if key == "" {
		key = ">"
	}
	return origin{
		find:   func(ctx context.Context, s *server) (jetstream.Stream, error) { return findBucket(ctx, s, bucket) },
		filter: prefix + key, policy: jetstream.DeliverLastPerSubjectPolicy,
		record: func(m jetstream.Msg) record.Record {
			h := m.Headers()
			rec := newRecord("", h, m.Data())
			if _, rec.Key, _ = strings.Cut(m.Subject(), prefix); rec.Key == "" {
				rec.Key = m.Subject()
			}
			if op := h.Get(headerOperation); op == opDelete || op == opPurge || h.Get(headerMarker) != "" {
				rec.Op = record.Delete
			}
			return rec
		},
	}
}

// A jetReader reads through a durable consumer, which remembers on the server what has been done. All copies of a connector
// share it. Messages are kept from redelivery until they are acknowledged.
type jetReader struct {
	server  *server
	origin  origin
	durable string
	done    chan struct{}
	keeper  sync.WaitGroup
	iter    jetstream.MessagesContext // nil where it must be opened; used by Read and Close only
	stream  string

	mu    sync.Mutex
	open  map[uint64]jetstream.Msg // returned and not acknowledged, by the number in the stream
	acked *repeats.Filter
}

// newJetReader opens the consumer, and makes it where there is none.
func newJetReader(ctx context.Context, s *server, from origin, name string) (*jetReader, error) {
	r := &jetReader{
		server: s, origin: from, done: make(chan struct{}), open: map[uint64]jetstream.Msg{}, acked: repeats.New(prefetch),
		// One that reads something else remembers something else.
		durable: legal(name) + "-" + digest(from.filter),
	}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	r.keeper.Go(r.keep)
	return r, nil
}

func (r *jetReader) start(ctx context.Context) error {
	found, err := r.origin.find(ctx, r.server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	consumer, err := found.Consumer(ctx, r.durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		consumer, err = found.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: r.durable, Description: "Patchbay, for Synadia Connect", FilterSubject: r.origin.filter,
			DeliverPolicy: r.origin.policy, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1, MaxAckPending: -1,
		})
		if errors.Is(err, jetstream.ErrConsumerExists) { // another copy was faster
			consumer, err = found.Consumer(ctx, r.durable)
		}
	}
	if err == nil {
		r.iter, err = consumer.Messages(jetstream.PullMaxMessages(prefetch))
	}
	if err != nil {
		return fmt.Errorf("read %s: consumer %s: %w", r.origin.filter, r.durable, err)
	}
	r.stream = found.CachedInfo().Config.Name
	return nil
}

// Read implements transport.Reader. After an error the next one opens the consumer anew.
func (r *jetReader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	if r.server.IsClosed() {
		return nil, &transport.Broken{Err: nats.ErrConnectionClosed}
	}
	if r.iter == nil {
		if err := r.start(ctx); err != nil {
			return nil, err
		}
	}
	var out []transport.Message
	for len(out) == 0 {
		m, err := r.iter.Next(jetstream.NextContext(ctx))
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, jetstream.ErrNoHeartbeat) { // which only says that the server is away
				r.iter.Stop()
				r.iter = nil
			}
			return nil, fmt.Errorf("read %s: %w", r.origin.filter, err)
		}
		out = r.add(out, m)
	}
	over := time.Now().Add(wait)
	for len(out) < limit {
		m, err := r.iter.Next(jetstream.NextMaxWait(max(time.Millisecond, time.Until(over))))
		if err != nil {
			break // an error that lasts is met by the next call
		}
		out = r.add(out, m)
		if !time.Now().Before(over) {
			break
		}
	}
	return out, nil
}

// add adds a message to those that Read returns, but for one that comes again although it is open or acknowledged: the server
// waited for it in vain while the caller was held back and it was sent ahead.
func (r *jetReader) add(all []transport.Message, m jetstream.Msg) []transport.Message {
	out := transport.Message{Record: r.origin.record(m), Ack: m.Ack}
	meta, err := m.Metadata()
	if err != nil {
		return append(all, out) // nobody but JetStream sends there
	}
	number := meta.Sequence.Stream
	r.mu.Lock()
	done := r.acked.Repeats(meta)
	open := meta.NumDelivered > 1 && r.open[number] != nil
	if !done && !open {
		r.open[number] = m
	}
	r.mu.Unlock()
	if done {
		_ = m.Ack() // else, if the first was lost, it comes again and again
	}
	if done || open {
		return all
	}
	out.Attempt = int(meta.NumDelivered)
	out.Record.Time = meta.Timestamp
	if out.Record.ID == "" {
		out.Record.ID = fmt.Sprintf("%s:%d", r.stream, number)
	}
	out.Ack = func() error {
		r.mu.Lock()
		delete(r.open, number)
		r.acked.Done(meta)
		r.mu.Unlock()
		// Where the server cannot be reached, it delivers the message again.
		if err := m.Ack(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) && !errors.Is(err, nats.ErrReconnectBufExceeded) {
			return err
		}
		return nil
	}
	return append(all, out)
}

// keep tells the server that the open messages are still being worked on.
func (r *jetReader) keep() {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, m := range r.unsettled() {
				_ = m.InProgress() // if it is lost, the message comes twice
			}
		case <-r.done:
			return
		}
	}
}

func (r *jetReader) unsettled() []jetstream.Msg {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]jetstream.Msg, 0, len(r.open))
	for _, m := range r.open {
		all = append(all, m)
	}
	return all
}

// Flush implements transport.Reader.
func (r *jetReader) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout) // the client library insists on a deadline
	defer cancel()
	return r.server.FlushWithContext(ctx)
}

// Close hands back what is not acknowledged, so that the next reader need not wait for it.
func (r *jetReader) Close() error {
	close(r.done)
	r.keeper.Wait()
	if r.iter == nil {
		return nil
	}
	r.iter.Drain()
	for {
		m, err := r.iter.Next(jetstream.NextMaxWait(attemptTimeout))
		if err != nil {
			break
		}
		_ = m.Nak()
	}
	for _, m := range r.unsettled() {
		_ = m.Nak()
	}
	return nil
}

var _ transport.Reader = (*jetReader)(nil)
