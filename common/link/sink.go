package link

import (
	"context"

	"github.com/patchbay-dev/patchbay/common/record"
)

// A Sink is a sink connector that runs as a child.
type Sink struct {
	p   *driven
	c   *Conn
	err error // set before the Conn is done
}

// StartSink starts a sink connector. The caller calls Stop and Wait, or Close, at the end.
func StartSink(c Command) (*Sink, error) {
	started, err := start(c, true)
	if err != nil {
		return nil, err
	}
	p := newDriven(started)
	s := &Sink{p: p}
	ready := make(chan struct{})
	conn := func() *Conn { <-ready; return s.c }
	h := p.handler(conn)
	h.End = func(err error) { s.err = p.finish(err, conn()) }
	s.c = NewConn(p, p.stdin, h)
	close(ready)
	return s, nil
}

// Send sends a record, like Conn.Send: it blocks while the sink has given no credit, and settled is called exactly once
// unless Send returns an error. A *NackError means that the sink wants the record again, in a new Send with the next attempt.
func (s *Sink) Send(ctx context.Context, rec record.Record, attempt int, settled func(error)) error {
	return s.c.Send(ctx, rec, attempt, settled)
}

// Flush blocks until every record sent before the call is settled, or ctx ends.
func (s *Sink) Flush(ctx context.Context) error { return s.c.Flush(ctx) }

// Stop tells the sink that no record follows: it settles those it has and exits. After the Command's Grace it gets a
// SIGTERM, after as much again a SIGKILL. Stop does not block.
func (s *Sink) Stop() { s.p.stop(s.c) }

// Wait blocks until the child has ended, or ctx ends. It returns nil if the child ended with status 0, else how it ended.
func (s *Sink) Wait(ctx context.Context) error {
	select {
	case <-s.c.Done():
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close kills the child, if it still runs, and waits for its end. Records that are not settled by then are settled with an
// error.
func (s *Sink) Close() error {
	s.p.kill()
	<-s.c.Done()
	return nil
}
