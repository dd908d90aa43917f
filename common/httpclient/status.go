package httpclient

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a server may ask for, so that a wrong clock cannot stop a connector for good.
const maxRetryAfter = time.Hour

// A StatusError is an answer whose status is not success.
type StatusError struct {
	Method     string
	Address    string // without query
	Status     int
	RetryAfter time.Duration // how long the server asks to wait, an hour at most; 0 when it does not
	hint       string
}

// NewStatusError describes an answer that Do returned. It leaves the body alone, which may hold what must not be shown.
func (c *Client) NewStatusError(resp *http.Response) *StatusError {
	e := &StatusError{
		Method: resp.Request.Method, Address: Address(resp.Request.URL), Status: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header, time.Now()),
	}
	signer := c.http.Transport.(*signer)
	switch location, err := resp.Location(); {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		if o := origin(resp.Request.URL); o != signer.origin {
			e.hint = fmt.Sprintf("credentials go to %s only; if %s is meant, name it in --endpoint", signer.origin, o)
		}
	case e.Status >= 300 && e.Status < 400 && err == nil:
		e.hint = fmt.Sprintf("it redirects to %s; if that is right, name it in --endpoint", Address(location))
	}
	return e
}

// Error tells the request and the status in one line.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s %s: the server answered %s", e.Method, e.Address, strings.TrimSpace(strconv.Itoa(e.Status)+" "+
		http.StatusText(e.Status)))
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" and asks to wait %s", e.RetryAfter)
	}
	if e.hint != "" {
		text += "; " + e.hint
	}
	return text
}

// Temporary reports whether the same request may well succeed later: the server is overloaded, restarting or broken.
func (e *StatusError) Temporary() bool {
	return e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooEarly ||
		e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// retryAfter reads the header Retry-After: seconds, or a date, which counts from the server's own Date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil || errors.Is(err, strconv.ErrRange) { // then it is the largest
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
