package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common"
)

// answerTimeout is how long a server may take to answer.
const answerTimeout = 10 * time.Second

// subscribe sends what is published to a plain subject from now on. NATS keeps nothing of it, so what comes while there is
// no session, or faster than the topic takes it for long, is lost; the latter is told.
func (s *NATSSource) subscribe(ctx, session context.Context, conn *nats.Conn, out common.Output) error {
	sub, err := conn.QueueSubscribeSync(s.Subject, s.Queue) // no queue is the empty one
	if err != nil {
		return err
	}
	// The server answers when it has the subscription; what it refuses ends the session.
	if err := roundTrip(session, conn); err != nil {
		return err
	}
	out.Ready()
	for {
		msg, err := sub.NextMsgWithContext(session)
		if errors.Is(err, nats.ErrSlowConsumer) {
			dropped, _ := sub.Dropped() // fails only after the session has ended
			common.Log(ctx).Warn("messages are lost: they come faster than the topic takes them", "subject", s.Subject, "lost", dropped)
			continue
		}
		if err != nil {
			return ended(session, err)
		}
		if err := out.Send(ctx, s.record(msg.Subject, msg.Header, msg.Data)); err != nil {
			return err
		}
	}
}

// roundTrip returns when the server has processed all that was sent to it.
func roundTrip(session context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(session, answerTimeout)
	defer cancel()
	return ended(session, conn.FlushWithContext(ctx))
}

// ended returns why the session has ended, if it has, which says more than an error that follows from it.
func ended(session context.Context, err error) error {
	if err != nil && session.Err() != nil {
		return context.Cause(session)
	}
	return err
}
