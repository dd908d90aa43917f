package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient"
)

const (
	prefetch = 512                    // messages that the server may send ahead
	inactive = 5 * time.Minute        // after which the server forgets a reader that is gone
	quiet    = 100 * time.Millisecond // without a message, after which a bounded pass asks whether there are any
	goodbye  = time.Second            // for telling the server that a reader goes
)

// streamName is the stream to read, which a bucket has too; empty for a plain subject.
func (s *NATSSource) streamName() string {
	if s.Bucket != "" {
		return natsclient.BucketStream + s.Bucket
	}
	return s.Stream
}

// filter is the subject of the messages to read; empty for all. A bucket that mirrors another has the other's subjects.
func (s *NATSSource) filter() string {
	if s.Keys != "" {
		return natsclient.BucketSubject + "*." + s.Keys
	}
	return s.Subject
}

// open looks the stream up.
func (s *NATSSource) open(session context.Context, conn *nats.Conn) (jetstream.Stream, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(session, s.streamName())
	if err != nil && s.Bucket != "" {
		return nil, fmt.Errorf("bucket %s: %w", s.Bucket, ended(session, err))
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", s.Stream, ended(session, err))
	}
	if s.Consumer == "" && stream.CachedInfo().Config.Retention == jetstream.WorkQueuePolicy {
		return nil, common.Permanent(fmt.Errorf("stream %s is a work queue, whose messages must be acknowledged; name a --consumer", s.Stream))
	}
	return stream, nil
}

// follow sends the messages of a stream.
func (s *NATSSource) follow(ctx, session context.Context, conn *nats.Conn, out common.Output) error {
	stream, err := s.open(session, conn)
	if err != nil {
		return err
	}
	r := &reader{NATSSource: s, out: out, made: stream.CachedInfo().Created, last: stream.CachedInfo().State.LastSeq}
	if s.Consumer != "" {
		return r.share(ctx, session, stream)
	}
	return r.readAll(ctx, session, stream)
}

// A reader reads one stream in one session.
type reader struct {
	*NATSSource
	out  common.Output
	made time.Time // when the stream was made
	last uint64    // its last sequence number at the start
}

// readAll reads the stream in order, by a consumer of its own that acknowledges nothing and goes with the session.
func (r *reader) readAll(ctx, session context.Context, stream jetstream.Stream) error {
	config, err := r.begin(ctx, stream.CachedInfo())
	if err != nil {
		return err
	}
	consumer, err := stream.CreateConsumer(session, config)
	if err != nil {
		return fmt.Errorf("read %s: %w", r.streamName(), ended(session, err))
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(session), goodbye)
		defer cancel()
		_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name) // else the server forgets it by itself
	}()
	var seen uint64
	return r.each(session, consumer, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if seen++; meta.Sequence.Consumer != seen {
			return fmt.Errorf("read %s: %d messages were lost on the way", r.streamName(), meta.Sequence.Consumer-seen)
		}
		rec := r.message(msg, meta)
		rec.Position = r.position(meta.Sequence.Stream)
		return r.out.Send(ctx, rec)
	})
}

// begin says from where to read.
func (r *reader) begin(ctx context.Context, stream *jetstream.StreamInfo) (jetstream.ConsumerConfig, error) {
	config := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, FilterSubject: r.filter(), MemoryStorage: true, Replicas: 1, InactiveThreshold: inactive,
	}
	from := func(sequence uint64) {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, sequence
	}
	saved, deliver := r.out.Position(""), r.Deliver
	if saved != "" {
		p, err := parsePosition(saved)
		if err != nil {
			return config, common.Permanent(err)
		}
		if p.of(r.made, r.last) {
			from(p.sequence + 1)
			if first := stream.State.FirstSeq; r.Bucket == "" && config.FilterSubject == "" && first > p.sequence+1 {
				common.Log(ctx).Warn("the stream no longer holds some messages that were not read", "stream", r.Stream,
					"after", p.sequence, "first", first)
			}
			return config, nil
		}
		common.Log(ctx).Warn("the stream is not the one whose position is saved, starting over", "stream", r.streamName(), "saved", saved,
			"last", r.last)
		if deliver == "new" {
			deliver = "all" // all of it is newer than what was read
		}
	}
	switch deliver {
	case "last-per-subject":
		config.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
		if config.FilterSubject == "" {
			config.FilterSubject = ">" // which the policy wants to be said
		}
	case "new":
		from(r.last + 1)
		// Saved at once: a restart before the first message must not miss what comes meanwhile.
		return config, r.out.Advance(ctx, "", r.position(r.last))
	}
	return config, nil
}

// each calls send with message after message; in a bounded pass, which reads in order, up to the last one that was there at
// the start.
func (r *reader) each(session context.Context, consumer jetstream.Consumer, send func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	r.out.Ready()
	if r.out.Once() && consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(prefetch))
	if err != nil {
		return ended(session, err)
	}
	defer r.handBack(messages)
	for {
		msg, err := r.next(session, consumer, messages)
		if msg == nil || err != nil {
			return ended(session, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		once, sequence := r.out.Once(), meta.Sequence.Stream
		if once && sequence > r.last {
			return nil
		}
		if err := send(msg, meta); err != nil {
			return err
		}
		if once && (sequence == r.last || meta.NumPending == 0) {
			return nil
		}
	}
}

// next waits for a message. In a bounded pass it returns none when there are none.
func (r *reader) next(session context.Context, consumer jetstream.Consumer, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	if !r.out.Once() {
		return messages.Next(jetstream.NextContext(session))
	}
	for {
		msg, err := messages.Next(jetstream.NextMaxWait(quiet))
		if !errors.Is(err, nats.ErrTimeout) || session.Err() != nil {
			return msg, err
		}
		state, err := consumer.Info(session)
		if err != nil || state.NumPending == 0 {
			return nil, err
		}
	}
}

// handBack ends the reading, and gives back what the server sent ahead where somebody else may read it.
func (r *reader) handBack(messages jetstream.MessagesContext) {
	if r.Consumer == "" {
		messages.Stop()
		return
	}
	messages.Drain()
	for {
		msg, err := messages.Next()
		if err != nil {
			messages.Stop()
			return
		}
		_ = msg.Nak() // else it comes again when the server has waited long enough
	}
}

// message makes a record of a message of the stream.
func (r *reader) message(msg jetstream.Msg, meta *jetstream.MsgMetadata) common.Record {
	rec := r.record(msg.Subject(), msg.Headers(), msg.Data())
	rec.Time = meta.Timestamp
	return rec
}

// position is the position of a sequence number.
func (r *reader) position(sequence uint64) string {
	return position{sequence: sequence, created: r.made.UnixNano()}.String()
}
