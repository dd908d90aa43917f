package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

// numbered is what a message tells of itself, as far as it matters here.
func numbered(sequence uint64) *jetstream.MsgMetadata {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: sequence}}
}

func (p *peer) makeConsumer(c jetstream.ConsumerConfig) jetstream.Consumer {
	p.t.Helper()
	consumer, err := p.stream.CreateConsumer(natstest.Context(p.t), c)
	if err != nil {
		p.t.Fatal(err)
	}
	return consumer
}

// state returns what the server knows of a consumer.
func (p *peer) state(name string) *jetstream.ConsumerInfo {
	p.t.Helper()
	consumer, err := p.stream.Consumer(natstest.Context(p.t), name)
	if err != nil {
		p.t.Fatal(err)
	}
	return consumer.CachedInfo()
}

func TestAConsumerIsMadeAndAcknowledged(t *testing.T) {
	p := newPeer(t)
	p.publish("orders.a", "1", "2")
	p.publish("orders.b", "3")
	recs, positions := p.once(nil, "--stream", "ORDERS", "--consumer", "c", "--subject", "orders.a")
	wantValues(t, recs, "1 2")
	if len(positions) > 0 {
		t.Errorf("positions %v are kept, which the server keeps", positions)
	}
	commontest.Await(t, "the acknowledgements", func() bool { return p.state("c").NumAckPending == 0 })
	state := p.state("c")
	if state.AckFloor.Stream != 2 || state.Config.FilterSubject != "orders.a" || state.Config.Durable != "c" {
		t.Errorf("the consumer is %+v", state)
	}
	p.publish("orders.a", "4")
	recs, _ = p.once(nil, "--stream", "ORDERS", "--consumer", "c")
	wantValues(t, recs, "4")
}

// The engine's contract tests hold back a source; here it is about what the server learns.
func TestWhatIsNotDeliveredIsNotAcknowledged(t *testing.T) {
	p := newPeer(t)
	consumer := p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy})
	p.publish("orders.a", "1", "2", "3")
	open, ctx := newPending(), natstest.Context(t)
	batch, err := consumer.Fetch(3)
	if err != nil {
		t.Fatal(err)
	}
	for msg := range batch.Messages() {
		meta, err := msg.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		if !open.add(meta, msg) || open.add(meta, msg) {
			t.Errorf("message %d is not taken just once", meta.Sequence.Stream)
		}
	}
	if n := p.state("c").NumAckPending; n != 3 {
		t.Fatalf("%d messages are not acknowledged", n)
	}
	open.settle(numbered(2), nil)
	open.settle(numbered(1), ctx.Err()) // nil
	open.settle(numbered(3), jetstream.ErrMsgNotFound)
	commontest.Await(t, "one message to be left", func() bool { return p.state("c").AckFloor.Stream == 2 })
	open.wait(ctx) // nothing is open
	again, err := consumer.Next()
	if err != nil {
		t.Fatal(err)
	}
	if meta, _ := again.Metadata(); meta.Sequence.Stream != 3 || meta.NumDelivered != 2 {
		t.Errorf("then comes %+v", meta)
	}
}

// A session that ends must not close its connection before it has acknowledged what is delivered meanwhile.
func TestWhatIsOnItsWayIsWaitedFor(t *testing.T) {
	p := newPeer(t)
	consumer := p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy})
	p.publish("orders.a", "1", "2", "3")
	open, msgs := newPending(), p.take(consumer, 3)
	open.add(numbered(1), msgs[0])
	open.add(numbered(2), msgs[1])
	session, end := context.WithCancel(natstest.Context(t))
	waited := make(chan struct{})
	go func() { defer close(waited); open.wait(session) }()
	open.settle(numbered(1), nil)
	select {
	case <-waited:
		t.Error("it waits for one record only")
	case <-time.After(50 * time.Millisecond):
	}
	end()
	select {
	case <-waited:
		t.Error("it does not wait once the session has ended")
	case <-time.After(grace / 5):
	}
	open.settle(numbered(2), nil)
	<-waited
	open = newPending()
	open.add(numbered(3), msgs[2])
	open.wait(session) // for a moment only
	if again := p.take(consumer, 1)[0]; string(again.Data()) != "3" {
		t.Errorf("%s came again", again.Data())
	}
	open.settle(numbered(3), nil) // too late
}

func TestWhatIsOnItsWayIsNotSentAgain(t *testing.T) {
	p := newPeer(t)
	const patience = 300 * time.Millisecond
	consumer := p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy, AckWait: patience})
	p.publish("orders.a", "1")
	msg, err := consumer.Next()
	if err != nil {
		t.Fatal(err)
	}
	open := newPending()
	open.add(numbered(1), msg)
	ctx := natstest.Context(t)
	done := make(chan struct{})
	beating, cancel := context.WithCancel(ctx)
	go func() { defer close(done); open.beat(beating, patience/6) }()
	if again, err := consumer.Next(jetstream.FetchMaxWait(3 * patience)); err == nil {
		t.Errorf("%s came again while it is on its way", again.Data())
	}
	cancel()
	<-done
	if _, err := consumer.Next(); err != nil {
		t.Errorf("it does not come again: %v", err)
	}
}

// What was sent ahead is sent again if delivery is held back for longer than the server waits.
func TestWhatWasSentAheadComesOnce(t *testing.T) {
	p := newPeer(t)
	p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 200 * time.Millisecond})
	p.publish("orders.a", "1", "2", "3", "4")
	ctx, cancel := context.WithCancel(natstest.Context(t))
	defer cancel()
	out := &output{send: func(rec common.Record) {
		switch string(rec.Value) {
		case "1":
			commontest.Await(t, "what comes again", func() bool { return p.state("c").NumRedelivered >= 3 })
			p.publish("orders.a", "end") // comes behind it
		case "end":
			cancel()
		}
	}}
	source := commontest.Options[NATSSource](t, p.args("--stream", "ORDERS", "--consumer", "c")...)
	_ = source.Run(ctx, out) // that it was ended
	wantValues(t, out.recs, "1 2 3 4 end")
}

func TestReadersOfAConsumerShareItsMessages(t *testing.T) {
	p := newPeer(t)
	p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4})
	one := p.start(commontest.Config{}, "--stream", "ORDERS", "--consumer", "c")
	two := p.start(commontest.Config{}, "--stream", "ORDERS", "--consumer", "c")
	sent := 0
	commontest.Await(t, "both to get some", func() bool {
		p.more(10)
		sent += 10
		return len(one.Records()) > 0 && len(two.Records()) > 0
	})
	commontest.Await(t, "all", func() bool { return p.state("c").AckFloor.Stream == uint64(sent) })
	stop(t, one)
	stop(t, two)
	var ids []string
	for _, rec := range append(one.Records(), two.Records()...) {
		ids = append(ids, rec.ID)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != sent {
		t.Errorf("%d of %d messages came", n, sent)
	}
}

// What the server sent ahead is given back at a stop, so that the next reader has it at once.
func TestAStopHandsBackWhatWasSentAhead(t *testing.T) {
	p := newPeer(t)
	p.more(2000)
	run := p.start(commontest.Config{}, "--stream", "ORDERS", "--consumer", "c")
	run.Next()
	stop(t, run)
	next := p.start(commontest.Config{}, "--stream", "ORDERS", "--consumer", "c")
	commontest.Await(t, "all", func() bool { return p.state("c").AckFloor.Stream == 2000 })
	stop(t, next)
}

func TestConsumersThatDoNotSuit(t *testing.T) {
	p := newPeer(t)
	p.makeConsumer(jetstream.ConsumerConfig{Durable: "all", AckPolicy: jetstream.AckAllPolicy})
	p.makeConsumer(jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "orders.b"})
	ctx := natstest.Context(t)
	if _, err := p.stream.CreatePushConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "push", AckPolicy: jetstream.AckExplicitPolicy, DeliverSubject: "to.somebody",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.js.CreateStream(ctx, jetstream.StreamConfig{Name: "WORK", Subjects: []string{"work"}, Retention: jetstream.WorkQueuePolicy}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"--stream ORDERS --consumer all", "AckAll"},
		{"--stream ORDERS --consumer push", "pushes its messages"},
		{"--stream ORDERS --consumer other --subject orders.a", `reads ["orders.b"]`},
		{"--stream WORK", "name a --consumer"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			err := p.start(commontest.Config{}, strings.Fields(tt.args)...).Wait()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
