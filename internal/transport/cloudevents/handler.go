package cloudevents

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

// serve answers one request.
func (r *Reader) serve(w http.ResponseWriter, req *http.Request) {
	if err := r.check(req); err != nil {
		r.answer(w, req, err)
		return
	}
	switch req.Method {
	case http.MethodPost:
		r.post(w, req)
	case http.MethodOptions:
		r.options(w, req)
	default:
		r.answer(w, req, refuse(http.StatusMethodNotAllowed, "method %q is not known here; send events with POST", req.Method))
	}
}

// check refuses what has come to the wrong place.
func (r *Reader) check(req *http.Request) error {
	if req.URL.Path != r.target.url.Path {
		return refuse(http.StatusNotFound, "there is nothing at this path")
	}
	if r.target.user == nil || req.Method == http.MethodOptions { // senders ask for permission without a login
		return nil
	}
	name, password, _ := req.BasicAuth()
	wanted, _ := r.target.user.Password()
	given := basicCredentials(name, password)
	if subtle.ConstantTimeCompare([]byte(given), []byte(basicCredentials(r.target.user.Username(), wanted))) == 0 {
		return refuse(http.StatusUnauthorized, "user name and password are wanted")
	}
	return nil
}

// options answers the handshake by which a sender of webhooks asks whether events are wanted here. The callback that it may
// offer is never called: a stranger could name any address.
func (r *Reader) options(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("WebHook-Request-Origin") != "" {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.Header().Set("WebHook-Allowed-Rate", "*")
	}
	r.answer(w, req, nil)
}

// post takes the events of a request, waits for their fate and answers it.
func (r *Reader) post(w http.ResponseWriter, req *http.Request) {
	q := newRequest()
	err := r.process(q, w, req)
	r.answer(w, req, err)
	r.mu.Lock()
	delete(r.answering, q)
	r.mu.Unlock()
	close(q.answered)
}

func (r *Reader) process(q *request, w http.ResponseWriter, req *http.Request) (err error) {
	defer func() {
		if outcome := r.finish(q); err == nil {
			err = outcome
		}
	}()
	if err := r.accept(q, w, req); err != nil {
		return err
	}
	var late <-chan time.Time
	if !r.isRead() {
		timer := time.NewTimer(readWait)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case <-late:
			if !r.isRead() {
				return errUnread
			}
		case <-q.acked:
			return nil
		case <-r.closed:
			return nil
		case <-req.Context().Done():
			return nil
		}
	}
}

// accept receives one request and queues its records.
func (r *Reader) accept(q *request, w http.ResponseWriter, req *http.Request) error {
	r.mu.Lock()
	r.receiving++
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.receiving--
		r.mu.Unlock()
		r.signal() // for its records, and because nothing may be arriving any more
	}()
	if err := checkType(req.Header); err != nil {
		return err
	}
	body, err := r.receive(q, w, req)
	if err != nil {
		return err
	}
	recs, err := decode(req.Header, body, r.cfg.MaxInFlight)
	if err != nil {
		return err
	}
	return r.admit(q, recs)
}

// receive reads the body of a request. It counts what it has room for before it reads it, so that a crowd of senders cannot
// take more memory than the reader may have, and trusts no length that was only announced.
func (r *Reader) receive(q *request, w http.ResponseWriter, req *http.Request) ([]byte, error) {
	if req.ContentLength > r.cfg.MaxBody {
		return nil, r.tooLarge()
	}
	body := http.MaxBytesReader(w, req.Body, r.cfg.MaxBody)
	size := int64(512)
	if req.ContentLength >= 0 {
		size = min(req.ContentLength, 64<<10) + 1 // one more, so that the end is seen without another buffer
	}
	var buf []byte
	for {
		if len(buf) == cap(buf) {
			if !r.reserve(q, size) {
				return nil, errBusy
			}
			buf = slices.Grow(buf, int(size))[: len(buf) : len(buf)+int(size)]
			size = int64(cap(buf))
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		var tooLarge *http.MaxBytesError
		switch {
		case err == io.EOF:
			return buf, nil
		case errors.As(err, &tooLarge):
			return nil, r.tooLarge()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, refuse(http.StatusRequestTimeout, "the body did not arrive within %s", r.cfg.ReadTimeout)
		case err != nil:
			return nil, refuse(http.StatusBadRequest, "read the body: %w", err)
		}
	}
}

func (r *Reader) tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", r.cfg.MaxBody)
}

// answer sends the status that err stands for, with the reason in one line.
func (r *Reader) answer(w http.ResponseWriter, req *http.Request, err error) {
	status := http.StatusNoContent
	var refused *refusal
	var later *unavailable
	switch {
	case errors.As(err, &refused):
		status = refused.status
	case errors.As(err, &later):
		status = later.status
		w.Header().Set("Retry-After", "1")
	}
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", "POST, OPTIONS")
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="patchbay", charset="UTF-8"`)
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(answerTimeout))
	if err == nil {
		w.WriteHeader(status)
	} else {
		text := oneLine(err.Error())
		r.cfg.Logger.Debug("a request is refused", "from", req.RemoteAddr, "status", status, "reason", text)
		w.Header().Set(contentHeader, "text/plain; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text+"\n") // a sender that does not read it has the status
	}
	_ = control.Flush() // now rather than when the handler has ended, so that Flush of the reader means what it says
	_ = control.SetWriteDeadline(time.Time{})
}
