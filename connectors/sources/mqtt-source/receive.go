package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// lastAcks is how long a stop waits for what is under way to be delivered, so that it can be acknowledged. What is not, the
// server sends again.
const lastAcks = 750 * time.Millisecond

// maxHeader is room for what a packet holds beside the payload: a topic and the properties.
const maxHeader = 256 << 10

// A session is what goes on on a connection.
type session struct {
	*connection
	out        common.Output
	outbox     *outbox
	ledger     *ledger
	subscribed bool
}

// receive subscribes and hands messages over until ctx ends or the connection does, and ends that. Each message is
// acknowledged when it is delivered. While delivery is behind, nothing is read, so that the server waits.
func (c *connection) receive(ctx context.Context, out common.Output) error {
	s := &session{connection: c, out: out, outbox: newOutbox(c.Conn, c.keepAlive, c.Timeout)}
	s.ledger = newLedger(func(m *owed) {
		kind := byte(typePuback)
		if m.qos == 2 {
			kind = typePubrec
		}
		s.outbox.put(appendAck(nil, kind, m.id))
	})
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	s.outbox.put(appendSubscribe(nil, c.version(), c.Subscribe, byte(c.QoS), c.retainHandling()))
	err := s.read(ctx)
	if ctx.Err() != nil {
		s.ledger.wait(lastAcks)
		s.outbox.close()
		c.leave()
		return context.Cause(ctx)
	}
	_ = c.Close() // without a farewell, so that the server takes nothing for done
	s.outbox.close()
	return err
}

// read takes packet after packet.
func (s *session) read(ctx context.Context) error {
	for {
		silence := s.keepAlive * 3 / 2
		if !s.subscribed {
			silence = s.Timeout
		}
		deadline := time.Time{}
		if silence > 0 {
			deadline = time.Now().Add(silence)
		}
		_ = s.SetReadDeadline(deadline)
		if ctx.Err() != nil { // after the deadline is set, or it could undo that of the stop
			return context.Cause(ctx)
		}
		p, err := readPacket(s.in, int(min(int64(s.MaxMessage), 256<<20))+maxHeader)
		if err != nil {
			return s.lost(err, silence)
		}
		if err := s.handle(ctx, p); err != nil {
			return err
		}
	}
}

// lost says how the connection was lost.
func (s *session) lost(err error, silence time.Duration) error {
	var timeout interface{ Timeout() bool }
	var large *tooLargeError
	switch {
	case errors.As(err, &large):
		return common.Permanent(err)
	case errors.Is(err, io.EOF):
		return errors.New("the server closed the connection without a word; another client may use the same --client-id")
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("nothing was heard from the server for %s", silence)
	}
	return fmt.Errorf("the connection to the server was lost: %w", err)
}

// handle does what a packet asks for.
func (s *session) handle(ctx context.Context, p packet) error {
	switch p.kind {
	case typePublish:
		m, err := parsePublish(s.version(), p)
		if err != nil {
			return err
		}
		return s.message(ctx, &m)
	case typePubrel:
		c := cursor{rest: p.body}
		id := c.uint16()
		s.outbox.put(appendAck(nil, typePubcomp, id))
		return c.err()
	case typeSuback:
		return s.granted(ctx, p.body)
	case typeDisconnect:
		code, reason, err := parseDisconnect(p.body)
		if err != nil {
			return err
		}
		return refused(s.version(), "ends the connection", code, reason)
	case typePingresp:
		return nil
	}
	return fmt.Errorf("%w: a packet of type %d", errMalformed, p.kind)
}

// granted looks at what became of the subscriptions.
func (s *session) granted(ctx context.Context, body []byte) error {
	codes, reason, err := parseSuback(s.version(), body)
	if err != nil {
		return err
	}
	if len(codes) != len(s.Subscribe) {
		return errMalformed
	}
	for i, code := range codes {
		filter := s.Subscribe[i]
		if code&0x80 != 0 {
			return refused(s.version(), fmt.Sprintf("refuses the subscription to %q", filter), code, reason)
		}
		if int(code) < s.QoS {
			common.Log(ctx).Warn("the server grants a lower quality of service than --qos", "subscribe", filter, "qos", code)
		}
	}
	s.subscribed = true
	s.out.Ready()
	return nil
}

// message hands a message over.
func (s *session) message(ctx context.Context, m *message) error {
	if len(m.payload) > int(s.MaxMessage) {
		return common.Permanent(fmt.Errorf("topic %q: %w", m.topic, &tooLargeError{len(m.payload)}))
	}
	var settled func(error)
	if m.qos > 0 {
		owed := s.ledger.add(m.id, m.qos)
		if owed == nil {
			return nil
		}
		settled = func(err error) { s.ledger.settle(owed, err) }
	}
	if m.retained && s.Retained == "none" { // MQTT 3.1.1 cannot keep the server from sending them
		if settled != nil {
			settled(nil)
		}
		return nil
	}
	rec := s.record(m)
	rec.Settled = settled
	return s.out.Send(ctx, rec)
}

// retainHandling is what the option retained is in SUBSCRIBE: MQTT 5.0, section 3.8.3.1.
func (s *MQTTSource) retainHandling() byte {
	return map[string]byte{"always": 0, "new": 1, "none": 2}[s.Retained]
}
