package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// A transport gives up a request when nothing comes for some time, and remembers what time it is at the server.
type transport struct {
	*http.Transport
	timeout time.Duration
	date    atomic.Pointer[time.Time]
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(t.timeout, func() {
		cancel(fmt.Errorf("nothing came within %s; --timeout allows more", t.timeout))
	})
	resp, err := t.Transport.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		defer cancel(nil)
		return nil, because(ctx, err)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		t.date.Store(&date)
	}
	resp.Body = &patientBody{resp.Body, ctx, cancel, timer, t.timeout}
	return resp, nil
}

// now is when the server last answered, by its own clock and in whole seconds; by ours if it does not say.
func (t *transport) now() time.Time {
	if date := t.date.Load(); date != nil {
		return *date
	}
	return time.Now()
}

// because is the cause of an error if that is the end of the context.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// A patientBody counts how long the server takes, but not how long the reader does.
type patientBody struct {
	io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	timeout time.Duration
}

// Read implements io.Reader.
func (b *patientBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.timeout)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = because(b.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *patientBody) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
