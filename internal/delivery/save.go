package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// saveEvery is the least time between two saves: positions that move faster are saved together.
const saveEvery = 200 * time.Millisecond

// A saver writes positions to the store after delivery, in its own goroutine, and tells the connector of what is saved.
type saver struct {
	store   state.Store
	state   state.State
	tracker *tracker
	log     *slog.Logger
	failed  func(error) // what the connector made of a saved position

	mu        sync.Mutex
	committed committedFunc // of the session that runs

	wake chan struct{}
	stop chan struct{}
	done sync.WaitGroup
}

type committedFunc func(ctx context.Context, partition, position string) error

// setCommitted says whom to tell of saved positions; nil tells nobody.
func (s *saver) setCommitted(f committedFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed = f
}

// moved asks for a save. It does not block.
func (s *saver) moved() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run saves until close is called.
func (s *saver) run(ctx context.Context) {
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		var backoff Backoff
		for {
			select {
			case <-s.wake:
			case <-s.stop:
				return
			}
			wait := saveEvery
			if err := s.save(ctx); err != nil {
				wait = backoff.Next()
				s.log.Warn("position not saved, trying again", "wait", wait, "error", err)
				s.moved()
			} else {
				backoff.Reset()
			}
			select {
			case <-time.After(wait):
			case <-s.stop:
				return
			}
		}
	}()
}

// save writes what has been delivered so far.
func (s *saver) save(ctx context.Context) error {
	moved, all := s.tracker.take()
	if len(moved) == 0 {
		return nil
	}
	s.state.Positions = all
	if err := s.store.Save(ctx, &s.state); err != nil {
		s.tracker.untake(moved)
		return err
	}
	s.mu.Lock()
	committed := s.committed
	s.mu.Unlock()
	if committed != nil {
		for partition, position := range moved {
			if err := committed(ctx, partition, position); err != nil {
				s.failed(err)
				return nil
			}
		}
	}
	return nil
}

// close ends the goroutine and saves once more.
func (s *saver) close(ctx context.Context) error {
	close(s.stop)
	s.done.Wait()
	return s.save(ctx)
}
