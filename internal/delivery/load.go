package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A loader finds out where a run goes on.
type loader struct {
	Instance
	store    state.Store // nil when none is kept
	identity string
	life     *life
	waiting  func(holder *state.Holder) // may be nil
	advice   string                     // what helps where the state cannot be read
	other    string                     // what to give a run that is to have a state of its own
	holder   *state.Holder              // of the state, that was waited for last
}

// anewAtEveryStart is what to know where aggregates are not saved.
const anewAtEveryStart = "no state is kept with these flags, so aggregates begin anew at every start"

// What is saved, in words.
const (
	savedPosition   = "position"
	savedAggregates = "aggregates"
)

func (l *loader) kind() string {
	if l.life.what == "sink" {
		return savedAggregates
	}
	return savedPosition
}

// recall gives transforms what they had come to when a state was saved. It reports whether they keep anything.
func recall(chain *transform.Chain, saved *state.State, l *life) bool {
	for _, note := range chain.Restore(saved.Aggregates) {
		l.log.Warn(note)
	}
	return chain.Keeps()
}

// load acquires the lease on the saved state and reads it, trying again until the start timeout has passed, and refuses one
// that belongs to something else. It returns nil, and the error of the run if it has one, when that ends meanwhile.
func (l *loader) load() (*state.State, error) {
	fresh := &state.State{Connector: l.Connector, Identity: l.identity}
	if l.store == nil {
		return fresh, nil
	}
	backoff := Backoff{Cap: l.life.limits.RetryCap}
	for {
		saved, err := l.acquire()
		switch {
		case l.life.stop.Err() != nil || transport.Gone(err):
			return nil, l.life.ended()
		case err == nil && saved == nil:
			return fresh, nil
		case err == nil:
			return l.accept(saved)
		}
		wait := backoff.Next()
		var held *state.HeldError
		switch {
		case errors.As(err, &held):
			return nil, fmt.Errorf("%w; stop it first, or give this one %s", err, l.other)
		case errors.Is(err, state.ErrDamaged), errors.Is(err, state.ErrVersion):
			return nil, fmt.Errorf("load the saved %s of %s: %w; %s", l.kind(), l.Name, err, l.advice)
		case l.life.fallen(err, wait): // no record was in trouble: the session's first sign of life ends it
			return nil, fmt.Errorf("load the saved %s of %s: %w", l.kind(), l.Name, err)
		}
		l.life.log.Warn("the saved position cannot be loaded, trying again", "wait", wait, "error", err)
		if Sleep(l.life.alive, wait) != nil {
			return nil, l.life.ended()
		}
	}
}

// acquire waits until no other process uses the saved state, and loads it.
func (l *loader) acquire() (*state.State, error) {
	leased, isLeased := l.store.(state.Leased)
	if isLeased {
		waited := false
		err := state.Acquire(l.life.alive, leased, l.life.limits.StartTimeout, l.life.fail, func(held *state.HeldError) error {
			waited = true
			return l.await(held)
		})
		if err != nil {
			return nil, err
		}
		if waited {
			l.postpone()
		}
		if l.waiting != nil && l.holder != nil {
			l.waiting(nil)
		}
	}
	ctx, cancel := context.WithDeadline(l.life.alive, l.life.limits.StartBy)
	defer cancel()
	saved, err := l.store.Load(ctx)
	if isLeased && err == nil && l.kind() == savedPosition && (saved == nil || len(saved.Positions) == 0) {
		l.life.log.Info("no position is saved, starting from the beginning", "state", leased.Where())
	}
	return saved, err
}

// await is called each time that another process is seen to use the saved state. A bounded pass does not wait for one that is
// alive; else each is told of once.
func (l *loader) await(held *state.HeldError) error {
	l.postpone()
	if l.life.limits.Once && held.Alive {
		return held
	}
	if l.holder == nil || *l.holder != held.Holder {
		l.holder = &held.Holder
		l.life.log.Warn("another process uses the same saved position, waiting for it to end", "holder", held.Holder.String())
		if l.life.tell != nil {
			l.life.tell(stateRetrying, held)
		}
		if l.waiting != nil {
			l.waiting(l.holder)
		}
	}
	return nil
}

// postpone begins the start timeout anew: it does not run while another process is waited for.
func (l *loader) postpone() { l.life.limits.StartBy = time.Now().Add(l.life.limits.StartTimeout) }

// accept checks that a saved state belongs to this source.
func (l *loader) accept(saved *state.State) (*state.State, error) {
	if saved.Connector != "" && saved.Connector != l.Connector {
		return nil, &StateMismatch{fmt.Sprintf("the saved position of %q belongs to %s; choose another --name", l.Name, saved.Connector)}
	}
	if saved.Identity != "" && saved.Identity != l.identity {
		return nil, &StateMismatch{fmt.Sprintf("the saved position of %q is for another resource than the options name; "+
			"choose another --name, or start over with %s state reset", l.Name, l.Connector)}
	}
	saved.Connector, saved.Identity = l.Connector, l.identity
	return saved, nil
}

// A StateMismatch says that a saved position cannot be used with the options as given: wrong usage, not a failure.
type StateMismatch struct{ message string }

// Error tells what does not fit, and what to do.
func (e *StateMismatch) Error() string { return e.message }
