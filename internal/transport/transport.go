// Package transport defines what delivery asks of a topic. Each way of reaching a topic (standard input and output, the
// link protocol, NATS) implements it in a package of its own.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

// A Writer is the producing end of a topic. It is safe for concurrent use.
type Writer interface {
	// Write hands a record over. It blocks while the transport cannot take more and returns an error if the record was
	// not handed over; then settled is never called. Otherwise settled is called exactly once, from any goroutine: with
	// nil when the topic has acknowledged the record, else with the reason. The records of one partition that are written
	// one after the other arrive in that order. settled must not block.
	Write(ctx context.Context, rec record.Record, settled func(error)) error
	// Flush blocks until every record written before the call is settled, or ctx ends.
	Flush(ctx context.Context) error
	// Close releases the connection without waiting; what is not settled by then is settled with an error.
	Close() error
}

// A Resumer is a Writer that stops at a failure, so that nothing can overtake what has to be written again: once it has
// settled a record with an error that may go away, every Write returns such an error, until Resume.
type Resumer interface {
	// Resume lets Write take records again. The caller has heard of every failure by then, no Write is under way, and what it
	// writes next is what failed, in its first order. It does not block.
	Resume()
}

// A Reader is the consuming end of a topic. Read is called by one goroutine at a time; messages may be settled by any.
type Reader interface {
	// Read blocks until there is at least one message and returns up to max of them in order. After the first it waits at
	// most wait for more. It returns io.EOF when nothing more will come: the input ended, or a bounded pass is done. A Broken
	// error says that reading again is pointless; after any other error it may be tried again.
	Read(ctx context.Context, max int, wait time.Duration) ([]Message, error)
	// Flush blocks until the transport has confirmed every acknowledgement given before the call, or ctx ends.
	Flush(ctx context.Context) error
	// Close releases the connection without waiting. Messages that are not acknowledged will be delivered again where the
	// transport can do so.
	Close() error
}

// A Lagging is a Reader that knows how far behind it is. It is asked by those who watch, from any goroutine.
type Lagging interface {
	// Lag returns how many records the topic holds that were not read yet, as far as known just now. It does not block.
	Lag() (records int64, known bool)
}

// A Message is a record that a Reader delivered and that must be acknowledged once it is done with. Until then, or until the
// Reader is closed, the Reader keeps a topic that delivers again after some time from doing so: retries are delivery's.
type Message struct {
	Record record.Record
	// Attempt counts the deliveries of this record, 1 for the first, 0 where the transport cannot tell.
	Attempt int
	// Ack tells the topic that the record is done with. It does not block for a reply. Where the topic cannot be reached it is
	// told later; an error says that it never will be.
	Ack func() error
}

// ErrClosed says that the other side has gone for good and asks for nothing more, like the reader of a pipe that ends. It
// is not a failure: the connector ends as if it were done.
var ErrClosed = errors.New("the other side has closed the topic")

// A Rejected error means that the topic refuses this record, whatever is tried again: it is too large, or it cannot be
// written in the topic's format. Every other error of a Writer but ErrClosed and a Broken may go away, and is retried.
type Rejected struct{ Err error }

// Error returns the reason.
func (r *Rejected) Error() string { return r.Err.Error() }

// Unwrap returns the reason.
func (r *Rejected) Unwrap() error { return r.Err }

// A Broken error means that a Reader will give nothing more, or that a Writer will take nothing more, whatever is tried again.
type Broken struct{ Err error }

// Error returns the reason.
func (b *Broken) Error() string { return b.Err.Error() }

// Unwrap returns the reason.
func (b *Broken) Unwrap() error { return b.Err }

// A ConfigError says that what was asked for cannot be had with this address, topic or option, however long one waits:
// somebody has to change it first. Its text says what is wrong and how to put it right.
type ConfigError struct{ Err error }

// Error returns the reason.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *ConfigError) Unwrap() error { return e.Err }

// Misconfigured returns a ConfigError of a text like that of fmt.Errorf.
func Misconfigured(format string, args ...any) error {
	return &ConfigError{fmt.Errorf(format, args...)}
}

// A Delayed error says how long to wait, at the least, before the same thing is tried again.
type Delayed struct {
	Err  error
	Wait time.Duration
}

// Error returns the reason.
func (d *Delayed) Error() string { return d.Err.Error() }

// Unwrap returns the reason.
func (d *Delayed) Unwrap() error { return d.Err }

// Gone reports whether an error says that whoever read this program's output has gone for good: the topic's other side, or
// the reader of standard output. The broken pipe of any other connection is not meant.
func Gone(err error) bool {
	var p *fs.PathError
	return errors.Is(err, ErrClosed) || errors.As(err, &p) && p.Path == os.Stdout.Name() && errors.Is(p.Err, syscall.EPIPE)
}
