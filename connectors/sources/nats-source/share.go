package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient/repeats"
)

// grace is how long a session that has been asked to end waits for what it sent, so as to acknowledge it.
const grace = 500 * time.Millisecond

// share reads the stream by a durable consumer, which keeps the place: a message is acknowledged when its record is
// delivered. Its record's id is the same each time it comes.
func (r *reader) share(ctx, session context.Context, stream jetstream.Stream) error {
	consumer, err := r.durable(session, stream)
	if err != nil {
		return err
	}
	p := newPending()
	beating, stop := context.WithCancel(session)
	defer stop()
	defer p.wait(session)
	least, _ := patience(consumer.CachedInfo().Config)
	go p.beat(beating, least/3)
	send := func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		rec := r.message(msg, meta)
		rec.ID = fmt.Sprintf("%s:%s", r.Stream, r.position(meta.Sequence.Stream))
		rec.Settled = func(err error) { p.settle(meta, err) }
		return r.out.Send(ctx, rec)
	}
	if r.out.Once() {
		return r.pass(session, consumer, p, send)
	}
	return r.each(session, consumer, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if !p.add(meta, msg) {
			return nil // it is on its way, or done
		}
		return send(msg, meta)
	})
}

// durable returns the consumer that the options name, and makes it if there is none.
func (r *reader) durable(session context.Context, stream jetstream.Stream) (jetstream.Consumer, error) {
	consumer, err := stream.Consumer(session, r.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		config := jetstream.ConsumerConfig{Durable: r.Consumer, AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: r.filter()}
		switch r.Deliver {
		case "new":
			config.DeliverPolicy = jetstream.DeliverNewPolicy
		case "last-per-subject":
			config.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
			if config.FilterSubject == "" {
				config.FilterSubject = ">" // which the policy wants to be said
			}
		}
		consumer, err = stream.CreateConsumer(session, config)
	}
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		return nil, common.Permanent(fmt.Errorf("consumer %s pushes its messages; name one that is pulled", r.Consumer))
	}
	if err != nil {
		return nil, fmt.Errorf("consumer %s: %w", r.Consumer, ended(session, err))
	}
	return consumer, r.suits(consumer.CachedInfo().Config)
}

// suits says what is wrong with a consumer that is there.
func (s *NATSSource) suits(c jetstream.ConsumerConfig) error {
	filters := c.FilterSubjects
	if c.FilterSubject != "" {
		filters = append(filters, c.FilterSubject)
	}
	switch {
	case c.AckPolicy != jetstream.AckExplicitPolicy:
		return common.Permanent(fmt.Errorf("consumer %s does not have each message acknowledged: its policy is %s; name one of AckExplicit",
			s.Consumer, c.AckPolicy))
	case s.Subject != "" && !slices.Equal(filters, []string{s.Subject}):
		return common.Permanent(fmt.Errorf("consumer %s is there, and reads %q; leave --subject out, or name another one", s.Consumer, filters))
	}
	return nil
}

// patience is how long the server waits for an acknowledgement before it sends a message again: at least, and at most.
func patience(c jetstream.ConsumerConfig) (least, most time.Duration) {
	if len(c.BackOff) > 0 {
		return slices.Min(c.BackOff), slices.Max(c.BackOff)
	}
	return c.AckWait, c.AckWait
}

// pending are the messages whose records are on their way.
type pending struct {
	mu      sync.Mutex
	open    map[uint64]jetstream.Msg // by sequence number
	acked   *repeats.Filter
	waiting bool
	settled chan struct{} // closed when nothing is open while somebody waits
}

func newPending() *pending {
	return &pending{open: map[uint64]jetstream.Msg{}, acked: repeats.New(prefetch), settled: make(chan struct{})}
}

// add notes a message. It returns false for one that comes again although it is on its way, or acknowledged: the server waited
// for it in vain while delivery was held back and it was sent ahead.
func (p *pending) add(meta *jetstream.MsgMetadata, msg jetstream.Msg) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.acked.Repeats(meta) {
		_ = msg.Ack() // else, if the first was lost, it comes again and again
		return false
	}
	if p.open[meta.Sequence.Stream] != nil {
		return false
	}
	p.open[meta.Sequence.Stream] = msg
	return true
}

// count is how many messages are on their way.
func (p *pending) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// settle acknowledges a message that is delivered, and hands another one back. It does not wait for the server: what does
// not reach it comes again.
func (p *pending) settle(meta *jetstream.MsgMetadata, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	msg := p.open[meta.Sequence.Stream]
	if msg == nil {
		return // wait has handed it back
	}
	delete(p.open, meta.Sequence.Stream)
	if err == nil {
		p.acked.Done(meta)
		_ = msg.Ack()
	} else {
		_ = msg.Nak()
	}
	if p.waiting && len(p.open) == 0 {
		close(p.settled)
	}
}

// beat tells the server of every message that is on its way, so that it does not send it again, until ctx ends.
func (p *pending) beat(ctx context.Context, every time.Duration) {
	for common.Sleep(ctx, every) == nil {
		p.mu.Lock()
		for _, msg := range p.open {
			_ = msg.InProgress()
		}
		p.mu.Unlock()
	}
}

// wait returns when everything is settled, or a moment after the session has ended. What is not settled then is handed back:
// the connection is about to go.
func (p *pending) wait(session context.Context) {
	p.mu.Lock()
	p.waiting = true
	done := len(p.open) == 0
	p.mu.Unlock()
	if done {
		return
	}
	select {
	case <-p.settled:
		return
	case <-session.Done():
	}
	select {
	case <-p.settled:
	case <-time.After(grace):
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, msg := range p.open {
			_ = msg.Nak()
		}
		clear(p.open)
	}
}
