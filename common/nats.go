package common

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// openNATS opens a topic on a broker: the one that is named, or the local one.
func (o *opening) openNATS(ctx context.Context, e *endpoint) error {
	t, _, run, d, _ := o.flags.parts()
	access, stream := connection(o.flags)
	config := nats.Config{
		URL: t.Broker, Topic: t.Topic, Name: o.name, Connector: o.info.Name, Logger: o.log, Source: o.cloudEventsSource(),
		MaxInFlight: d.MaxInFlight, Access: access.access(), Stream: stream.stream(),
		Status: brokerStatus(o.metrics), StopAtFailure: true, // delivery keeps the order then, and resumes
	}
	if s, ok := o.flags.(*sourceFlags); ok && s.Envelope.Envelope == "cloudevents" {
		config.Envelope = "cloudevents"
	}
	conn, err := nats.Connect(ctx, config)
	if err != nil {
		return err
	}
	e.close = append(e.close, closing(conn))
	if o.sources {
		if e.writer, err = conn.Writer(ctx); err != nil {
			return err
		}
		e.close = append(e.close, e.writer.Close)
		e.scopeIDs = true
	} else {
		g := o.flags.(*sinkFlags).Group
		group := g.Group
		if group == "" {
			group = o.name
		}
		e.reader, err = conn.Reader(ctx, nats.ReaderOptions{
			Group: group, From: g.From, Once: run.Once,
			MaxInFlight: d.MaxInFlight, MaxBytes: int(d.MaxInFlightBytes),
		})
		if err != nil {
			return err
		}
		e.close = append(e.close, e.reader.Close)
	}
	if err := o.openKept(ctx, conn, e); err != nil {
		return err
	}
	e.recent = func(ctx context.Context, n int) ([]record.Record, error) { return conn.Recent(ctx, e.reader, n) }
	if d.OnError == "dead-letter" {
		config.StopAtFailure = false
		config.Topic, config.Status = d.DeadLetter, nil // how the broker is, one connection tells
		// Dead letters are as safe as the topic, and are kept: no group may read them for long.
		config.Stream = nats.StreamOptions{Replicas: config.Stream.Replicas}
		return o.openDeadLetters(ctx, config, e)
	}
	return nil
}

// openKept opens the state for positions and for what transforms aggregate: under the name, and of a sink under NAME.sink. Plain
// subjects keep none; aggregates alone do without one there, unless a bucket is named.
func (o *opening) openKept(ctx context.Context, conn *nats.Conn, e *endpoint) error {
	bucket, wanted := o.bucket()
	name := o.name
	if !o.sources {
		wanted = wanted && o.keeps
		name += ".sink"
	}
	if !wanted {
		return nil
	}
	store, err := conn.Store(ctx, bucket, name)
	var config *transport.ConfigError
	if errors.As(err, &config) && bucket == "" && !o.info.Resumes {
		return nil
	}
	if err != nil {
		return err
	}
	e.store = store
	e.close = append(e.close, store.Close)
	return nil
}

// bucket is the key-value bucket for the state, empty for the default one, and whether one is wanted: what does not resume has
// no positions to keep, but may have transforms that aggregate.
func (o *opening) bucket() (string, bool) {
	where := saving(o.flags)
	bucket, named := strings.CutPrefix(where, "kv:")
	if !named {
		bucket = ""
	}
	return bucket, named || where == "" && (o.info.Resumes || o.keeps)
}

// openDeadLetters opens the topic of dead letters on a connection of its own, so that the two cannot hold each other up.
func (o *opening) openDeadLetters(ctx context.Context, config nats.Config, e *endpoint) error {
	conn, err := nats.Connect(ctx, config)
	if err != nil {
		return err
	}
	e.close = append(e.close, closing(conn))
	writer, err := conn.Writer(ctx)
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	e.close = append(e.close, writer.Close)
	e.dead = writer.Write
	return nil
}

func closing(conn *nats.Conn) func() error {
	return func() error {
		conn.Close()
		return nil
	}
}

// checkBroker connects to the broker and disconnects.
func (p *program) checkBroker(ctx context.Context, flags shared) error {
	t, _, _, _, _ := flags.parts()
	access, stream := connection(flags)
	conn, err := nats.Connect(ctx, nats.Config{
		URL: t.Broker, Topic: t.Topic, Name: p.instanceName(t), Connector: p.info.Name,
		Access: access.access(), Stream: stream.stream(),
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Healthy()
}
