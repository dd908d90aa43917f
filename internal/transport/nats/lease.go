package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// leaseTime is how long a lease must be seen not to be renewed before another process takes it over. It is measured by the
// clock of the process that looks, which never jumps, and only while that process can read the lease.
const leaseTime = 5 * time.Second

// renewals is how often a lease is renewed within its time.
const renewals = 5

// A lease is held by this process. The mutex of its store guards it.
type lease struct {
	text    []byte    // what stands under the key
	rev     uint64    // of the key
	renewed time.Time // when the last renewal that succeeded was begun
	lost    error     // why the lease is no longer held

	stop context.CancelFunc // of the renewing
	done chan struct{}      // closed when that has ended
}

// A signature is what stands under the key of a lease.
type signature struct {
	state.Holder
	Token string `json:"token"` // no other store has the same
}

// readSignature reads a signature. What somebody else may have put there gives the zero one, which is nobody's.
func readSignature(data []byte) (s signature) {
	if json.Unmarshal(data, &s) != nil {
		return signature{}
	}
	return s
}

// A sighting is what was last seen of another process's lease.
type sighting struct {
	rev   uint64    // 0 for none
	since time.Time // when this revision was first seen
	moved bool      // another revision was seen before: the process is alive
}

// look takes note of a revision.
func (s *sighting) look(rev uint64) {
	if s.rev != rev {
		*s = sighting{rev: rev, since: time.Now(), moved: s.rev != 0}
	}
}

// leaseKey is the key of no instance: a slash in a name is written otherwise.
func (s *store) leaseKey() string { return "lease/" + s.key() }

// Acquire implements state.Leased. The lease of a process that was killed is free leaseTime after this store saw it first.
func (s *store) Acquire(ctx context.Context, lost func(error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease != nil {
		return s.lease.lost
	}
	begun := time.Now()
	err := s.open(ctx)
	var l *lease
	if err == nil {
		l, err = s.take(ctx, begun)
	}
	if err == nil {
		err = s.fence(ctx)
	}
	var held *state.HeldError
	switch {
	case errors.As(err, &held):
		return err
	case err != nil:
		s.sight = sighting{} // who cannot reach the server cannot know that nobody renews
		return fmt.Errorf("acquire the lease on the state of %s: %w", s.instance, s.conn.explainState(err))
	}
	var renewing context.Context
	renewing, l.stop = context.WithCancel(context.Background())
	s.lease = l
	go s.keep(renewing, l, lost)
	return nil
}

// take writes the lease: where there is none, where it is ours from a try before, or over one that nobody renews. The try
// was begun at a time that says how long the server took.
func (s *store) take(ctx context.Context, begun time.Time) (l *lease, err error) {
	l = &lease{renewed: begun, done: make(chan struct{})}
	l.text, _ = json.Marshal(signature{state.ThisProcess(), s.token}) // never fails
	entry, err := s.kv.Get(ctx, s.leaseKey())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		l.rev, err = s.kv.Create(ctx, s.leaseKey(), l.text)
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return l, err
		}
		entry, err = s.kv.Get(ctx, s.leaseKey()) // somebody was faster
	}
	if err != nil {
		return nil, err
	}
	other := readSignature(entry.Value())
	if other.Token != s.token {
		s.sight.look(entry.Revision())
		if time.Since(begun) > s.leaseTime/2 { // while the server hangs nobody can renew
			s.sight.since = time.Now()
		}
		if time.Since(s.sight.since) < s.leaseTime {
			return nil, &state.HeldError{Holder: other.Holder, Alive: s.sight.moved}
		}
	}
	l.rev, err = s.kv.Update(ctx, s.leaseKey(), l.text, entry.Revision())
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) { // renewed, or somebody was faster
		return nil, &state.HeldError{Holder: other.Holder}
	}
	return l, err
}

// fence gives the state a new revision, so that every write of a process that had the lease before fails from now on, and
// keeps what it holds.
func (s *store) fence(ctx context.Context) error {
	for {
		doc, rev := nothing(), uint64(0)
		entry, err := s.kv.Get(ctx, s.key())
		switch {
		case err == nil:
			doc = entry.Value()
			rev, err = s.kv.Update(ctx, s.key(), doc, entry.Revision())
		case errors.Is(err, jetstream.ErrKeyNotFound):
			rev, err = s.kv.Create(ctx, s.key(), doc)
		}
		if errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.Is(err, jetstream.ErrKeyExists) {
			continue // it was written a moment ago
		}
		if err == nil {
			s.doc, s.rev = doc, rev
		}
		return err
	}
}

// keep renews the lease until it is lost or ctx ends.
func (s *store) keep(ctx context.Context, l *lease, lost func(error)) {
	defer close(l.done)
	ticker := time.NewTicker(s.leaseTime / renewals)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		try, cancel := context.WithTimeout(ctx, s.leaseTime/2)
		err := s.renew(try, l)
		cancel()
		if errors.Is(err, state.ErrLost) {
			if lost != nil {
				lost(err)
			}
			return
		}
	}
}

// renew renews the lease once. An error other than state.ErrLost may go away.
func (s *store) renew(ctx context.Context, l *lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	begun := time.Now()
	rev, err := s.kv.Update(ctx, s.leaseKey(), l.text, l.rev)
	switch {
	case err == nil:
		l.rev, l.renewed = rev, begun
		return nil
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch): // of ours, unconfirmed, or another's
		return s.confirm(ctx)
	case s.bucketGone(ctx, err):
		return s.remake(ctx, s.doc)
	}
	return err
}

// confirm makes sure that the lease is still held. A key that is missing was removed by another that held it since: nobody
// but us removes ours.
func (s *store) confirm(ctx context.Context) error {
	entry, err := s.kv.Get(ctx, s.leaseKey())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return s.lose("it has ended since")
	}
	if err != nil {
		return err
	}
	if there := readSignature(entry.Value()); there.Token != s.token {
		return s.lose(there.String())
	}
	s.lease.rev = entry.Revision()
	return nil
}

// lose takes note that the lease is lost for good.
func (s *store) lose(how string) error {
	s.lease.lost = fmt.Errorf("%w: %s", state.ErrLost, how)
	return s.lease.lost
}

// Inspect implements state.Leased. Where there is a lease it watches for a moment whether that is renewed.
func (s *store) Inspect(ctx context.Context) (info state.Info, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kv == nil {
		return info, nil
	}
	entry, err := s.kv.Get(ctx, s.key())
	switch {
	case err == nil:
		info.Written = entry.Created()
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		return info, fmt.Errorf("look at the state of %s: %w", s.instance, s.conn.explainState(err))
	}
	info.Held, err = s.watch(ctx)
	return info, err
}

// watch looks at the lease for half its time, or until it is renewed.
func (s *store) watch(ctx context.Context) (*state.HeldError, error) {
	ticker := time.NewTicker(s.leaseTime / renewals / 4)
	defer ticker.Stop()
	var sight sighting
	for {
		entry, err := s.kv.Get(ctx, s.leaseKey())
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look at the lease on the state of %s: %w", s.instance, s.conn.explainState(err))
		}
		sight.look(entry.Revision())
		if sight.moved || time.Since(sight.since) > s.leaseTime/2 {
			return &state.HeldError{Holder: readSignature(entry.Value()).Holder, Alive: sight.moved}, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Close implements state.Store. It gives the lease up where the server can be reached; else the lease ends by itself. The
// connection belongs to its Conn.
func (s *store) Close() error {
	s.mu.Lock()
	l := s.lease
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	<-l.done
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.lease = nil }()
	if l.lost != nil || s.conn.Healthy() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.leaseTime/renewals)
	defer cancel()
	err := s.kv.Delete(ctx, s.leaseKey(), jetstream.LastRevision(l.rev))
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) { // of ours, unconfirmed, or another's
		if err = s.confirm(ctx); err == nil {
			err = s.kv.Delete(ctx, s.leaseKey(), jetstream.LastRevision(l.rev))
		}
	}
	if err != nil && l.lost == nil {
		return fmt.Errorf("release the lease on the state of %s: %w", s.instance, s.conn.explain(err))
	}
	return nil
}
