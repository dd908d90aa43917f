package main

import (
	"context"
	"errors"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

// A gate is an output that takes one record at a time, when it is asked for.
type gate struct {
	common.Output
	records chan common.Record
	ready   chan struct{}
}

func (g *gate) Ready() { close(g.ready) }

func (g *gate) Send(ctx context.Context, recs ...common.Record) error {
	for _, rec := range recs {
		select {
		case g.records <- rec:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// A subject goes on after messages were lost because the topic has held it up for too long.
func TestASubjectThatComesTooFastGoesOn(t *testing.T) {
	p := newPeer(t)
	s := commontest.Options[NATSSource](t, p.args("--subject", "plain")...)
	ctx, cancel := context.WithCancel(natstest.Context(t))
	conn, session, err := s.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	out, done := &gate{records: make(chan common.Record), ready: make(chan struct{})}, make(chan error, 1)
	go func() { done <- s.subscribe(ctx, session, conn, out) }()
	<-out.ready
	const sent = 70_000 // more than the 65536 that a subscription keeps
	nc := p.Connect()
	for range sent {
		if err := nc.Publish("plain", []byte("early")); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	commontest.Await(t, "some to be lost", func() bool { return conn.Stats().InMsgs >= sent })
	early := 0
	for {
		if string((<-out.records).Value) == "late" {
			break
		}
		if early++; early == 60_000 {
			if err := nc.Publish("plain", []byte("late")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if early == sent {
		t.Error("nothing was lost, so that this test tries nothing")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
