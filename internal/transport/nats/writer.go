package nats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// ackTimeout is how long the server may take to acknowledge a record. A server that is alive but lost the publish, as
// happens when a cluster elects a new leader, never tells.
const ackTimeout = 30 * time.Second

var (
	errWriterClosed = errors.New("the writer is closed")
	errNoAck        = fmt.Errorf("the server did not acknowledge the record within %v", ackTimeout)
)

// Writer returns the producing end of the topic and makes its stream where there is none.
//
// Records are published without waiting for each other. A record is settled with nil only by the server's own
// acknowledgement; the loss of the connection settles all that are under way with an error, so that the caller may write
// them again and the message id removes the duplicates. Where the stream is gone, the next Write makes it again. Nothing is
// published while the connection is down: Write returns an error at once. A record that is too large is a
// transport.Rejected: Write returns it where the server has announced its limit, and the record is settled with it where
// the limit is the stream's own.
func (c *Conn) Writer(ctx context.Context) (transport.Writer, error) {
	if c.target.core {
		return c.coreWriter()
	}
	stream, err := c.ensureStream(ctx)
	if err != nil {
		return nil, err
	}
	if cfg := stream.CachedInfo().Config; cfg.NoAck {
		return nil, transport.Misconfigured("stream %s acknowledges nothing (no_ack), so that nobody can tell what it has stored", cfg.Name)
	}
	w := &writer{conn: c, encode: c.encoder(), window: newWindow(c.cfg.MaxInFlight, c.cfg.StopAtFailure), prefix: c.nc.NewInbox() + "."}
	sub, err := c.nc.Subscribe(w.prefix+"*", w.acknowledged)
	if err != nil {
		return nil, fmt.Errorf("await acknowledgements: %w", c.explain(err))
	}
	// As many as the window holds can be queued at once, whatever limit the client library has.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("await acknowledgements: %w", err)
	}
	w.sub = sub
	c.track(w.window)
	var watching context.Context
	watching, w.unwatch = context.WithCancel(context.Background())
	w.watcher.Go(func() { w.watch(watching) })
	return w, nil
}

// A writer publishes to a stream. The client library has an asynchronous publisher too; this one is smaller, settles each
// record exactly once where the library may report a loss twice, keeps the order where the library tries again, and
// blocks by context.
type writer struct {
	conn    *Conn
	encode  encoder
	window  *window
	prefix  string // of the reply subjects; the record's number follows
	sub     *natsgo.Subscription
	watcher sync.WaitGroup
	unwatch context.CancelFunc // ends the watcher
	gone    atomic.Bool        // nobody answered for the stream: it is looked for, and made again, before the next record

	search   sync.Mutex
	searched time.Time // when the stream was looked for in vain
	missing  error     // what came of it
}

func (w *writer) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	if w.gone.Load() {
		if err := w.find(ctx); err != nil {
			w.window.stop(err)
			return err
		}
	}
	msg := natsgo.Msg{Subject: w.conn.cfg.Topic}
	w.encode(&rec, &msg)
	n, err := w.window.add(ctx, settled)
	if err != nil {
		return err
	}
	msg.Reply = w.prefix + strconv.FormatUint(n, 36)
	if err := w.conn.nc.PublishMsg(&msg); err != nil {
		return w.window.takeBack(n, w.conn.unpublished(err))
	}
	return nil
}

// Resume implements transport.Resumer.
func (w *writer) Resume() { w.window.resume() }

const (
	// findTimeout bounds the search for a stream that is gone: a question that a dying server took along is never answered.
	findTimeout = 2 * time.Second
	// findAgain is how long nobody looks again: what is written right behind a record that failed must not overtake it.
	findAgain = 250 * time.Millisecond
)

func (w *writer) find(ctx context.Context) error {
	w.search.Lock()
	defer w.search.Unlock()
	if w.missing != nil && time.Since(w.searched) < findAgain {
		return w.missing
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	_, err := w.conn.ensureStream(ctx)
	w.searched, w.missing = time.Now(), err
	if err == nil {
		w.gone.Store(false)
	}
	return err
}

// errCodeHeadersTooLarge is the server's code for headers above 64 KiB; the client library has no name for it.
const errCodeHeadersTooLarge jetstream.ErrorCode = 10097

// errCodeNotStored is the server's code for what its store refuses, such as any record while the stream is full.
const errCodeNotStored jetstream.ErrorCode = 10077

// unpublished says why a record did not reach the topic, and whether it never will.
func (c *Conn) unpublished(err error) error {
	var api *jetstream.APIError
	tooLarge := errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum || api.ErrorCode == errCodeHeadersTooLarge)
	switch {
	case errors.Is(err, natsgo.ErrMaxPayload):
		err = fmt.Errorf("the record is larger than the %d bytes that %s takes (max_payload): %w",
			c.nc.MaxPayload(), c.target.shown, err)
	case tooLarge:
		err = fmt.Errorf("the record is larger than its stream takes: %w", err)
	case errors.Is(err, natsgo.ErrBadHeaderMsg):
	case api != nil && api.ErrorCode == errCodeNotStored && strings.HasPrefix(api.Description, "maximum "):
		return fmt.Errorf("topic %s is full, and takes more once its sinks or its age limit make room, or its limits are "+
			"raised: %w", c.cfg.Topic, err)
	default:
		return fmt.Errorf("publish to %s: %w", c.cfg.Topic, c.explain(err))
	}
	return &transport.Rejected{Err: fmt.Errorf("publish to %s: %w", c.cfg.Topic, err)}
}

// acknowledged is called by the client library for each reply, one after the other.
func (w *writer) acknowledged(m *natsgo.Msg) {
	n, err := strconv.ParseUint(m.Subject[len(w.prefix):], 36, 64)
	if err != nil {
		return // not a reply to anything of ours
	}
	if err := publishError(m); err != nil {
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			w.gone.Store(true)
			// Nor will anybody answer for what was sent before: a server of a cluster has gone and took it along.
			w.window.failUpTo(n, w.conn.unpublished(err))
			return
		}
		w.window.settle(n, w.conn.unpublished(err))
		return
	}
	w.window.settle(n, nil)
}

// publishError reads the reply to a publish.
func publishError(m *natsgo.Msg) error {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return jetstream.ErrNoStreamResponse
	}
	// What the server says when all is well, recognised without parsing: this is done for every record.
	if bytes.HasPrefix(m.Data, []byte(`{"stream":"`)) && !bytes.Contains(m.Data, []byte(`"error"`)) {
		return nil
	}
	var reply struct {
		Error  *jetstream.APIError `json:"error"`
		Stream string              `json:"stream"`
	}
	switch err := json.Unmarshal(m.Data, &reply); {
	case err != nil:
		return jetstream.ErrInvalidJSAck
	case reply.Error != nil:
		return reply.Error
	case reply.Stream == "":
		return jetstream.ErrInvalidJSAck
	}
	return nil
}

// Flush blocks until every record written before the call is settled, or ctx ends.
func (w *writer) Flush(ctx context.Context) error { return w.window.wait(ctx) }

// Close settles what is under way with an error. The connection stays.
func (w *writer) Close() error {
	w.window.close(errWriterClosed)
	w.unwatch()
	w.watcher.Wait()
	w.conn.untrack(w.window)
	if err := w.sub.Unsubscribe(); err != nil && !errors.Is(err, natsgo.ErrConnectionClosed) &&
		!errors.Is(err, natsgo.ErrBadSubscription) {
		return fmt.Errorf("close the writer: %w", err)
	}
	return nil
}

var (
	_ transport.Writer  = (*writer)(nil)
	_ transport.Resumer = (*writer)(nil)
)
