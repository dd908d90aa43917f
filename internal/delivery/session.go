package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errStartTimeout ends a session that never showed a sign of life.
var errStartTimeout = errors.New("no sign of life within the start timeout")

// sessions runs the source until it is done, fails for good, or ctx ends.
func (s *source) sessions(ctx context.Context) error {
	backoff := Backoff{Cap: s.RetryCap}
	progress := time.Now() // of the last delivery, or of the start
	for {
		delivered, err := s.session(ctx)
		if finished, fatal := s.isFinished(); finished {
			return fatal
		}
		if ctx.Err() != nil {
			if err != nil && !stopped(ctx, err) {
				return err
			}
			return nil
		}
		if err == nil {
			return nil // the input is exhausted
		}
		if delivered > 0 {
			progress = time.Now()
			backoff.Reset()
		}
		wait := waitFor(err, backoff.Next())
		s.mu.Lock()
		limited := !s.started || s.Once
		s.mu.Unlock()
		if IsPermanent(err) || limited && time.Since(progress)+wait >= s.StartTimeout {
			s.status("failed", err)
			return err
		}
		s.Log.Warn("the source failed, starting it again", "wait", wait, "error", err)
		s.status("retrying", err)
		if Sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// stopped reports whether an error is nothing but the echo of ctx having ended.
func stopped(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))
}

// session runs the source once and returns how many records it delivered, after all that it sent has settled.
func (s *source) session(ctx context.Context) (delivered int64, err error) {
	session, err := s.Session()
	if err != nil {
		return 0, Permanent(err)
	}
	if s.saver != nil {
		s.saver.setCommitted(session.Committed)
	}
	s.tracker.reset()
	s.ids.restart()
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	s.cancel = cancel
	finished, started := s.finished, s.started
	s.mu.Unlock()
	if finished {
		return 0, nil
	}
	if !started {
		timer := time.AfterFunc(s.StartTimeout, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.started {
				cancel(errStartTimeout)
			}
		})
		defer timer.Stop()
	}
	out := &Output{writer: s.writer, tracker: s.tracker, ids: s.ids, once: s.Once, started: s.begin, fail: s.fail}
	err = guard(running, s.ShutdownTimeout, func() error { return session.Run(running, out) })
	out.over.Store(true)
	if errors.Is(context.Cause(running), errStartTimeout) {
		return 0, startTimeout(running, s.StartTimeout, err)
	}
	cancel(err)
	// What was sent before the failure is settled first, so that the next session starts behind it.
	select {
	case <-s.tracker.settledAll():
	case <-ctx.Done():
	}
	return out.settled.Load(), err
}

// startTimeout is the error of a session that did not start in time, with what the connector had to say, if anything.
func startTimeout(ctx context.Context, timeout time.Duration, err error) error {
	if err == nil || stopped(ctx, err) {
		return Permanent(fmt.Errorf("%w of %s", errStartTimeout, timeout))
	}
	return Permanent(fmt.Errorf("%w of %s: %w", errStartTimeout, timeout, err))
}

// guard runs f, and gives up waiting for it when it does not return within the timeout after ctx has ended.
func guard(ctx context.Context, timeout time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return Permanent(fmt.Errorf("the connector did not stop within %s", timeout))
	}
}
