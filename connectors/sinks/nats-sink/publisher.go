package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
)

// maxPending is how many messages may wait for the stream's answer. More than that wait to be published.
const maxPending = 1024

// A publisher writes in one session.
type publisher struct {
	*NATSSink
	conn    *nats.Conn
	session context.Context     // ends with the connection
	js      jetstream.JetStream // nil for a plain subject
}

// open connects, and looks the stream up: what is missing is better told before a record is.
func (s *NATSSink) open(ctx context.Context) (*publisher, error) {
	conn, session, err := s.NATS.Connect(ctx, info.Name+"/"+info.Version)
	if err != nil {
		return nil, err
	}
	p := &publisher{NATSSink: s, conn: conn, session: session}
	if s.streamName() == "" {
		return p, nil
	}
	p.js, err = jetstream.New(conn, jetstream.WithPublishAsyncTimeout(s.AckTimeout), jetstream.WithPublishAsyncMaxPending(maxPending))
	if err == nil {
		err = p.find()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return p, nil
}

// find looks for the stream or bucket.
func (p *publisher) find() error {
	stream, err := p.js.Stream(p.session, p.streamName())
	switch {
	case err != nil && p.Bucket != "":
		return fmt.Errorf("bucket %s: %w", p.Bucket, p.ended(err))
	case err != nil:
		return fmt.Errorf("stream %s: %w", p.Stream, p.ended(err))
	case stream.CachedInfo().Config.Mirror != nil:
		return common.Permanent(fmt.Errorf("%s mirrors %s, and takes nothing else; write to that",
			p.streamName(), stream.CachedInfo().Config.Mirror.Name))
	}
	return nil
}

// ended returns why the session has ended, if it has, which says more than an error that follows from it.
func (p *publisher) ended(err error) error {
	if err != nil && p.session.Err() != nil {
		return context.Cause(p.session)
	}
	return err
}

// send publishes a batch to a plain subject. What the server has got is written: nobody says whether anybody listens.
func (p *publisher) send(b *common.Batch) error {
	for i := range b.Records {
		msg, err := p.message(&b.Records[i])
		if err == nil {
			err = p.conn.PublishMsg(msg)
		}
		if err := p.settle(b, i, err, false); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(p.session, p.AckTimeout)
	defer cancel()
	if err := p.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("%s confirms nothing: %w", p.NATS.URL, err)
	}
	// The server has answered to everything: had it refused a message, it would have said so before.
	if err := p.conn.LastError(); err != nil {
		return err
	}
	b.Ack()
	return nil
}

// store publishes a batch to a stream and waits for an answer to each record. Records that follow one that the stream does
// not take may be stored before it: they are published without waiting.
func (p *publisher) store(b *common.Batch) error {
	answers := make([]jetstream.PubAckFuture, len(b.Records))
	var failure error
	for i := range b.Records {
		msg, err := p.message(&b.Records[i])
		if err == nil {
			answers[i], err = p.js.PublishMsgAsync(msg, jetstream.WithExpectStream(p.streamName()), jetstream.WithStallWait(p.AckTimeout))
		}
		if failure = p.settle(b, i, err, false); failure != nil {
			break
		}
	}
	for i, answer := range answers {
		if answer == nil {
			continue
		}
		var err error
		select {
		case <-answer.Ok():
		case err = <-answer.Err():
		case <-p.session.Done():
			err = context.Cause(p.session)
		}
		if err := p.settle(b, i, err, true); err != nil && failure == nil {
			failure = err
		}
	}
	return failure
}

// settle settles a record of a batch by what became of it: one that was refused for what it is goes to the error policy, and
// any other error is returned. One that is stored is acknowledged.
func (p *publisher) settle(b *common.Batch, i int, err error, stored bool) error {
	switch {
	case err == nil:
		if stored {
			b.AckRecord(i)
		}
	case p.isRefusal(err):
		b.Fail(i, common.Permanent(err))
	case isWrongStream(err): // whatever the record is
		return common.Permanent(fmt.Errorf("subject %s is not stored by stream %s: %w", p.Subject, p.Stream, err))
	case p.js != nil:
		return fmt.Errorf("stream %s: %w", p.streamName(), err)
	default:
		return err
	}
	return nil
}

// A refusal is an error of a record that no retry can mend, which is for the error policy.
type refusal struct{ error }

// Unwrap returns what the refusal wraps.
func (r *refusal) Unwrap() error { return r.error }

// isRefusal reports whether an error is for what a record is.
func (p *publisher) isRefusal(err error) bool {
	var own *refusal
	return errors.As(err, &own) || errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject) ||
		hasCode(err, jetstream.JSErrCodeStreamMessageExceedsMaximum) || isWrongStream(err) && strings.Contains(p.Subject, "{")
}

// isWrongStream reports whether an error says that the subject belongs to another stream than the one that is expected. The
// client library has no name for its code, which is that of the server.
func isWrongStream(err error) bool { return hasCode(err, 10060) }

func hasCode(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}
