package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A Publisher hands messages to a server one after the other, in their order and without waiting for what becomes of each. It
// is safe for concurrent use. Nothing is published while the connection is down, and nothing is published again: retries are
// delivery's.
type Publisher interface {
	// Publish hands a message over, whose Reply it sets. It blocks while as many are under way as may be, and returns an error
	// if the message was not handed over; then settled is never called. Otherwise settled is called exactly once, from any
	// goroutine, and must not block: with nil once the server has the message, else with the reason, which is a
	// transport.Rejected where the message never will be taken. What is too large may be told in either way.
	Publish(ctx context.Context, msg *natsgo.Msg, settled func(error)) error
	// Flush blocks until every message published before the call is settled, or ctx ends.
	Flush(ctx context.Context) error
	// Resumer is of use with StopAtFailure only.
	transport.Resumer
	// Close settles what is under way with an error, without waiting for the server. The connection stays.
	Close() error
}

// PublisherOptions say what a Publisher works with.
type PublisherOptions struct {
	// Place is what errors call the place where messages go, such as "topic orders", and Server the server's address without
	// credentials.
	Place, Server string
	// Stream asks the server for the stream that takes the messages, and may make it: at the start, again before the next
	// message once nobody has answered for it, and while answers are overdue. Nil means that messages go to a plain subject,
	// where nobody answers, and that they are settled once they have reached the server.
	Stream func(ctx context.Context) (jetstream.Stream, error)
	// MaxInFlight bounds the messages that are not settled. 0 means DefaultMaxInFlight.
	MaxInFlight int
	// StopAtFailure makes it a transport.Resumer in deed: after a failure that may go away it takes nothing until Resume.
	StopAtFailure bool
}

// NewPublisher returns a Publisher on a connection that keeps nothing back while it is down (ReconnectBufSize(-1)). Where
// messages go to a stream, it asks for that first, and returns the error of Stream, or a transport.ConfigError for one that
// acknowledges nothing.
//
// A message to a stream is settled with nil only by the server's own acknowledgement. The loss of the connection settles all
// that are under way with an error, and ackTimeout each that had no answer for so long; they may have arrived, and a message
// id has the server drop what comes twice.
func NewPublisher(ctx context.Context, nc *natsgo.Conn, o PublisherOptions) (Publisher, error) {
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.Stream == nil {
		return newPlainPublisher(nc, o), nil
	}
	stream, err := o.Stream(ctx)
	if err != nil {
		return nil, err
	}
	if cfg := stream.CachedInfo().Config; cfg.NoAck {
		return nil, transport.Misconfigured("stream %s acknowledges nothing (no_ack), so that nobody can tell what it has stored", cfg.Name)
	}
	return newStreamPublisher(nc, o)
}

// ackTimeout is how long the server may take to acknowledge a record. A server that is alive but lost the publish, as
// happens when a cluster elects a new leader, never tells.
const ackTimeout = 30 * time.Second

var (
	errPublisherClosed = errors.New("the writer is closed")
	errNoAck           = fmt.Errorf("the server did not acknowledge the record within %v", ackTimeout)
)

// underway is what both kinds of Publisher have in common: the messages that are not settled.
type underway struct {
	nc *natsgo.Conn
	PublisherOptions
	window   *window
	lost     chan natsgo.Status // gets an element for each loss of the connection
	settling sync.WaitGroup     // of what was under way then
}

// start settles what is under way each time that the connection is lost: an answer that was under way may be lost for good.
func (u *underway) start(nc *natsgo.Conn, o PublisherOptions) {
	u.nc, u.PublisherOptions, u.window = nc, o, newWindow(o.MaxInFlight, o.StopAtFailure)
	u.lost = nc.StatusChanged(natsgo.RECONNECTING, natsgo.CLOSED)
	u.settling.Go(func() {
		for range u.lost {
			u.window.failAll(fmt.Errorf("the connection to %s was lost", o.Server))
		}
	})
}

// close settles what is under way and takes no more.
func (u *underway) close() {
	u.window.close(errPublisherClosed)
	u.nc.RemoveStatusListener(u.lost) // and closes it
	u.settling.Wait()
}

// Resume implements transport.Resumer.
func (u *underway) Resume() { u.window.resume() }

// Flush implements Publisher.
func (u *underway) Flush(ctx context.Context) error { return u.window.wait(ctx) }

const (
	// errCodeHeadersTooLarge is the server's code for headers above 64 KiB; the client library has no name for it.
	errCodeHeadersTooLarge jetstream.ErrorCode = 10097
	// errCodeNotStored is the server's code for what its store refuses, such as any record while the stream is full.
	errCodeNotStored jetstream.ErrorCode = 10077
)

// unpublished says why a message did not reach its place, and whether it never will.
func (u *underway) unpublished(err error) error {
	var api *jetstream.APIError
	tooLarge := errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum || api.ErrorCode == errCodeHeadersTooLarge)
	switch {
	case errors.Is(err, natsgo.ErrMaxPayload):
		err = fmt.Errorf("the record is larger than the %d bytes that %s takes (max_payload): %w", u.nc.MaxPayload(), u.Server, err)
	case tooLarge:
		err = fmt.Errorf("the record is larger than its stream takes: %w", err)
	case errors.Is(err, natsgo.ErrBadHeaderMsg):
	case api != nil && api.ErrorCode == errCodeNotStored && strings.HasPrefix(api.Description, "maximum "):
		return fmt.Errorf("%s is full, and takes more once its sinks or its age limit make room, or its limits are raised: %w", u.Place, err)
	default:
		return fmt.Errorf("publish to %s: %w", u.Place, explain(u.Server, err))
	}
	return &transport.Rejected{Err: fmt.Errorf("publish to %s: %w", u.Place, err)}
}
