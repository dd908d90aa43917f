package delivery

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// retry writes records again that the topic did not acknowledge, as long as that may help, with a back-off. While something
// failed, it lets what is in flight settle, then writes the failures again in their first order, and only then takes new
// records. What goes past is bounded by the limit above it. Only a topic that stops at a failure (a transport.Resumer) keeps the order
// in all cases: a record may be on its way to the topic just when the one before it fails.
type retry struct {
	transport.Writer
	life    *life
	retried func(records int) // counts them; may be nil
	backoff Backoff
	ctx     context.Context // ends with Close
	cancel  context.CancelCauseFunc

	mu       sync.Mutex
	sequence uint64
	inFlight int
	failed   []*attempt
	cause    error         // of the first failure
	open     chan struct{} // closed while nothing has failed
	running  sync.WaitGroup
}

type attempt struct {
	sequence uint64
	rec      record.Record
	settled  func(error)
}

func newRetry(next transport.Writer, l *life, backoff Backoff) *retry {
	r := &retry{Writer: next, life: l, backoff: backoff, open: make(chan struct{})}
	close(r.open)
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	return r
}

// Write implements transport.Writer.
func (r *retry) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	for {
		r.mu.Lock()
		if len(r.failed) == 0 && r.ctx.Err() == nil {
			break
		}
		open := r.open
		r.mu.Unlock()
		select {
		case <-open:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.sequence++
	a := &attempt{r.sequence, rec, settled}
	r.inFlight++
	r.mu.Unlock()
	err := r.Writer.Write(ctx, rec, func(err error) { r.done(a, err) })
	if err != nil && ctx.Err() != nil { // not handed over, and the caller has gone
		r.mu.Lock()
		r.inFlight--
		r.resume()
		r.mu.Unlock()
		return err
	}
	if err != nil {
		r.done(a, err)
	}
	return nil
}

// done settles an attempt, or keeps it for the next round.
func (r *retry) done(a *attempt, err error) {
	final := r.final(err)
	if final {
		a.settled(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	if !final {
		if len(r.failed) == 0 { // those that follow may only be told that they are not the first
			r.open, r.cause = make(chan struct{}), err
		}
		r.failed = append(r.failed, a)
	}
	r.resume()
}

// final reports whether nothing is gained by writing again.
func (r *retry) final(err error) bool {
	_, broken := errors.AsType[*transport.Broken](err)
	return err == nil || broken || IsPermanent(err) || transport.Gone(err) || r.ctx.Err() != nil
}

// resume starts the next round when everything in flight has settled. The mutex is held.
func (r *retry) resume() {
	if r.inFlight > 0 || len(r.failed) == 0 {
		return
	}
	round := r.failed
	slices.SortFunc(round, func(a, b *attempt) int { return int(a.sequence) - int(b.sequence) })
	r.inFlight = len(round) // so that no round starts before this one has settled
	r.running.Add(1)
	go r.again(round, r.cause)
}

// again waits and writes one round of failures. r.failed keeps them until they settle, so that Write holds back.
func (r *retry) again(round []*attempt, cause error) {
	defer r.running.Done()
	r.mu.Lock()
	wait := waitFor(cause, r.backoff.Next())
	r.mu.Unlock()
	if r.life.trouble(cause, wait) {
		r.life.fail(cause)
	}
	r.life.metrics.Down(observe.Broker, cause)
	r.life.log.Warn("publish failed, trying again", "records", len(round), "wait", wait, "error", cause)
	stopped := Sleep(r.ctx, wait)
	if stopped == nil && r.retried != nil {
		r.retried(len(round))
	}
	if topic, ok := r.Writer.(transport.Resumer); ok {
		topic.Resume()
	}
	answers := make(chan answer, len(round)) // with room for all: who settles does not wait
	for i, a := range round {
		err := stopped
		if err == nil {
			err = r.Writer.Write(r.ctx, a.rec, func(err error) { answers <- answer{i, err} })
		}
		if err != nil {
			answers <- answer{i, err}
		}
	}
	results := r.await(answers, len(round))
	if !slices.ContainsFunc(results, func(err error) bool { return !r.final(err) }) && r.ctx.Err() == nil {
		r.life.metrics.Up(observe.Broker) // before the run hears of the last record, and ends
	}
	var still []*attempt
	for i, a := range round {
		if err := results[i]; r.final(err) {
			a.settled(err)
		} else {
			if len(still) == 0 {
				cause = err
			}
			still = append(still, a)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight -= len(round)
	r.failed = still
	if len(still) == 0 {
		r.backoff.Reset()
		close(r.open)
		return
	}
	r.cause = cause
	r.resume()
}

// An answer is what attempt i of a round is settled with.
type answer struct {
	i   int
	err error
}

// await returns what n attempts are settled with. It does not wait beyond Close: closing the topic settles what is under way,
// but that of dead letters is closed later, by whoever made it.
func (r *retry) await(answers <-chan answer, n int) []error {
	results := make([]error, n)
	for i := range results {
		results[i] = errNoAnswer
	}
	for range n {
		select {
		case a := <-answers:
			results[a.i] = a.err
		case <-r.ctx.Done():
			select { // what has come by now counts
			case a := <-answers:
				results[a.i] = a.err
			default:
			}
		}
	}
	return results
}

// errNoAnswer is what Close leaves.
var errNoAnswer = errors.New("closed before the topic acknowledged the record")

// Flush implements transport.Writer.
func (r *retry) Flush(ctx context.Context) error {
	for {
		if err := r.Writer.Flush(ctx); err != nil {
			return err
		}
		r.mu.Lock()
		open, idle := r.open, len(r.failed) == 0
		r.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-open:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close implements transport.Writer.
func (r *retry) Close() error {
	r.cancel(errNoAnswer)
	err := r.Writer.Close()
	r.running.Wait()
	return err
}
