package vanus

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
)

// An answer is what a sender gets.
type answer struct {
	status int
	text   string
}

var (
	busy    = answer{http.StatusTooManyRequests, "too many events are being processed; send it again"}
	closing = answer{http.StatusServiceUnavailable, "this program is stopping; send the event again"}
)

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	a := r.process(w, req)
	if a.status != http.StatusOK {
		r.log.Debug("an event is not accepted", "from", req.RemoteAddr, "status", a.status, "reason", a.text)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.text) // a sender that has left will send it again
}

func (r *receiver) process(w http.ResponseWriter, req *http.Request) answer {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return answer{http.StatusMethodNotAllowed, "send events with POST"}
	}
	size := req.ContentLength
	if size < 0 {
		size = maxBody
	}
	if size > maxBody {
		return tooLarge
	}
	if !r.reserve(size) {
		return busy
	}
	rec, problem := read(w, req)
	if problem != nil {
		r.reserve(-size)
		return *problem
	}
	return r.await(req.Context(), r.admit(rec, size))
}

var tooLarge = answer{http.StatusRequestEntityTooLarge, fmt.Sprintf("the event is larger than %d bytes", maxBody)}

// read reads the event of a request.
func read(w http.ResponseWriter, req *http.Request) (record.Record, *answer) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return record.Record{}, &tooLarge
	}
	var rec record.Record
	if err == nil {
		rec, err = cloudevents.ReadEvent(req.Header, body)
	}
	if err != nil {
		return record.Record{}, &answer{http.StatusBadRequest, err.Error()}
	}
	return rec, nil
}
