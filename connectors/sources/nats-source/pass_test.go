package main

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

// take has a reader take the next n messages of a consumer.
func (p *peer) take(consumer jetstream.Consumer, n int) (taken []jetstream.Msg) {
	p.t.Helper()
	for range n {
		msg, err := consumer.Next()
		if err != nil {
			p.t.Fatal(err)
		}
		taken = append(taken, msg)
	}
	return taken
}

func TestAPassReadsWhatIsNotAcknowledged(t *testing.T) {
	for _, tt := range []struct {
		name    string
		ackWait time.Duration
		leave   func(jetstream.Msg) error // what the reader before does with message 2
		want    string
	}{
		{"what was handed back", time.Hour, func(m jetstream.Msg) error { return m.Nak() }, "2"},
		{"what a reader had that is gone", 200 * time.Millisecond, func(jetstream.Msg) error { return nil }, "2"},
		{
			"but not what another keeps for longer than the server waits", 200 * time.Millisecond,
			func(m jetstream.Msg) error { return m.NakWithDelay(time.Hour) }, "",
		},
		{"nor what is done", time.Hour, func(m jetstream.Msg) error { return m.Ack() }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // one of them waits
			p := newPeer(t)
			consumer := p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy, AckWait: tt.ackWait})
			p.publish("orders.a", "1", "2")
			taken := p.take(consumer, 2)
			if err := taken[0].DoubleAck(natstest.Context(t)); err != nil {
				t.Fatal(err)
			}
			if err := tt.leave(taken[1]); err != nil {
				t.Fatal(err)
			}
			recs, _ := p.once(nil, "--stream", "ORDERS", "--consumer", "c")
			wantValues(t, recs, tt.want)
		})
	}
}

// An output delivers everything, and keeps it.
type output struct {
	common.Output // for what a consumer's reader does not call
	once          bool
	send          func(common.Record) // before it is delivered
	recs          []common.Record
}

func (o *output) Ready()     {}
func (o *output) Once() bool { return o.once }
func (o *output) Send(_ context.Context, recs ...common.Record) error {
	for _, rec := range recs {
		o.recs = append(o.recs, rec)
		o.send(rec)
		rec.Settled(nil)
	}
	return nil
}

func TestAPassLeavesWhatComesLaterToTheNext(t *testing.T) {
	p := newPeer(t)
	consumer := p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 200 * time.Millisecond})
	p.publish("orders.a", "1", "2")
	p.take(consumer, 1) // so that the pass lasts until it comes again
	out := &output{once: true, send: func(rec common.Record) {
		if string(rec.Value) == "2" {
			p.publish("orders.a", "3", "4")
		}
	}}
	source := commontest.Options[NATSSource](t, p.args("--stream", "ORDERS", "--consumer", "c")...)
	if err := source.Run(natstest.Context(t), out); err != nil {
		t.Fatal(err)
	}
	wantValues(t, out.recs, "2 1")
	recs, _ := p.once(nil, "--stream", "ORDERS", "--consumer", "c")
	wantValues(t, recs, "3 4")
}
