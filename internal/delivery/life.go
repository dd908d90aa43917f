package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// errStartTimeout ends a session that never showed a sign of life.
var errStartTimeout = errors.New("no sign of life within the start timeout")

// States of a run, as they are told to the other side of a link.
const (
	stateReady    = "ready"
	stateRetrying = "retrying"
	stateFailed   = "failed"
)

// A life is what the runs of sources and sinks have in common: sessions that follow each other until the work is done, an
// error is final, or the user asks for the end, and then one shutdown timeout for everything that is left to do.
type life struct {
	limits Limits
	log    *slog.Logger
	tell   func(state string, err error) // may be nil
	what   string                        // source or sink, for messages

	metrics *observe.Metrics // may be nil

	alive context.Context // ends when the user asks for the end, or when the run is over
	work  context.Context // ends when four fifths of the shutdown timeout have passed since: for finishing what is under way
	last  context.Context // ends with the shutdown timeout: for confirming and saving what was finished
	stop  context.Context // ends when the user asks for the end

	die     context.CancelCauseFunc // of alive
	endWork context.CancelCauseFunc
	endLast context.CancelCauseFunc
	timers  []*time.Timer

	mu      sync.Mutex
	closed  bool
	over    bool
	fatal   error
	session context.CancelCauseFunc // of the session that runs
	started bool                    // some session showed a sign of life
	down    bool                    // the last session failed, and the next has shown no sign of life
	stuck   bool                    // the last record that was tried was not delivered
	since   time.Time               // of the first trouble after the last delivery
	ailment error                   // the last trouble
	state   string                  // that was told
	well    atomic.Bool             // neither down nor stuck, and told so: a fast path
	count   atomic.Int64            // of records delivered
}

func newLife(
	ctx context.Context, what string, limits Limits, log *slog.Logger, tell func(string, error), m *observe.Metrics,
) *life {
	l := &life{limits: limits, log: log, tell: tell, what: what, metrics: m, stop: ctx}
	if l.limits.StartBy.IsZero() {
		l.limits.StartBy = time.Now().Add(limits.StartTimeout)
	}
	detached := context.WithoutCancel(ctx)
	l.alive, l.die = context.WithCancelCause(ctx)
	l.work, l.endWork = context.WithCancelCause(detached)
	l.last, l.endLast = context.WithCancelCause(detached)
	context.AfterFunc(l.alive, l.wind)
	return l
}

// errStopping is why a session is not ready while what it left is finished.
var errStopping = errors.New("stopping")

// wind starts the clock of the shutdown.
func (l *life) wind() {
	l.metrics.Down(observe.Session, errStopping)
	timeout := l.limits.ShutdownTimeout
	late := fmt.Errorf("not finished within the shutdown timeout of %s", timeout)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.timers = append(l.timers, time.AfterFunc(timeout*4/5, func() { l.endWork(late) }), time.AfterFunc(timeout, func() { l.endLast(late) }))
}

// close releases the timers, when the run has ended.
func (l *life) close() {
	l.die(nil)
	l.endWork(nil)
	l.endLast(nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, t := range l.timers {
		t.Stop()
	}
}

// finish ends the run because everything that was asked for is delivered.
func (l *life) finish() { l.end(errDone, nil) }

// fail ends the run because of an error that no retry can mend, or because the other side has gone.
func (l *life) fail(err error) {
	if transport.Gone(err) {
		l.end(errDone, nil)
		return
	}
	l.end(err, err)
}

func (l *life) end(cause, fatal error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over, l.fatal = true, fatal
	if l.session != nil {
		l.session(cause)
	}
	l.die(cause)
}

// outcome reports whether the run was ended, and by which error.
func (l *life) outcome() (over bool, fatal error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over, l.fatal
}

// ended returns the error by which the run was ended, if it was, and by one.
func (l *life) ended() error {
	_, fatal := l.outcome()
	return fatal
}

// lastAcks is how long a run that has failed waits for acknowledgements that are on their way.
const lastAcks = time.Second

// finishing returns the context for waiting, at the end of a run, for what is under way.
func (l *life) finishing() (context.Context, context.CancelFunc) {
	if _, fatal := l.outcome(); fatal != nil {
		return context.WithTimeout(l.work, lastAcks)
	}
	return l.work, func() {}
}

// begin notes a sign of life of the session that runs.
func (l *life) begin() {
	if l.well.Load() {
		return
	}
	l.mu.Lock()
	l.started, l.down = true, false
	l.mu.Unlock()
	l.update(nil)
	if l.alive.Err() == nil {
		l.metrics.Up(observe.Session)
	}
}

// delivered notes that n records reached the other side.
func (l *life) delivered(n int) {
	l.count.Add(int64(n))
	if l.well.Load() {
		return
	}
	l.mu.Lock()
	l.started, l.down, l.stuck, l.since = true, false, false, time.Time{}
	l.mu.Unlock()
	l.update(nil)
}

// relieve takes back trouble: the topic can be read again, or what was in trouble is done with, though it reached nobody. Unlike
// a delivery, that says nothing of the session.
func (l *life) relieve() {
	if l.well.Load() {
		return
	}
	l.mu.Lock()
	if l.stuck && !l.down {
		l.since = time.Time{}
	}
	l.stuck = false
	started := l.started
	l.mu.Unlock()
	if started {
		l.update(nil)
	}
}

// trouble notes that a record, or the reading of the topic, failed and is tried again after a wait. It reports whether that
// is hopeless: before the start, because the start timeout ends within the wait; with Once, because nothing was delivered
// for as long.
func (l *life) trouble(err error, wait time.Duration) (hopeless bool) {
	l.mu.Lock()
	l.stuck, l.ailment = true, err
	hopeless = l.hopeless(wait)
	l.mu.Unlock()
	l.update(err)
	return hopeless
}

// fallen is trouble of a whole session.
func (l *life) fallen(err error, wait time.Duration) (hopeless bool) {
	l.mu.Lock()
	l.down, l.ailment = true, err
	hopeless = l.hopeless(wait)
	l.mu.Unlock()
	l.update(err)
	l.metrics.Down(observe.Session, err)
	return hopeless
}

// hopeless reports whether waiting makes no sense any more. The mutex is held.
func (l *life) hopeless(wait time.Duration) bool {
	now := time.Now()
	if l.since.IsZero() {
		l.since = now
	}
	return !l.started && now.Add(wait).After(l.limits.StartBy) ||
		l.limits.Once && now.Add(wait).Sub(l.since) >= l.limits.StartTimeout
}

// update tells the state where it has changed.
func (l *life) update(err error) {
	l.mu.Lock()
	state := stateReady
	if l.down || l.stuck {
		state = stateRetrying
	}
	l.well.Store(state == stateReady && l.since.IsZero())
	changed := l.state != state && l.state != stateFailed // which is final
	if changed {
		l.state = state
	}
	l.mu.Unlock()
	if changed && l.tell != nil {
		l.tell(state, err)
	}
}

// failed tells that the run ends with an error. Only the first call does anything.
func (l *life) failed(err error) {
	l.mu.Lock()
	told := l.state == stateFailed
	l.state = stateFailed
	l.mu.Unlock()
	if !told && l.tell != nil {
		l.tell(stateFailed, err)
	}
}

// sessions runs one session after the other and returns the error that the run ends with.
func (l *life) sessions(session func() error) error {
	backoff := Backoff{Cap: l.limits.RetryCap}
	for {
		before := l.count.Load()
		err := session()
		if over, fatal := l.outcome(); over {
			return fatal
		}
		if l.stop.Err() != nil {
			if IsPermanent(err) && !echo(err) {
				return err
			}
			if err != nil && !echo(err) {
				l.log.Warn("the "+l.what+" failed while it stopped", "error", err)
			}
			return nil
		}
		if err == nil || transport.Gone(err) {
			return nil
		}
		if l.count.Load() > before {
			backoff.Reset()
		}
		wait := waitFor(err, backoff.Next())
		if IsPermanent(err) || l.fallen(err, wait) {
			return err
		}
		l.log.Warn("the "+l.what+" failed, starting it again", "wait", wait, "error", err)
		_ = Sleep(l.alive, wait) // whatever ended it is seen above
		if over, fatal := l.outcome(); over {
			return fatal
		}
		if l.stop.Err() != nil {
			return nil
		}
		l.metrics.Restarted()
	}
}

// echo reports whether an error is nothing but the news that a context has ended.
func echo(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errDone)
}

// one runs one session. Its context ends with parent; before the start also when the start timeout has passed. It returns
// what run returned, or why the session was ended from outside.
func (l *life) one(parent context.Context, run func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(withLog(parent, l.log))
	defer cancel(nil)
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return nil
	}
	l.session = cancel
	started := l.started
	l.mu.Unlock()
	if !started {
		timer := time.AfterFunc(time.Until(l.limits.StartBy), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if !l.started {
				cancel(errStartTimeout)
			}
		})
		defer timer.Stop()
	}
	err := l.guard(ctx, run)
	cause := context.Cause(ctx)
	var ended *sessionError
	switch {
	case errors.Is(cause, errStartTimeout):
		return l.lifeless(err)
	case errors.As(cause, &ended) && !IsPermanent(err):
		return ended.err
	}
	return err
}

// lifeless is the error of a run whose start timeout ended a session with err. Where err is but the news of that, the trouble
// that came before is the reason.
func (l *life) lifeless(err error) error {
	if err == nil || echo(err) || errors.Is(err, errStartTimeout) {
		l.mu.Lock()
		err = l.ailment
		l.mu.Unlock()
	}
	if err == nil {
		return Permanent(fmt.Errorf("%w of %s", errStartTimeout, l.limits.StartTimeout))
	}
	return Permanent(fmt.Errorf("%w of %s: %w", errStartTimeout, l.limits.StartTimeout, err))
}

// A sessionError ends the session that runs, so that another one follows.
type sessionError struct{ err error }

func (e *sessionError) Error() string { return e.err.Error() }

// endSession ends the session that runs, because of an error outside of it.
func (l *life) endSession(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		l.session(&sessionError{err})
	}
}

// guard runs f, and gives up waiting for it when it does not return in time after its context has ended: within the
// shutdown timeout. A panic is an error that ends the run.
func (l *life) guard(ctx context.Context, f func(ctx context.Context) error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				l.log.Error("the "+l.what+" panicked", "panic", p, "stack", string(debug.Stack()))
				done <- Permanent(fmt.Errorf("panic: %v", p))
			}
		}()
		done <- f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(l.limits.ShutdownTimeout) // in case only the session has ended
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	case <-l.last.Done():
	}
	return Permanent(fmt.Errorf("the connector did not stop within %s", l.limits.ShutdownTimeout))
}
