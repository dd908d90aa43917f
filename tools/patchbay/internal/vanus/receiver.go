package vanus

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	// answerWithin is a second less than senders of the platform wait for an answer.
	answerWithin = attemptTimeout - time.Second

	maxBody      = 16 << 20 // of one request
	maxHeaders   = 64 << 10
	maxReceived  = 64 << 20 // bytes of events that are not settled
	readTimeout  = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	drainTimeout = time.Second // for the last answers
)

// accepted is the body of the answer to an event that the sink has written.
const accepted = "accepted"

// A receiver takes events over HTTP, in the binary or the structured mode, at any path. Each request is answered with what
// the sink made of its event:
//
//	200 accepted   the sink has written it
//	400            it is no valid CloudEvent
//	422            the sink refuses it for good, and says why
//	503            the sink has not written it yet, and why; it may come again
//
// and 405, 413 and 429 where there is no event to look at. An event that comes again while the sink still has it is not
// written a second time: both requests get the same answer.
type receiver struct {
	log      *slog.Logger
	within   time.Duration // until the answer
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	closed   chan struct{}
	wake     chan struct{} // something is there to read

	mu      sync.Mutex
	pending map[identity]*event
	queue   []*event // those that nobody has read
	bytes   int64    // of what is received and not settled
	trouble string   // why the sink is trying again; empty if it is not
	over    bool
}

// An identity is what makes an event one and the same.
type identity struct{ source, id string }

func identify(rec *record.Record, id string) identity {
	return identity{rec.Headers[record.EventSourceHeader], id}
}

// An event is on its way, from the request that brought it until the sink has settled it.
type event struct {
	rec     record.Record
	key     identity
	size    int64
	waiting int           // requests
	refused string        // why the sink does not want it
	settled chan struct{} // closed when the sink is done with it
}

// listen opens a port on every interface, and takes events from then on. Port 0 means any free one. Requests are answered
// within the given time.
func listen(ctx context.Context, port int, within time.Duration, log *slog.Logger) (*receiver, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return nil, fmt.Errorf("receive events: %w", err)
	}
	r := &receiver{
		log: log, within: within, listener: listener, closed: make(chan struct{}), wake: make(chan struct{}, 1),
		pending: map[identity]*event{},
	}
	r.server = &http.Server{
		Handler: http.HandlerFunc(r.serve), ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaders,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	r.serving.Go(func() { _ = r.server.Serve(listener) }) // it ends with Close
	return r, nil
}

// reserve counts bytes. It reports false if there is no room for them, which there always is for one event.
func (r *receiver) reserve(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > 0 && r.bytes > 0 && r.bytes+n > maxReceived {
		return false
	}
	r.bytes += n
	return true
}

// admit queues an event, or finds the one that is on its way already.
func (r *receiver) admit(rec record.Record, size int64) *event {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := identify(&rec, rec.ID)
	e := r.pending[key]
	if e == nil {
		e = &event{rec: rec, key: key, size: size, settled: make(chan struct{})}
		r.pending[key] = e
		r.queue = append(r.queue, e)
		select {
		case r.wake <- struct{}{}:
		default:
		}
	} else {
		r.bytes -= size
	}
	e.waiting++
	return e
}

// await waits for what becomes of an event, and answers one request.
func (r *receiver) await(ctx context.Context, e *event) answer {
	timer := time.NewTimer(r.within)
	defer timer.Stop()
	select {
	case <-e.settled:
	case <-timer.C:
	case <-ctx.Done():
	case <-r.closed:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.waiting--
	select {
	case <-e.settled:
		if e.refused != "" {
			return answer{http.StatusUnprocessableEntity, e.refused}
		}
		return answer{http.StatusOK, accepted}
	default:
	}
	r.drop(e)
	switch {
	case r.over:
		return closing
	case r.trouble != "":
		return answer{http.StatusServiceUnavailable, r.trouble}
	}
	return answer{http.StatusServiceUnavailable, fmt.Sprintf("the sink has not written the event within %s; send it again", r.within)}
}

// drop forgets an event that nobody waits for and nobody has read: it will come again. The lock is held.
func (r *receiver) drop(e *event) {
	if e.waiting > 0 {
		return
	}
	for i, queued := range r.queue {
		if queued == e {
			r.queue = append(r.queue[:i:i], r.queue[i+1:]...)
			r.forget(e)
			return
		}
	}
}

// forget ends what is known of an event. The lock is held.
func (r *receiver) forget(e *event) {
	delete(r.pending, e.key)
	r.bytes -= e.size
}

// Read implements transport.Reader. It does not wait for more: each request is one that waits for its answer.
func (r *receiver) Read(ctx context.Context, most int, _ time.Duration) ([]transport.Message, error) {
	for {
		r.mu.Lock()
		n := min(most, len(r.queue))
		out := make([]transport.Message, n)
		for i, e := range r.queue[:n] {
			out[i] = transport.Message{Record: e.rec, Ack: func() error { r.settle(e); return nil }}
		}
		r.queue = r.queue[n:]
		over := r.over
		r.mu.Unlock()
		switch {
		case n > 0:
			return out, nil
		case over:
			return nil, &transport.Broken{Err: net.ErrClosed}
		}
		select {
		case <-r.wake:
		case <-r.closed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (r *receiver) settle(e *event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(e)
	close(e.settled)
}

// refuse keeps why the sink does not want an event, which is a dead letter to it. The event is settled afterwards.
func (r *receiver) refuse(letter record.Record) error {
	id := letter.Headers[delivery.HeaderID]
	if id == "" {
		id = letter.ID
	}
	reason := letter.Headers[delivery.HeaderReason]
	if reason == "" {
		reason = "the sink refuses the event"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.pending[identify(&letter, id)]
	if e == nil {
		return fmt.Errorf("the sink refuses an event that it was not sent: id %q: %s", id, reason)
	}
	e.refused = reason
	r.log.Warn("the sink refuses an event", "id", id, "reason", reason)
	return nil
}

// status hears how the sink is doing.
func (r *receiver) status(state string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble = ""
	if state == "retrying" && err != nil {
		r.trouble = err.Error()
	}
}

// Flush implements transport.Reader. Close waits for the answers.
func (r *receiver) Flush(context.Context) error { return nil }

// Close answers every request that waits, and stops listening. It blocks for a second at the most.
func (r *receiver) Close() error {
	r.mu.Lock()
	if !r.over {
		r.over = true
		close(r.closed)
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close() // those who do not even read an answer
	}
	r.serving.Wait()
	return nil
}

var _ transport.Reader = (*receiver)(nil)
