package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// ensureConsumer returns the group's durable consumer of the topic: the one that is there, as it is, else one it makes,
// which begins at record number start, or where the options say if start is 0.
func (c *Conn) ensureConsumer(
	ctx context.Context, s jetstream.Stream, o ReaderOptions, start uint64,
) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	name, stream := legalName(o.Group), s.CachedInfo().Config
	if stream.Retention == jetstream.WorkQueuePolicy {
		start = 0 // it takes no other, and holds nothing that was settled
	}
	consumer, err := s.Consumer(ctx, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		consumer, err = s.CreateConsumer(ctx, consumerConfig(name, c.cfg.Topic, o, start))
		if errors.Is(err, jetstream.ErrConsumerExists) { // made by somebody else just now
			consumer, err = s.Consumer(ctx, name)
		}
	}
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		err = transport.Misconfigured("the consumer pushes its records to a subject: choose another --group")
	case errors.As(err, &api) && api.ErrorCode == errCodeNotDeliverAll:
		err = transport.Misconfigured("a work queue has no latest record to start from, since what was read is gone: leave out --from: %w", err)
	case errors.As(err, &api) && slices.Contains(errCodesOneGroup, api.ErrorCode):
		err = transport.Misconfigured("the stream is a work queue, which has one group, and another one reads it: use its --group: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("join group %s of stream %s: %w", o.Group, stream.Name, c.explain(err))
	}
	if err := checkConsumer(consumer.CachedInfo().Config, stream, c.cfg.Topic); err != nil {
		return nil, fmt.Errorf("join group %s of stream %s: %w", o.Group, stream.Name, err)
	}
	return consumer, nil
}

// The server's codes for a consumer that a work queue does not take; the client library has no names for them.
const errCodeNotDeliverAll jetstream.ErrorCode = 10101

var errCodesOneGroup = []jetstream.ErrorCode{10099, 10100}

func consumerConfig(name, topic string, o ReaderOptions, start uint64) jetstream.ConsumerConfig {
	from := jetstream.DeliverAllPolicy
	switch {
	case start > 0:
		from = jetstream.DeliverByStartSequencePolicy
	case o.From == "latest":
		from = jetstream.DeliverNewPolicy
	}
	return jetstream.ConsumerConfig{
		Durable:       name,
		Description:   "Group " + o.Group + " of topic " + topic,
		DeliverPolicy: from,
		OptStartSeq:   start,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: o.MaxInFlight,
		FilterSubject: topic,
	}
}

// checkConsumer refuses a consumer that would lose records of the topic or deliver those of another one.
func checkConsumer(cfg jetstream.ConsumerConfig, stream jetstream.StreamConfig, topic string) error {
	subjects := cfg.FilterSubjects
	switch {
	case cfg.FilterSubject != "":
		subjects = []string{cfg.FilterSubject}
	case len(subjects) == 0:
		subjects = stream.Subjects
	}
	if !slices.Equal(subjects, []string{topic}) {
		return transport.Misconfigured("the consumer reads %q, not %q: choose another --group", subjects, topic)
	}
	if cfg.AckPolicy != jetstream.AckExplicitPolicy {
		return transport.Misconfigured("the consumer does not ask for explicit acknowledgements: choose another --group")
	}
	if cfg.MaxDeliver > 0 {
		return transport.Misconfigured("the consumer gives a record up after %d deliveries: choose another --group, or let it deliver "+
			"without limit (max_deliver -1)", cfg.MaxDeliver)
	}
	if cfg.HeadersOnly {
		return transport.Misconfigured("the consumer delivers records without their payloads: choose another --group")
	}
	return nil
}
