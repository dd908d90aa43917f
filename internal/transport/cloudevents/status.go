package cloudevents

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// maxRetryAfter bounds what a server may ask for, so that a wrong clock cannot stop a connector for good.
const maxRetryAfter = time.Hour

// A statusError is an answer other than 2xx.
type statusError struct {
	address string
	status  int
	reason  string // in the server's words, may be empty
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("post to %s: the server answered %s", e.address,
		strings.TrimSpace(strconv.Itoa(e.status)+" "+http.StatusText(e.status)))
	if e.reason != "" {
		text += ": " + e.reason
	}
	return text
}

// final reports whether the server would give the same answer again. Where the address, the login or the moment is to blame
// rather than the record, somebody can mend that while the record waits.
func (e *statusError) final() bool {
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusLocked,
		http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.status >= 400 && e.status < 500
}

// unusable reports whether the answer to a mere question shows that events would not be taken either.
func (e *statusError) unusable() bool {
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusGone, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.status < 400 // a redirect
}

// blamesContent reports whether a refusal is about what a request holds, so that a part of it may be welcome.
func blamesContent(err error) bool {
	var e *statusError
	return errors.As(err, &e) && (e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge ||
		e.status == http.StatusUnprocessableEntity)
}

// verdict returns what an answer means for the records of its request.
func (p *poster) verdict(resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	e := &statusError{address: p.target.shown, status: resp.StatusCode, reason: p.reason(resp)}
	wait := retryAfter(resp.Header, time.Now())
	switch {
	case e.final():
		return &transport.Rejected{Err: e}
	case wait > 0 && (e.status == http.StatusTooManyRequests || e.status == http.StatusServiceUnavailable):
		return &transport.Delayed{Err: e, Wait: wait}
	}
	return e
}

// reason returns what the server says about its answer.
func (p *poster) reason(resp *http.Response) string {
	if location, err := resp.Location(); err == nil && resp.StatusCode < 400 {
		return "it redirects to " + oneLine(p.target.hide(Redact(location.String()))) + "; if that is right, name it in --broker"
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get(contentHeader))
	if !strings.HasPrefix(media, "text/") && !strings.HasSuffix(media, "json") || media == "text/html" {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 8*maxReason)) // as much as came is good enough
	return oneLine(p.target.hide(string(text)))
}

// retryAfter reads the header Retry-After: seconds, or a date, which counts from the server's own Date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}
