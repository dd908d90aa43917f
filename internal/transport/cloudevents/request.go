package cloudevents

import (
	"errors"
	"net/http"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A request is what one POST holds, from the first byte of its body until nobody has anything of it. The reader's lock
// guards it.
type request struct {
	records  []record.Record
	next     int           // the first one that nobody has read
	open     int           // records that are not acknowledged
	held     int           // records that were read and are not acknowledged
	bytes    int64         // what it counts for
	over     bool          // its handler no longer waits
	acked    chan struct{} // closed when all of it is acknowledged
	answered chan struct{} // closed when the sender has been told
}

func newRequest() *request {
	return &request{acked: make(chan struct{}), answered: make(chan struct{})}
}

var errSenderGone = errors.New("the request has been answered or its sender has left, so that the record may come again")

// message reads the next record of a request. The lock is held.
func (r *Reader) message(q *request) transport.Message {
	rec := q.records[q.next]
	q.records[q.next] = record.Record{} // the caller has it now
	q.next++
	q.held++
	settled := false
	return transport.Message{Record: rec, Ack: func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if settled {
			return nil
		}
		settled = true
		q.held--
		if q.over {
			r.release(q)
			return errSenderGone
		}
		if q.open--; q.open == 0 {
			r.answering[q] = struct{}{}
			close(q.acked)
		}
		return nil
	}}
}

// reserve counts n more bytes of a request. It reports false if there is no room for them.
func (r *Reader) reserve(q *request, n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+n > r.cfg.MaxBytes && r.bytes > q.bytes {
		return false
	}
	r.bytes += n
	q.bytes += n
	return true
}

// admit queues the records of a request.
func (r *Reader) admit(q *request, recs []record.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.broken != nil:
		return errClosing
	case r.records+len(recs) > r.cfg.MaxInFlight:
		return errBusy
	}
	if len(recs) == 0 {
		close(q.acked)
		return nil
	}
	q.records, q.open = recs, len(recs)
	r.records += len(recs)
	r.queue = append(r.queue, q)
	return nil
}

// finish ends a handler's wait for the fate of its request and returns how the request is to be answered: nil for success.
func (r *Reader) finish(q *request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.over = true
	r.drop(q)
	r.release(q)
	switch {
	case q.open == 0:
		return nil
	case r.broken != nil:
		return errClosing
	}
	return errLeft
}

// release gives back what a request counted for when nobody has anything of it any more. The lock is held.
func (r *Reader) release(q *request) {
	if !q.over || q.held > 0 {
		return
	}
	r.records -= len(q.records)
	r.bytes -= q.bytes
	q.records, q.bytes = nil, 0
}

// An unavailable error asks the sender to come again a little later.
type unavailable struct {
	status int
	reason string
}

func (u *unavailable) Error() string { return u.reason }

var (
	errClosing = &unavailable{http.StatusServiceUnavailable, "this program is stopping; send the request again"}
	errUnread  = &unavailable{http.StatusServiceUnavailable, "this program waits for another one to end; send the request again"}
	errLeft    = &unavailable{http.StatusServiceUnavailable, "the sender left before the answer"}
	errBusy    = &unavailable{http.StatusTooManyRequests, "too many records are being processed; send the request again"}
)
