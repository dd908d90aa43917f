package link

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
)

// DefaultWindow is how many records may be unsettled unless the options say otherwise.
const DefaultWindow = 1024

// SourceOptions are the options of StartSource.
type SourceOptions struct {
	Command
	Window int               // how many records the source may have unsettled; DefaultWindow if 0
	Resume State             // what the last Save was given
	Save   func(State) error // keeps the state; without it saves are refused. Called like the functions of Command
}

// A Source is a source connector that runs as a child.
type Source struct {
	p          *driven
	c          *Conn
	deliveries chan Delivery
	closing    chan struct{}
	once       sync.Once
	err        error // set before deliveries is closed
}

// A Delivery is a record that a child has sent. It must be settled once.
type Delivery struct {
	Record  record.Record
	Attempt int // counts the deliveries of this record, from 1
	line    int64
	c       *Conn
}

// Settle tells the source that the record is delivered, or with an error that it is not; a *NackError may say more than
// the error's text. It does not block.
func (d *Delivery) Settle(err error) {
	if err == nil {
		d.c.Ack(d.line)
		return
	}
	var nack *NackError
	if !errors.As(err, &nack) {
		nack = &NackError{Message: err.Error()}
	}
	d.c.Nack(d.line, nack)
}

// StartSource starts a source connector. The caller reads until Read returns an error, which ends everything that
// StartSource began, or calls Close.
func StartSource(o SourceOptions) (*Source, error) {
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	started, err := start(o.Command, false)
	if err != nil {
		return nil, err
	}
	p := newDriven(started)
	s := &Source{p: p, deliveries: make(chan Delivery, o.Window), closing: make(chan struct{})}
	ready := make(chan struct{})
	conn := func() *Conn { <-ready; return s.c }
	h := p.handler(conn)
	h.Record = func(line int64, rec record.Record, attempt int) {
		select {
		case s.deliveries <- Delivery{rec, attempt, line, conn()}:
		case <-s.closing:
		}
	}
	h.Save = func(line int64, state State) {
		p.jobs <- func() {
			err := errors.New("positions are not kept here")
			if o.Save != nil {
				err = o.Save(state)
			}
			conn().Saved(line, err)
		}
	}
	h.End = func(err error) {
		s.err = p.finish(err, conn())
		close(s.deliveries)
	}
	s.c = NewConn(p, p.stdin, h)
	close(ready)
	s.c.Resume(o.Resume)
	s.c.Grant(o.Window)
	return s, nil
}

// Read blocks until there is at least one record and returns all that are there. At the end it returns io.EOF if the child
// ended with status 0, else how it ended. One goroutine at a time may call it.
func (s *Source) Read(ctx context.Context) ([]Delivery, error) {
	select {
	case d, ok := <-s.deliveries:
		if !ok {
			return nil, s.end()
		}
		batch := make([]Delivery, 1, 1+len(s.deliveries))
		batch[0] = d
		for len(batch) < cap(batch) {
			d, ok := <-s.deliveries
			if !ok {
				break
			}
			batch = append(batch, d)
		}
		return batch, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *Source) end() error {
	if s.err != nil {
		return s.err
	}
	return io.EOF
}

// Stop asks the source to end: it sends nothing new, waits until what it sent is settled, saves its state and exits. After
// the Command's Grace it gets a SIGTERM, after as much again a SIGKILL. Stop does not block; the caller goes on reading and
// settling until Read returns an error.
func (s *Source) Stop() { s.p.stop(s.c) }

// Close kills the child, if it still runs, and waits for its end. What is unsettled will be sent again by the next.
func (s *Source) Close() error {
	s.once.Do(func() { close(s.closing) })
	s.p.kill()
	<-s.c.Done()
	return nil
}
