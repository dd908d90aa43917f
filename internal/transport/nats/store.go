package nats

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// StateBucket is the key-value bucket that holds the state of all instances, one key each, where no other is named.
const StateBucket = "patchbay_state"

// Store returns the state of an instance, kept in a key-value bucket on the server. An empty bucket means StateBucket. One
// that does not exist is made when the lease is acquired. It needs JetStream; on a connection to plain subjects it returns a
// ConfigError.
func (c *Conn) Store(ctx context.Context, bucket, instance string) (state.Leased, error) {
	if bucket == "" {
		bucket = StateBucket
	}
	if c.target.core {
		return nil, transport.Misconfigured("%s is for plain subjects, which keep no state: %s", c.target.shown, stateAdvice)
	}
	if instance == "" {
		return nil, transport.Misconfigured("state needs the name of an instance")
	}
	s := &store{conn: c, bucket: bucket, instance: instance, token: rand.Text(), leaseTime: leaseTime}
	kv, err := c.js.KeyValue(ctx, bucket)
	switch {
	case err == nil:
		s.kv = kv
	case errors.Is(err, jetstream.ErrInvalidBucketName):
		return nil, transport.Misconfigured("state bucket %q: only letters, digits, hyphens and underscores are allowed", bucket)
	case !errors.Is(err, jetstream.ErrBucketNotFound):
		return nil, fmt.Errorf("open state bucket %s: %w", bucket, c.explainState(err))
	}
	return s, nil
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

// A store keeps a state under one key and the lease under another. With the lease it alone writes the state: each write
// names the revision that it replaces, and whoever takes the lease over begins by giving the state a new one.
type store struct {
	conn      *Conn
	bucket    string
	instance  string
	token     string // in its leases
	leaseTime time.Duration

	mu    sync.Mutex
	kv    jetstream.KeyValue // nil where there is no bucket
	lease *lease             // nil while it is not held
	sight sighting           // of another process's lease
	doc   []byte             // while the lease is held: what is stored,
	rev   uint64             // and its revision
}

func (s *store) key() string { return legalName(s.instance) }

// nothing is the document of a state that was never saved, which stands in for it once the lease was held.
func nothing() []byte {
	doc, err := state.Encode(&state.State{})
	if err != nil {
		panic(err) // it is always the same
	}
	return doc
}

// Load implements state.Store.
func (s *store) Load(ctx context.Context) (*state.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc := s.doc
	if s.lease == nil {
		if s.kv == nil {
			return nil, nil
		}
		entry, err := s.kv.Get(ctx, s.key())
		if errors.Is(err, jetstream.ErrKeyNotFound) { // a deleted key counts as one that was never saved
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("load state of %s: %w", s.instance, s.conn.explainState(err))
		}
		doc = entry.Value()
	}
	if bytes.Equal(doc, nothing()) {
		return nil, nil
	}
	st, err := state.Decode(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Where(), err)
	}
	return st, nil
}

// Save implements state.Store. Where the bucket has been deleted it is made anew.
func (s *store) Save(ctx context.Context, st *state.State) error {
	doc, err := state.Encode(st)
	if err != nil {
		return fmt.Errorf("save state of %s: %w", s.instance, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == nil {
		return state.ErrNotAcquired
	}
	ctx, cancel := context.WithTimeout(ctx, s.leaseTime/2) // the lease is not renewed meanwhile
	defer cancel()
	if err := s.write(ctx, doc); err != nil {
		return fmt.Errorf("save state of %s: %w", s.instance, s.conn.explainState(err))
	}
	return nil
}

// write replaces what is stored.
func (s *store) write(ctx context.Context, doc []byte) error {
	if s.lease.lost != nil {
		return s.lease.lost
	}
	rev, err := s.kv.Update(ctx, s.key(), doc, s.rev)
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		rev, err = s.overwrite(ctx, doc)
	}
	if err != nil {
		if !s.bucketGone(ctx, err) {
			return err
		}
		return s.remake(ctx, doc)
	}
	s.doc, s.rev = doc, rev
	return nil
}

// overwrite writes over what is not known to be ours: a write whose confirmation got lost, or a change by hand. If another
// process wrote it, that process has the lease.
func (s *store) overwrite(ctx context.Context, doc []byte) (uint64, error) {
	entry, missing := s.kv.Get(ctx, s.key()) // before the lease is looked at: who takes that later writes later too
	if missing != nil && !errors.Is(missing, jetstream.ErrKeyNotFound) {
		return 0, missing
	}
	if err := s.confirm(ctx); err != nil {
		return 0, err
	}
	if missing != nil {
		s.conn.log.Warn("the saved position was deleted while it was in use, saving it again", "where", s.Where())
		return s.kv.Create(ctx, s.key(), doc)
	}
	return s.kv.Update(ctx, s.key(), doc, entry.Revision())
}

// bucketGone reports whether the bucket is known not to be there any more, after an error that may say so.
func (s *store) bucketGone(ctx context.Context, err error) bool {
	if !errors.Is(err, jetstream.ErrNoStreamResponse) && !errors.Is(err, jetstream.ErrStreamNotFound) &&
		!errors.Is(err, natsgo.ErrNoResponders) {
		return false
	}
	_, err = s.conn.js.KeyValue(ctx, s.bucket)
	return errors.Is(err, jetstream.ErrBucketNotFound)
}

// remake makes a bucket that was deleted while the lease was held, with the lease and doc. Nobody else can have held the lease
// if it has not been left alone for long enough.
func (s *store) remake(ctx context.Context, doc []byte) error {
	if time.Since(s.lease.renewed) >= s.leaseTime {
		return s.lose("the state bucket " + s.bucket + " was deleted")
	}
	s.conn.log.Warn("the state bucket was deleted while it was in use, making it anew", "where", s.Where())
	if err := s.open(ctx); err != nil {
		return err
	}
	rev, err := s.kv.Create(ctx, s.leaseKey(), s.lease.text)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return s.lose("the state bucket " + s.bucket + " was deleted")
	}
	if err != nil {
		return err
	}
	s.lease.rev = rev
	rev, err = s.kv.Create(ctx, s.key(), doc)
	if err == nil {
		s.doc, s.rev = doc, rev
	}
	return err
}

// open finds the bucket, or makes it.
func (s *store) open(ctx context.Context) error {
	kv, err := s.conn.js.KeyValue(ctx, s.bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = s.conn.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:      s.bucket,
			Description: "Positions of Patchbay sources",
			Storage:     jetstream.FileStorage,
			History:     1,
			Replicas:    max(1, s.conn.cfg.Stream.Replicas), // as safe as the records that the positions stand for
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // made by somebody else just now
			kv, err = s.conn.js.KeyValue(ctx, s.bucket)
		}
	}
	if err != nil {
		return fmt.Errorf("open state bucket %s: %w", s.bucket, s.conn.explainState(err))
	}
	s.kv = kv
	return nil
}

// Where implements state.Leased: it names bucket, key and server.
func (s *store) Where() string {
	return fmt.Sprintf("key %s of bucket %s on %s", s.key(), s.bucket, s.conn.target.shown)
}

var _ state.Leased = (*store)(nil)
