package stdio

import (
	"context"
	"fmt"
	"io"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A LinkWriter is the transport.Writer of a source that is driven over the link protocol. The driver also keeps its state
// and dead letters, hears of its status and may ask it to stop.
type LinkWriter struct {
	conn    *link.Conn
	stop    once
	resumed once
	resume  link.State // set before resumed
	ended   once       // nothing more can be heard
	end     error      // why, if not because the driver has gone; set before ended
}

// NewLinkWriter returns a LinkWriter that hears the driver on in, its standard input, and speaks to it on out, its standard
// output. It closes neither; its goroutines end after Close, once the read from in that is under way returns.
func NewLinkWriter(in io.Reader, out io.Writer) *LinkWriter {
	w := &LinkWriter{stop: newOnce(), resumed: newOnce(), ended: newOnce()}
	w.conn = link.NewConn(in, pipe{out}, link.Handler{
		Resume: func(s link.State) {
			w.resumed.do(func() { w.resume = s })
		},
		Stop: func() { w.stop.do(nil) },
		End: func(err error) {
			w.ended.do(func() {
				if err != io.EOF {
					w.end = &transport.Broken{Err: fmt.Errorf("read standard input: %w", err)}
				}
			})
			w.stop.do(nil)
		},
	})
	return w
}

// Write implements transport.Writer: it sends the record once the driver has given credit for it, and settles it when the
// driver has answered. A record that cannot be sent, and one that the driver refuses for good, is a transport.Rejected; one
// that it wants again later is a transport.Delayed; transport.ErrClosed says that the driver is gone.
func (w *LinkWriter) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	return fromLink(w.conn.Send(ctx, rec, 1, func(err error) { settled(fromLink(err)) }))
}

// Flush implements transport.Writer. Dead letters and saves count as well.
func (w *LinkWriter) Flush(ctx context.Context) error { return w.conn.Flush(ctx) }

// Close implements transport.Writer. It gives the newest status a second to be written.
func (w *LinkWriter) Close() error { return closeConn(w.conn) }

// Stopped returns a channel that is closed when the driver asks for the end. The end of the input counts as well: nobody is
// left to drive. Err tells whether it came to that end as it should.
func (w *LinkWriter) Stopped() <-chan struct{} { return w.stop.done }

// Err returns a transport.Broken once the driver has broken the protocol or the input cannot be read. It does not block.
func (w *LinkWriter) Err() error {
	select {
	case <-w.ended.done:
		return w.end
	default:
		return nil
	}
}

// Status tells the driver a state, one of connecting, ready, retrying and failed, and the error that led to it, if any. It
// does not block.
func (w *LinkWriter) Status(state string, err error) { w.conn.Status(state, err) }

// Dead hands the driver a record that could not be read or processed. It blocks and settles as Write does.
func (w *LinkWriter) Dead(ctx context.Context, rec record.Record, settled func(error)) error {
	return fromLink(w.conn.Dead(ctx, rec, func(err error) { settled(fromLink(err)) }))
}

// Store returns the state.Store that the driver keeps. Load blocks until the driver has told what it has; Save until the
// driver has confirmed. Close does nothing: the store lives as long as the LinkWriter.
func (w *LinkWriter) Store() state.Store { return linkStore{w} }

type linkStore struct{ w *LinkWriter }

func (s linkStore) Load(ctx context.Context) (*state.State, error) {
	w := s.w
	select {
	case <-w.resumed.done:
	case <-w.ended.done:
		select {
		case <-w.resumed.done:
		default:
			if w.end != nil {
				return nil, w.end
			}
			return nil, fmt.Errorf("%w before it said where to resume", transport.ErrClosed)
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if w.resume.Connector == "" && len(w.resume.Positions) == 0 {
		return nil, nil
	}
	saved := state.State(w.resume)
	return &saved, nil
}

func (s linkStore) Save(ctx context.Context, st *state.State) error {
	return fromLink(s.w.conn.Save(ctx, link.State(*st)))
}

func (linkStore) Close() error { return nil }

var (
	_ transport.Writer = (*LinkWriter)(nil)
	_ state.Store      = linkStore{}
)
