package nats

import (
	"context"

	natsgo "github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Writer returns the producing end of the topic and makes its stream where there is none.
//
// Records are published without waiting for each other, and settled as a Publisher settles messages: the loss of the
// connection settles all that are under way with an error, so that the caller may write them again and the message id removes
// the duplicates. Where the stream is gone, the next Write makes it again. Nothing is published while the connection is down:
// Write returns an error at once. A record that is too large is a transport.Rejected: Write returns it where the server has
// announced its limit, and the record is settled with it where the limit is the stream's own.
func (c *Conn) Writer(ctx context.Context) (transport.Writer, error) {
	o := PublisherOptions{
		Place: "topic " + c.cfg.Topic, Server: c.target.shown, MaxInFlight: c.cfg.MaxInFlight, StopAtFailure: c.cfg.StopAtFailure,
	}
	if !c.target.core {
		o.Stream = c.ensureStream
	}
	p, err := NewPublisher(ctx, c.nc, o)
	if err != nil {
		return nil, err
	}
	return &writer{p, c.cfg.Topic, c.encoder()}, nil
}

// A writer publishes records in the topic's envelope.
type writer struct {
	Publisher
	topic  string
	encode encoder
}

// Write implements transport.Writer.
func (w *writer) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	msg := natsgo.Msg{Subject: w.topic}
	w.encode(&rec, &msg)
	return w.Publish(ctx, &msg, settled)
}

var (
	_ transport.Writer  = (*writer)(nil)
	_ transport.Resumer = (*writer)(nil)
)
