package connect

import (
	"context"
	"errors"
	"fmt"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
	natstopic "github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// inlet runs a source and writes what it sends to NATS.
func (r *runtime) inlet(ctx context.Context) error {
	p := r.steps.Producer
	where, at, err := one(p.Core, p.Stream, p.KV)
	if err != nil {
		return err
	}
	i, err := r.instance(ctx, r.steps.Source, metadata.Source, at.shown())
	if err != nil {
		return err
	}
	c, err := r.transformer(ctx, r.steps.Source, p.NATS, i)
	if err != nil {
		return err
	}
	var w transport.Writer
	_, broker, err := r.connect(ctx, p.NATS, i.Name, func(ctx context.Context, s *server) error {
		w, err = newWriter(ctx, s, where, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	if c != nil {
		w = newStagedWriter(w, c)
	}
	store, release, err := r.store(ctx, where, i.Name, broker)
	if err != nil {
		return errors.Join(err, w.Close())
	}
	defer release()
	r.began = true
	return i.RunSource(ctx, w, store) // which closes w
}

// store keeps the positions of a source in a bucket beside the stream or bucket that its records go to. Core NATS keeps
// nothing, and a source whose options say where its positions are needs no other place.
func (r *runtime) store(ctx context.Context, where plane, name string, broker natstopic.Config) (state.Store, func(), error) {
	nothing := func() {}
	if r.steps.Source.option("state") != "" {
		return nil, nothing, nil
	}
	if where == core {
		r.log.Warn("positions are not kept, so a source that is started again begins anew: core NATS has no place for them; " +
			"a stream or a bucket has, and the source's option state names another one")
		return nil, nothing, nil
	}
	conn, err := natstopic.Connect(ctx, broker)
	if err != nil {
		return nil, nothing, fmt.Errorf("keep the positions: %w", err)
	}
	store, err := conn.Store(ctx, "", name)
	if err != nil {
		conn.Close()
		return nil, nothing, fmt.Errorf("keep the positions: %w", err)
	}
	return store, func() {
		if err := store.Close(); err != nil {
			r.log.Warn("the positions are not released, the next copy waits a few seconds", "error", err)
		}
		conn.Close()
	}, nil
}

// outlet runs a sink and has it write what comes from NATS.
func (r *runtime) outlet(ctx context.Context) (err error) {
	c := r.steps.Consumer
	where, at, err := one(c.Core, c.Stream, c.KV)
	if err != nil {
		return err
	}
	i, err := r.instance(ctx, r.steps.Sink, metadata.Sink, at.shown())
	if err != nil {
		return err
	}
	stages, err := r.transformer(ctx, r.steps.Sink, c.NATS, i)
	if err != nil {
		return err
	}
	var in transport.Reader
	_, _, err = r.connect(ctx, c.NATS, i.Name, func(ctx context.Context, s *server) error {
		in, err = newReader(ctx, s, where, at, i.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	if stages != nil {
		in = &stagedReader{Reader: in, chain: stages}
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r.began = true
	return i.RunSink(ctx, in)
}

// shown is what a place is called in messages.
func (p *place) shown() string {
	if p.Bucket != "" {
		return p.Bucket
	}
	return p.Subject
}

// newReader opens a place for reading, in the name of a connector.
func newReader(ctx context.Context, s *server, where plane, at *place, name string) (transport.Reader, error) {
	switch where {
	case stream:
		return newJetReader(ctx, s, fromStream(at.Subject), name)
	case kv:
		return newJetReader(ctx, s, fromBucket(at.Bucket, at.Key), name)
	default:
		return newCoreReader(s, at)
	}
}
