package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Recent returns the last records of the topic, at most n, oldest first. With a reader of the topic they are the last of those
// that its group is done with; it is called before the first Read. It blocks for a question to
// the server each record.
func (c *Conn) Recent(ctx context.Context, before transport.Reader, n int) ([]record.Record, error) {
	if c.target.core {
		return nil, transport.Misconfigured("%s is for plain subjects, which keep no records to look back on; leave out lookback", c.target.shown)
	}
	stream, err := c.ensureStream(ctx)
	if err != nil {
		return nil, err
	}
	last, err := c.lastSequence(ctx, stream)
	if err != nil {
		return nil, err
	}
	if r, ok := before.(*reader); ok {
		floor, err := r.begins(ctx)
		if err != nil {
			return nil, fmt.Errorf("look back on topic %s: %w", c.cfg.Topic, c.explain(err))
		}
		last = min(last, floor)
	}
	// The stream may hold other topics, and gaps: where there are too few, more is looked through.
	first := stream.CachedInfo().State.FirstSeq
	for window := uint64(n); ; window *= 4 {
		from := first
		if last > window {
			from = max(first, last-window+1)
		}
		found, err := c.between(ctx, stream, from, last)
		if err != nil {
			return nil, fmt.Errorf("look back on topic %s: %w", c.cfg.Topic, c.explain(err))
		}
		if len(found) >= n || from == first {
			return slices.Delete(found, 0, max(len(found)-n, 0)), nil
		}
	}
}

// begins returns the number of the record behind which the first Read begins: as it is now, for others of the group may have read
// since the reader was opened. A consumer that is gone is made anew where it was then.
func (r *reader) begins(ctx context.Context) (uint64, error) {
	floor, err := settledUpTo(ctx, r.feed.consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return r.feed.floor, nil
	}
	return floor, err
}

// between returns the records of the topic that have these numbers in the stream.
func (c *Conn) between(ctx context.Context, stream jetstream.Stream, from, last uint64) (found []record.Record, err error) {
	for from = max(from, 1); from <= last; from++ {
		m, err := stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(c.cfg.Topic))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		if from = m.Sequence; from > last {
			break
		}
		rec, err := decode(m.Header, m.Data)
		if err != nil {
			rec = record.Record{Value: m.Data} // as a reader takes it
		}
		if rec.Time.IsZero() {
			rec.Time = m.Time
		}
		found = append(found, rec)
	}
	return found, nil
}
