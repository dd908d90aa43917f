package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// StateBucket is the key-value bucket that holds the state of all instances, one key each, where no other is named.
const StateBucket = "patchbay_state"

// Store returns the state of an instance, kept in a key-value bucket on the server, which is made where there is none. An
// empty bucket means StateBucket. It needs JetStream; on a connection to plain subjects it returns a ConfigError.
func (c *Conn) Store(ctx context.Context, bucket, instance string) (state.Store, error) {
	if bucket == "" {
		bucket = StateBucket
	}
	if c.target.core {
		return nil, misconfigured("%s is for plain subjects, which keep no state: %s", c.target.shown, stateAdvice)
	}
	if instance == "" {
		return nil, misconfigured("state needs the name of an instance")
	}
	kv, err := c.js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:      bucket,
			Description: "Positions of Patchbay sources",
			Storage:     jetstream.FileStorage,
			History:     1,
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // made by somebody else just now
			kv, err = c.js.KeyValue(ctx, bucket)
		}
	}
	if errors.Is(err, jetstream.ErrInvalidBucketName) {
		return nil, misconfigured("state bucket %q: only letters, digits, hyphens and underscores are allowed", bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("open state bucket %s: %w", bucket, c.explainState(err))
	}
	return &store{conn: c, kv: kv, bucket: bucket, instance: instance}, nil
}

// stateAdvice is what to do where positions cannot be kept.
const stateAdvice = "give --state none or --state file:PATH, or a broker with JetStream"

// explainState is explain with advice about state.
func (c *Conn) explainState(err error) error {
	if noJetStream(err) {
		return fmt.Errorf("%s has no JetStream: %s: %w", c.target.shown, stateAdvice, err)
	}
	return c.explain(err)
}

type store struct {
	conn     *Conn
	kv       jetstream.KeyValue
	bucket   string
	instance string
}

func (s *store) Load(ctx context.Context) (*state.State, error) {
	entry, err := s.kv.Get(ctx, legalName(s.instance))
	if errors.Is(err, jetstream.ErrKeyNotFound) { // a deleted key counts as one that was never saved
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load state of %s: %w", s.instance, s.conn.explainState(err))
	}
	st, err := state.Decode(entry.Value())
	if err != nil {
		return nil, fmt.Errorf("load state of %s from bucket %s: %w", s.instance, s.bucket, err)
	}
	return st, nil
}

func (s *store) Save(ctx context.Context, st *state.State) error {
	doc, err := state.Encode(st)
	if err == nil {
		_, err = s.kv.Put(ctx, legalName(s.instance), doc)
	}
	if err != nil {
		return fmt.Errorf("save state of %s: %w", s.instance, s.conn.explainState(err))
	}
	return nil
}

// Close does nothing: the connection belongs to its Conn.
func (s *store) Close() error { return nil }

var _ state.Store = (*store)(nil)
