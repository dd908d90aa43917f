package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

const (
	maxAnswer  = 64 << 10 // bytes of an answer that are read, so that its connection can be used again
	maxExcerpt = 200      // characters of an answer that are quoted in errors
)

// A sender makes the requests of one session.
type sender struct {
	*HTTPSink
	client *httpclient.Client
}

// A request is one to make, with what it carries.
type request struct {
	method  string
	address string
	header  http.Header
	body    []byte
	deletes bool // what is gone already is deleted
}

// A refusal is an error of records that no retry can mend, which is for the error policy.
type refusal struct{ error }

// Unwrap returns what the refusal wraps.
func (r *refusal) Unwrap() error { return r.error }

// post makes a request. The error is a refusal if the endpoint refuses what the request carries, permanent if it would
// refuse any request, and else one that may pass.
func (s *sender) post(ctx context.Context, r *request) error {
	body := r.body
	if s.Gzip && len(body) > 0 {
		body = compress(body)
		r.header.Set("Content-Encoding", "gzip")
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.address, bytes.NewReader(body))
	if err != nil {
		return &refusal{err}
	}
	req.Header = r.header
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// The status says it all: that the rest of the answer does not come makes no success a failure.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	gone := resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone
	if s.HTTP.Succeeds(resp.StatusCode) || r.deletes && gone {
		return nil
	}
	return s.judge(resp, answer)
}

// judge says what an answer means that is no success.
func (s *sender) judge(resp *http.Response, answer []byte) error {
	status := s.client.NewStatusError(resp)
	err := error(status)
	if text := s.excerpt(resp.Header.Get("Content-Type"), answer); text != "" {
		err = fmt.Errorf("%w: %q", err, text)
	}
	switch {
	case status.Temporary():
		return common.RetryAfter(err, status.RetryAfter)
	case loginRefused(status.Status), status.Status >= 300 && status.Status < 400:
		return common.Permanent(err)
	}
	return &refusal{err}
}

// loginRefused reports whether a status says that the endpoint, or a proxy, does not know who asks.
func loginRefused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired
}

// excerpt is the beginning of an answer, in one line and without secrets. Web pages have nothing to say.
func (s *sender) excerpt(contentType string, answer []byte) string {
	if media, _, _ := mime.ParseMediaType(contentType); media == "text/html" {
		return ""
	}
	text := s.HTTP.Redact(&s.Endpoint.URL, string(answer))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxExcerpt {
		return string(runes[:maxExcerpt]) + "…"
	}
	return string(runes)
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// settle acknowledges records of a batch that were sent, or hands those that were refused to the error policy. It returns
// any other error, which leaves them as they are.
func settle(b *common.Batch, records []int, err error) error {
	var refused *refusal
	switch {
	case err == nil:
		for _, i := range records {
			b.AckRecord(i)
		}
	case errors.As(err, &refused):
		for _, i := range records {
			b.Fail(i, common.Permanent(refused.error))
		}
	default:
		return err
	}
	return nil
}
