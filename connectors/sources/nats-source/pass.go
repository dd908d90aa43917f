package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
)

// lateness is by how much the server may be late with what it sends again.
const lateness = time.Second

// errNotSent settles a message that goes back to the server for another reader or the next pass.
var errNotSent = errors.New("not sent")

// An arrival is a message that has come.
type arrival struct {
	msg  jetstream.Msg
	meta *jetstream.MsgMetadata
}

// pass calls send with every message that was in the stream at the start and is not acknowledged: also with those that were
// handed back, and those that a reader had which is gone. They come in any order. What other readers have it waits for, but
// no longer than the server does before it sends a message again.
func (r *reader) pass(session context.Context, consumer jetstream.Consumer, p *pending, send func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	r.out.Ready()
	_, longest := patience(consumer.CachedInfo().Config)
	var later []arrival // they come after the start, and are kept until the end so that they do not come over and over
	defer func() { p.handBack(later) }()
	last, most := time.Now(), prefetch
	for {
		info, err := consumer.Info(session)
		if err != nil {
			return ended(session, err)
		}
		// What is open here is counted after the server has counted: it may only have become less.
		begun := info.NumPending == 0 || info.Delivered.Stream >= r.last
		if begun && (info.NumAckPending <= p.count() || time.Since(last) > longest+lateness) {
			return nil
		}
		arrived, failure := fetch(consumer, p, most)
		most = prefetch
		var now []arrival
		for _, a := range arrived {
			if a.meta.Sequence.Stream > r.last {
				later = append(later, a)
				most = 1 // the server sends first what it sends again; there is no more of that
			} else {
				now = append(now, a)
			}
		}
		for i, a := range now {
			if err := send(a.msg, a.meta); err != nil {
				p.handBack(now[i+1:])
				return err
			}
			last = time.Now()
		}
		if failure == nil && len(now) == 0 {
			failure = common.Sleep(session, quiet)
		}
		if failure != nil {
			return ended(session, failure)
		}
	}
}

// fetch takes what there is at once, n messages at the most, without those that are on their way or done. All of them
// are on their way then, so that they do not come again while they wait here.
func fetch(consumer jetstream.Consumer, p *pending, n int) (arrived []arrival, err error) {
	batch, err := consumer.FetchNoWait(n)
	if err != nil {
		return nil, err
	}
	for msg := range batch.Messages() {
		meta, err := msg.Metadata()
		if err != nil {
			return arrived, err
		}
		if p.add(meta, msg) {
			arrived = append(arrived, arrival{msg, meta})
		}
	}
	return arrived, batch.Error()
}

// handBack gives messages back that were not sent.
func (p *pending) handBack(arrived []arrival) {
	for _, a := range arrived {
		p.settle(a.meta, errNotSent)
	}
}
