package stdio

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A LinkReader is the transport.Reader of a sink that is driven over the link protocol. The driver also keeps its dead
// letters, hears of its status and may ask it to stop.
type LinkReader struct {
	conn *link.Conn
	in   *inbox
	stop once
}

// NewLinkReader returns a LinkReader that hears the driver on in, its standard input, and speaks to it on out, which is
// what OpenAcks returns, else its standard output. At most window records are unsettled at any time, link.DefaultWindow if
// window is 0. It closes neither end; its goroutines end after Close, once the read from in that is under way returns.
func NewLinkReader(in io.Reader, out io.Writer, window int) *LinkReader {
	if window == 0 {
		window = link.DefaultWindow
	}
	r := &LinkReader{in: newInbox(0, window), stop: newOnce()}
	ready := make(chan struct{})
	var arrived []transport.Message // together; handed over together, since each time costs
	hand := func() {
		if len(arrived) > 0 {
			r.in.put(arrived)
			arrived = make([]transport.Message, 0, len(arrived))
		}
	}
	r.conn = link.NewConn(in, pipe{out}, link.Handler{
		Record: func(line int64, rec record.Record, attempt int) {
			if len(arrived) == 0 {
				<-ready
			}
			arrived = append(arrived, r.message(line, rec, attempt))
		},
		Batch: hand,
		Stop: func() {
			hand()
			r.in.finish(io.EOF)
			r.stop.do(nil)
		},
		End: func(err error) {
			hand()
			if err != io.EOF {
				err = fmt.Errorf("read standard input: %w", err)
			}
			r.in.finish(err)
		},
	})
	close(ready)
	r.conn.Grant(window)
	return r
}

// OpenAcks opens the descriptor that the environment variable PATCHBAY_ACK_FD names, given its value. It returns nil if
// the value is empty: then acknowledgements go to standard output.
func OpenAcks(value string) (*os.File, error) {
	if value == "" {
		return nil, nil
	}
	fd, err := strconv.ParseUint(value, 10, 31)
	if err != nil || fd == 0 {
		return nil, fmt.Errorf("%s=%s is not the number of a descriptor", link.AckFD, value)
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(fd), &stat); err != nil {
		return nil, fmt.Errorf("%s=%s is not an open descriptor: %w", link.AckFD, value, err)
	}
	syscall.CloseOnExec(int(fd)) // a program that the sink starts must not keep the link open
	return os.NewFile(uintptr(fd), link.AckFD), nil
}

func (r *LinkReader) message(line int64, rec record.Record, attempt int) transport.Message {
	conn := r.conn
	return transport.Message{
		Record: rec, Attempt: attempt,
		Ack: func() error {
			conn.Ack(line)
			return nil
		},
	}
}

// Read implements transport.Reader. It returns io.EOF after the last record when the driver has said stop or has ended the
// input, and a transport.Broken after the last record when the driver breaks the protocol or the input cannot be read.
func (r *LinkReader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	return r.in.read(ctx, limit, wait)
}

// Flush implements transport.Reader: it blocks until the answers are written. The protocol does not confirm them.
func (r *LinkReader) Flush(ctx context.Context) error { return r.conn.FlushAnswers(ctx) }

// Close implements transport.Reader. It gives answers and status a second to be written.
func (r *LinkReader) Close() error {
	r.in.close()
	return closeConn(r.conn)
}

// Stopped returns a channel that is closed when the driver asks for the end. The end of the input is no such wish: what was
// sent is still to be written.
func (r *LinkReader) Stopped() <-chan struct{} { return r.stop.done }

// Status tells the driver a state, one of connecting, ready, retrying and failed, and the error that led to it, if any. It
// does not block.
func (r *LinkReader) Status(state string, err error) { r.conn.Status(state, err) }

// Dead hands the driver a record that could not be processed. It blocks and settles as LinkWriter.Write does.
func (r *LinkReader) Dead(ctx context.Context, rec record.Record, settled func(error)) error {
	return fromLink(r.conn.Dead(ctx, rec, func(err error) { settled(fromLink(err)) }))
}

var _ transport.Reader = (*LinkReader)(nil)
