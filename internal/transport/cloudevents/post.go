package cloudevents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	dialTimeout   = 10 * time.Second
	maxAnswer     = 64 << 10 // what is read of an answer's body, so that its connection can be used again
	maxAnswerHead = 64 << 10
)

// keepAlive notices a peer that has vanished while a connection is idle or waits for an answer.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// A poster sends requests to one URL. It is safe for concurrent use.
type poster struct {
	target *target
	source string
	mode   Mode
	client http.Client
	limit  time.Duration // of one request
}

func newPoster(t *target, c WriterConfig) *poster {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive}
	return &poster{target: t, source: c.Source, mode: c.Mode, limit: c.Timeout, client: http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: c.Parallel, IdleConnTimeout: 90 * time.Second,
			MaxResponseHeaderBytes: maxAnswerHead, DisableCompression: true,
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		},
		// A POST that is redirected may turn into a GET, and credentials would go where nobody meant them to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *poster) close() { p.client.CloseIdleConnections() }

// post sends entries as one request. The error is nil after an answer of 2xx only.
func (p *poster) post(ctx context.Context, entries []*entry) error {
	header, body := p.content(entries)
	return p.do(ctx, http.MethodPost, header, body)
}

// content returns what a request holds.
func (p *poster) content(entries []*entry) (http.Header, []byte) {
	header := entries[0].header
	switch p.mode {
	case Structured:
		return http.Header{contentHeader: {jsonType}}, entries[0].body
	case Batched:
		size := 2
		for _, e := range entries {
			size += len(e.body) + 1
		}
		body := append(make([]byte, 0, size), '[')
		for i, e := range entries {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, e.body...)
		}
		return http.Header{contentHeader: {jsonBatch}}, append(body, ']')
	}
	return header, entries[0].body
}

func (p *poster) do(ctx context.Context, method string, header http.Header, body []byte) error {
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, method, p.target.url.String(), bytes.NewReader(body))
	if err != nil {
		return p.explain(ctx, err)
	}
	req.Header = header
	// A connection that the server closed while it was idle is replaced without a failure: a second arrival is allowed. The
	// empty list tells package http so and sends no header.
	header["Idempotency-Key"] = []string{}
	header["User-Agent"] = []string{"patchbay"}
	if u := p.target.user; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return p.explain(ctx, err)
	}
	defer resp.Body.Close()
	defer io.CopyN(io.Discard, resp.Body, maxAnswer) //nolint:errcheck // the answer has been given; this only keeps the connection
	return p.verdict(resp)
}

// explain names the address in an error of package http, without its secrets.
func (p *poster) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var outer *url.Error
	for errors.As(err, &outer) { // its text holds the whole address
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no complete answer within %s", p.limit)
	}
	if text := p.target.hide(err.Error()); text != err.Error() || len(text) > maxReason {
		err = errors.New(oneLine(text))
	}
	return fmt.Errorf("post to %s: %w", p.target.shown, err)
}

// Check asks the URL of a writer for its options, with which an HTTP server says that it is there. It sends no event and
// changes nothing. It blocks until the answer has come, ctx ends or the timeout is over.
func Check(ctx context.Context, c WriterConfig) error {
	if err := c.setDefaults(); err != nil {
		return err
	}
	t, err := parseTarget(c.URL, c.Topic, false)
	if err != nil {
		return err
	}
	p := newPoster(t, c)
	defer p.close()
	err = p.do(ctx, http.MethodOptions, http.Header{}, nil)
	var status *statusError
	if errors.As(err, &status) && !status.unusable() {
		return nil // many servers do not know the method; that they answer is enough
	}
	return err
}
