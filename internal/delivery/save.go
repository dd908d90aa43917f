package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// saveEvery is the least time between two saves: positions that move faster are saved together.
const saveEvery = 200 * time.Millisecond

// saveSoon is the same where a source waits for the save before it tells its own upstream.
const saveSoon = 10 * time.Millisecond

// committedFunc tells a connector that a position is saved.
type committedFunc func(ctx context.Context, partition, position string) error

// A saver writes positions, and what transforms have come to, to the store after delivery, in its own goroutine, and tells the connector of what is saved.
type saver struct {
	store   state.Store
	state   state.State
	tracker *tracker
	life    *life

	mu        sync.Mutex
	session   context.Context   // ends when the session's Run returns
	committed committedFunc     // of the session that runs; nil tells nobody
	saved     map[string]string // all saved positions
	untold    map[string]string // those that the session was not told of

	told chan struct{} // asks for telling
	stop context.CancelFunc
	done sync.WaitGroup
}

// newSaver starts a saver. It saves until close is called.
func newSaver(store state.Store, st state.State, t *tracker, l *life) *saver {
	s := &saver{store: store, state: st, tracker: t, life: l, saved: st.Positions, told: make(chan struct{}, 1)}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(l.last)
	l.metrics.OnPositionAge(t.age)
	s.done.Go(func() { s.run(ctx) })
	return s
}

func (s *saver) run(ctx context.Context) {
	var backoff Backoff
	wake := s.tracker.moved
	for {
		select {
		case <-wake:
		case <-s.told:
			s.tell()
			continue
		case <-ctx.Done():
			return
		}
		wait := saveEvery
		if err := s.save(ctx); errors.Is(err, state.ErrLost) {
			s.life.fail(err)
			return
		} else if err != nil && ctx.Err() == nil {
			wait = backoff.Next()
			s.life.log.Warn("position not saved, trying again", "wait", wait, "error", err)
			s.tracker.signal()
		} else {
			backoff.Reset()
			if s.tracker.waiting() {
				wait = saveSoon
			}
		}
		s.tell()
		if Sleep(ctx, wait) != nil {
			return
		}
	}
}

// save writes what has been delivered so far.
func (s *saver) save(ctx context.Context) error {
	c := s.tracker.take()
	if !c.changed {
		return nil
	}
	s.state.Positions, s.state.Aggregates = c.positions, c.aggregates
	begun := s.life.metrics.Start()
	err := s.store.Save(ctx, &s.state)
	s.life.metrics.Saved(begun, err)
	if err != nil {
		s.tracker.untake(c)
		return err
	}
	s.tracker.kept(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = c.positions
	if s.committed == nil {
		return nil // the next session begins with all that is saved
	}
	for partition, position := range c.moved {
		if s.untold[partition] = position; position == "" {
			delete(s.untold, partition) // it is forgotten, and with it what was to be told of it
		}
	}
	return nil
}

// tellWhile calls f for saved positions while run runs, and returns what run does. The context of f ends with run, and no
// call outlives it. It begins with all of them: the program may have ended before it told, or the session before may have been
// told whose connection was lost then, with what it had yet to pass on.
func (s *saver) tellWhile(f committedFunc, run func() error) error {
	ctx, cancel := context.WithCancel(s.life.last)
	s.setCommitted(ctx, f)
	defer s.setCommitted(ctx, nil) // waits for a call that is under way
	defer cancel()
	return run()
}

func (s *saver) setCommitted(session context.Context, f committedFunc) {
	s.mu.Lock()
	s.session, s.committed, s.untold = session, f, map[string]string{}
	if f != nil {
		maps.Copy(s.untold, s.saved)
	}
	s.mu.Unlock()
	select {
	case s.told <- struct{}{}:
	default:
	}
}

// tell calls the connector for each saved position that its session has not heard of. An error ends the session.
func (s *saver) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.committed == nil {
		return
	}
	for _, partition := range slices.Sorted(maps.Keys(s.untold)) {
		err := s.committed(s.session, partition, s.untold[partition])
		if err == nil {
			delete(s.untold, partition)
			continue
		}
		s.committed = nil
		if s.session.Err() == nil {
			s.life.endSession(fmt.Errorf("confirm the position %q: %w", s.untold[partition], err))
		}
		return
	}
}

// close ends the goroutine and saves once more, within the shutdown timeout.
func (s *saver) close() error {
	s.stop()
	s.done.Wait()
	err := s.save(s.life.last)
	if err != nil {
		release(s.tracker.take().waiting, err)
	}
	return err
}
