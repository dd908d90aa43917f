package nats

import (
	"context"
	"errors"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A feed is what a reader fetches from until it has to open anew.
type feed struct {
	origin   origin
	last     uint64 // with Once: the last record of the pass
	floor    uint64 // every record up to this number was settled in the group when the feed was opened
	consumer jetstream.Consumer
	pulls
}

// An origin tells a consumer from another one of the same name, and so does it for the stream, by when they were made. An
// acknowledgement names its record by a number, which means nothing to any other.
type origin struct{ stream, consumer int64 }

// open makes what is missing of the stream and the group's consumer, and goes on fetching.
func (r *reader) open(ctx context.Context) error {
	c, old := r.conn, r.feed
	stream, err := c.ensureStream(ctx)
	if err != nil {
		return err
	}
	f := &feed{origin: origin{stream: stream.CachedInfo().Created.UnixNano()}}
	sameStream := old != nil && old.origin.stream == f.origin.stream
	var start uint64 // where a consumer begins that has to be made
	switch {
	case sameStream:
		start = old.floor + 1
	case old != nil: // what a new stream holds has come since
		start = 1
	}
	if sameStream {
		f.last = old.last
	} else if r.opts.Once {
		if f.last, err = c.lastSequence(ctx, stream); err != nil {
			return err
		}
	}
	consumer, err := c.ensureConsumer(ctx, stream, r.opts, start)
	if err != nil {
		return err
	}
	info := consumer.CachedInfo()
	f.origin.consumer, f.floor, f.consumer = info.Created.UnixNano(), info.AckFloor.Stream, consumer
	r.adopt(f)
	return r.fetch(f)
}

// adopt makes f the feed of the reader, which ends what trouble there was. What came from another consumer will come again.
func (r *reader) adopt(f *feed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.feed != nil && r.feed.origin != f.origin {
		r.forget()
	}
	r.feed, r.err = f, nil
	r.pending = f.consumer.CachedInfo().NumPending
}

// reopen opens anew if an earlier Read returned an error. What is on its way from a consumer that is still there is kept.
func (r *reader) reopen(ctx context.Context) error {
	if !r.stale {
		return nil
	}
	r.mu.Lock()
	broken, sub := r.broken, r.feed.sub
	r.mu.Unlock()
	if broken != nil {
		return broken
	}
	drain(sub)
	if err := r.open(ctx); err != nil {
		return lasting(err)
	}
	r.stale = false
	r.conn.tell(nil)
	return nil
}

// trouble returns what keeps the reader from going on, if anything does; the next Read opens anew, unless it lasts.
func (r *reader) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	r.stale = r.err != nil
	return r.err
}

// receive is called by the client library for each message, one after the other.
func (r *reader) receive(f *feed, msg *natsgo.Msg) {
	if msg.Reply == "" {
		r.word(f, msg)
		return
	}
	place, ok := parsePlace(msg.Reply)
	if !ok {
		r.log.Warn("what is no message of the stream is left out", "topic", r.conn.cfg.Topic, "reply", msg.Reply)
		return
	}
	d := &delivery{feed: f, msg: msg, place: place, newest: msg.Reply}
	r.mu.Lock()
	defer r.mu.Unlock()
	f.came(msg)
	if f.origin != r.feed.origin { // the server knows no more of it
		return
	}
	if place.attempt > 1 && r.history.has(place.sequence) { // the caller was done with it before this one came
		if err := r.conn.nc.Publish(msg.Reply, ackDone); err != nil {
			r.log.Debug("a message that came again is not acknowledged again", "topic", r.conn.cfg.Topic, "error", err)
		}
		return
	}
	if !r.hold(d) { // the caller has it
		return
	}
	r.events++
	r.pending = place.pending
	if r.opts.Once && d.sequence() > f.last {
		r.late = append(r.late, d)
		r.signal()
		return
	}
	r.queue = append(r.queue, d)
	r.waiting += d.weight()
	if r.enough() {
		r.signal()
	}
}

// consumeFailed notes why nothing comes any more from a feed.
func (r *reader) consumeFailed(f *feed, err error) {
	err = lasting(err)
	var broken *transport.Broken
	r.mu.Lock()
	switch {
	case errors.As(err, &broken):
		if r.broken == nil {
			r.broken = err
		}
	case f == r.feed && r.err == nil:
		r.err = err
	}
	r.mu.Unlock()
	r.signal()
}

// lasting marks an error after which the connection is not renewed.
func lasting(err error) error {
	if errors.Is(err, natsgo.ErrConnectionClosed) || errors.Is(err, jetstream.ErrConnectionClosed) {
		return &transport.Broken{Err: err}
	}
	return err
}
