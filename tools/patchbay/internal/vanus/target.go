package vanus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
)

// attemptTimeout bounds one attempt to post an event, as in the development kit.
const attemptTimeout = 5 * time.Second

// A target posts events, one a request in the structured mode, each up to a number of times. After that the event is a
// transport.Rejected, whatever the server has answered: the development kit makes no difference either. The events of a
// partition go one after the other.
type target struct {
	post     *cloudevents.Sender
	attempts int  // 0 means no end of them
	stops    bool // an event that is refused is the last: none may overtake it, since it will be sent again
	log      *slog.Logger
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	active   sync.WaitGroup // one for each lane

	mu    sync.Mutex
	lanes map[string][]outgoing // what waits, by partition; an entry for each that is at work
	open  int                   // events that are not settled
	last  error                 // why no more events are posted
	idle  chan struct{}         // closed while open is 0
}

type outgoing struct {
	rec     record.Record
	settled func(error)
}

var errTargetClosed = errors.New("stopped before the target has taken the event")

// newTarget returns a Writer that posts to url. source is the CloudEvents source of events that have none.
func newTarget(url, source string, attempts int, log *slog.Logger) (*target, error) {
	post, err := cloudevents.NewSender(cloudevents.WriterConfig{
		URL: url, Source: source, Mode: cloudevents.Structured, Timeout: attemptTimeout,
	})
	if err != nil {
		return nil, err
	}
	t := &target{post: post, attempts: attempts, log: log, lanes: map[string][]outgoing{}, idle: make(chan struct{})}
	close(t.idle)
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t, nil
}

// Write implements transport.Writer. It does not block: delivery bounds what is on its way.
func (t *target) Write(_ context.Context, rec record.Record, settled func(error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		return errTargetClosed
	}
	if t.open == 0 {
		t.idle = make(chan struct{})
	}
	t.open++
	waiting, working := t.lanes[rec.Partition]
	t.lanes[rec.Partition] = append(waiting, outgoing{rec, settled})
	if !working {
		t.active.Go(func() { t.work(rec.Partition) })
	}
	return nil
}

// work posts what a partition has, until there is nothing.
func (t *target) work(partition string) {
	for {
		t.mu.Lock()
		waiting := t.lanes[partition]
		if len(waiting) == 0 {
			delete(t.lanes, partition)
			t.mu.Unlock()
			return
		}
		next := waiting[0]
		waiting[0] = outgoing{} // for the garbage collector
		t.lanes[partition] = waiting[1:]
		err := t.last
		t.mu.Unlock()
		if err == nil {
			err = t.deliver(next.rec)
		}
		if t.stops && delivery.IsPermanent(err) {
			t.mu.Lock()
			t.last = fmt.Errorf("not sent after an event that was not taken: %w", errTargetClosed)
			t.mu.Unlock()
		}
		next.settled(err)
		t.mu.Lock()
		if t.open--; t.open == 0 {
			close(t.idle)
		}
		t.mu.Unlock()
	}
}

// deliver makes the attempts for one event.
func (t *target) deliver(rec record.Record) error {
	var backoff delivery.Backoff
	for made := 1; ; made++ {
		unfit, err := t.post.Send(t.ctx, rec)
		switch {
		case err == nil, unfit: // no other attempt would make an event of it
			return err
		case t.ctx.Err() != nil:
			return errTargetClosed
		case t.attempts > 0 && made >= t.attempts:
			return &transport.Rejected{Err: fmt.Errorf("%w (attempt %d of %d)", err, made, t.attempts)}
		}
		wait := backoff.Next()
		if delayed := (*transport.Delayed)(nil); errors.As(err, &delayed) {
			wait = max(wait, delayed.Wait)
		}
		t.log.Warn("an event was not taken, trying again", "attempt", made, "wait", wait, "error", err)
		if delivery.Sleep(t.ctx, wait) != nil {
			return errTargetClosed
		}
	}
}

// Flush implements transport.Writer.
func (t *target) Flush(ctx context.Context) error {
	t.mu.Lock()
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close implements transport.Writer.
func (t *target) Close() error {
	t.mu.Lock()
	t.cancel()
	t.mu.Unlock()
	err := t.post.Close()
	t.active.Wait()
	return err
}

var _ transport.Writer = (*target)(nil)
