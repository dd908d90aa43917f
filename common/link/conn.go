package link

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

// ErrGone says that the other side has ended its stream, so that nothing more will be settled.
var ErrGone = errors.New("the other side of the link is gone")

// ErrBroken says that the other side broke the protocol, or could not be read, so that nothing more will be settled.
var ErrBroken = errors.New("the link is broken")

// A Handler is called with what the other side sends, one frame after the other, by the goroutine that reads. It must not
// block, except for Record when the other side sends more than it has credit for. A nil function means that this side has
// no use for such frames: records, dead letters and saves are then an error of the other side, which waits for an answer to
// them, and the rest is ignored.
type Handler struct {
	// Record takes a record, which must be answered by one Ack or Nack of its line.
	Record func(line int64, rec record.Record, attempt int)
	// Dead takes a dead letter, answered likewise.
	Dead func(line int64, rec record.Record)
	// Resume takes the state to start from; it is empty if none was ever saved.
	Resume func(s State)
	// Save takes the state to keep, which must be answered by Saved, for this line or a later one.
	Save func(line int64, s State)
	// Status takes what a connector says of itself.
	Status func(state, message string)
	// Stop is called when the other side asks for the end.
	Stop func()
	// Batch is called after the frames that have arrived together.
	Batch func()
	// End is called once, after everything else: with io.EOF when the other side ended its stream, else with the reason why
	// no more frames can be read. It is not optional.
	End func(err error)
}

// A NackError is what a record is settled with when the other side did not take it.
type NackError struct {
	Message   string
	Delay     time.Duration // how long to wait before the record is sent again
	Permanent bool          // sending it again does not help
}

// Error returns the reason the other side gave.
func (e *NackError) Error() string {
	if e.Message == "" {
		return "the other side did not accept the record"
	}
	return e.Message
}

// A Conn is one end of a running link. Its methods are safe for concurrent use.
type Conn struct {
	h       Handler
	lines   *LineWriter
	answers *outbox       // frames that are sent without blocking the caller
	done    chan struct{} // closed when nothing can be read any more

	mu      sync.Mutex
	sent    waiting       // lines of ours that are not settled
	granted int           // how many records may be unsettled
	open    int           // how many are
	room    chan struct{} // closed when credit may have come; nil while nobody waits
	flushes []flush
	err     error // why nothing of ours will be settled any more
}

type flush struct {
	line int64
	done chan struct{}
}

// NewConn returns a Conn that reads frames from r and writes to w, and says hello. It closes neither. Its goroutines end
// when Close has been called and the read from r that is under way, if any, has returned.
func NewConn(r io.Reader, w io.Writer, h Handler) *Conn {
	c := &Conn{h: h, done: make(chan struct{})}
	c.lines = NewLineWriter(w, c.fail)
	c.answers = newOutbox(c.lines)
	c.answers.put(message{Frame: Frame{Kind: Link, Version: Version}})
	c.answers.send() // the hello comes first; nothing is pending yet, so this does not block
	go c.answers.run()
	go c.read(NewLineReader(r, MaxLine))
	return c
}

// Send sends a record. It blocks until there is credit and room, or ctx ends. When it returns an error the record was not
// sent and settled is never called; an *EncodeError means that it never can be. Else settled is called exactly once: with
// nil, a *NackError, or the reason why there will be no answer. attempt counts the deliveries of the record, from 1.
func (c *Conn) Send(ctx context.Context, rec record.Record, attempt int, settled func(error)) error {
	if err := c.acquire(ctx); err != nil {
		return err
	}
	err := c.send(ctx, &Frame{Kind: Rec, Record: rec, Attempt: attempt}, settled)
	if err != nil {
		c.mu.Lock()
		c.open--
		c.wakeSenders()
		c.mu.Unlock()
	}
	return err
}

// Dead hands over a dead letter. It is like Send but needs no credit.
func (c *Conn) Dead(ctx context.Context, rec record.Record, settled func(error)) error {
	return c.send(ctx, &Frame{Kind: Dead, Record: rec}, settled)
}

// Save asks the other side to keep a state and blocks until it has, or ctx ends.
func (c *Conn) Save(ctx context.Context, s State) error {
	saved := make(chan error, 1)
	if err := c.send(ctx, &Frame{Kind: Save, State: s}, func(err error) { saved <- err }); err != nil {
		return err
	}
	select {
	case err := <-saved:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// acquire waits for a record's worth of credit and takes it.
func (c *Conn) acquire(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.err != nil {
			defer c.mu.Unlock()
			return c.err
		}
		if c.open < c.granted {
			c.open++
			c.mu.Unlock()
			return nil
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Conn) wakeSenders() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// send adds a frame that will be settled. It is registered before it can be written, hence before it can be answered.
func (c *Conn) send(ctx context.Context, f *Frame, settled func(error)) error {
	return c.lines.Append(ctx, func(dst []byte, line int64) ([]byte, error) {
		dst, err := AppendFrame(dst, f)
		if err != nil {
			return dst, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.err != nil {
			return dst, c.err
		}
		c.sent.add(pending{line, f.Kind, settled})
		return dst, nil
	}, nil)
}

// Ack says that a record or dead letter of the other side is done with. It does not block; lines that are acknowledged
// while others are being written leave as one frame.
func (c *Conn) Ack(line int64) {
	c.answers.settle(Frame{Kind: Ack}, line)
}

// Nack says that a record or dead letter of the other side was not accepted, and why. It does not block.
func (c *Conn) Nack(line int64, e *NackError) {
	c.answers.settle(Frame{Kind: Nack, Error: e.Message, Delay: e.Delay, Permanent: e.Permanent}, line)
}

// Grant allows the other side to have n more records unsettled. It does not block.
func (c *Conn) Grant(n int) {
	c.answers.put(message{Frame: Frame{Kind: Credit, Credit: n}})
}

// Resume tells the other side where to start. It does not block.
func (c *Conn) Resume(s State) { c.answers.put(message{Frame: Frame{Kind: Resume, State: s}}) }

// Saved answers the save of a line and all earlier ones. It does not block.
func (c *Conn) Saved(line int64, err error) {
	f := Frame{Kind: Saved, Line: line}
	if err != nil {
		f.Error = err.Error()
	}
	c.answers.put(message{Frame: f})
}

// Stop asks the other side to end. It does not block.
func (c *Conn) Stop() { c.answers.put(message{Frame: Frame{Kind: Stop}}) }

// Status tells the other side how this one is doing. It does not block.
func (c *Conn) Status(state string, err error) {
	f := Frame{Kind: Status, Status: state}
	if err != nil {
		f.Error = err.Error()
	}
	c.answers.put(message{Frame: f})
}

// Flush blocks until everything sent before the call is settled, or ctx ends.
func (c *Conn) Flush(ctx context.Context) error {
	c.mu.Lock()
	if c.sent.open == 0 {
		c.mu.Unlock()
		return nil
	}
	done := make(chan struct{})
	c.flushes = append(c.flushes, flush{c.sent.newest(), done})
	c.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// FlushAnswers blocks until every Ack, Nack and other answer given before the call is written, or ctx ends.
func (c *Conn) FlushAnswers(ctx context.Context) error {
	written := make(chan error, 1)
	c.answers.put(message{written: func(err error) { written <- err }})
	select {
	case err := <-written:
		return err
	case <-c.answers.closed:
		return os.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Done is closed when nothing can be read from the other side any more.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close stops writing without waiting, and settles what is unsettled with os.ErrClosed.
func (c *Conn) Close() error {
	c.answers.close()
	err := c.lines.Close()
	c.fail(os.ErrClosed)
	return err
}

// fail settles everything of ours with err, now and from now on.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	left := c.sent.takeAll()
	c.open = 0
	c.wakeSenders()
	c.mu.Unlock()
	for _, settled := range left {
		settled(err)
	}
	c.finishFlushes()
}
