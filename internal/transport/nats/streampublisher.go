package nats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A streamPublisher publishes to a stream. The client library has an asynchronous publisher too; this one is smaller, settles
// each message exactly once where the library may report a loss twice, keeps the order where the library tries again, and
// blocks by context.
type streamPublisher struct {
	underway
	prefix  string // of the reply subjects; the message's number follows
	sub     *natsgo.Subscription
	watcher sync.WaitGroup
	unwatch context.CancelFunc // ends the watcher
	gone    atomic.Bool        // nobody answered for the stream: it is looked for before the next message

	search   sync.Mutex
	searched time.Time // when the stream was looked for in vain
	missing  error     // what came of it
}

func newStreamPublisher(nc *natsgo.Conn, o PublisherOptions) (*streamPublisher, error) {
	p := &streamPublisher{prefix: nc.NewInbox() + "."}
	p.start(nc, o)
	var err error
	if p.sub, err = nc.Subscribe(p.prefix+"*", p.acknowledged); err == nil {
		// As many as the window holds can be queued at once, whatever limit the client library has.
		err = p.sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("await acknowledgements: %w", explain(o.Server, err))
	}
	var watching context.Context
	watching, p.unwatch = context.WithCancel(context.Background())
	p.watcher.Go(func() { p.watch(watching) })
	return p, nil
}

// Publish implements Publisher.
func (p *streamPublisher) Publish(ctx context.Context, msg *natsgo.Msg, settled func(error)) error {
	if p.gone.Load() {
		if err := p.find(ctx); err != nil {
			p.window.stop(err)
			return err
		}
	}
	n, err := p.window.add(ctx, settled)
	if err != nil {
		return err
	}
	msg.Reply = p.prefix + strconv.FormatUint(n, 36)
	if err := p.nc.PublishMsg(msg); err != nil {
		return p.window.takeBack(n, p.unpublished(err))
	}
	return nil
}

const (
	// findTimeout bounds the search for a stream that is gone: a question that a dying server took along is never answered.
	findTimeout = 2 * time.Second
	// findAgain is how long nobody looks again: what is written right behind a record that failed must not overtake it.
	findAgain = 250 * time.Millisecond
)

func (p *streamPublisher) find(ctx context.Context) error {
	p.search.Lock()
	defer p.search.Unlock()
	if p.missing != nil && time.Since(p.searched) < findAgain {
		return p.missing
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	_, err := p.Stream(ctx)
	p.searched, p.missing = time.Now(), err
	if err == nil {
		p.gone.Store(false)
	}
	return err
}

// acknowledged is called by the client library for each reply, one after the other.
func (p *streamPublisher) acknowledged(m *natsgo.Msg) {
	n, err := strconv.ParseUint(m.Subject[len(p.prefix):], 36, 64)
	if err != nil {
		return // not a reply to anything of ours
	}
	if err := publishError(m); err != nil {
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			p.gone.Store(true)
			// Nor will anybody answer for what was sent before: a server of a cluster has gone and took it along.
			p.window.failUpTo(n, p.unpublished(err))
			return
		}
		p.window.settle(n, p.unpublished(err))
		return
	}
	p.window.settle(n, nil)
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

// Close implements Publisher.
func (p *streamPublisher) Close() error {
	p.close()
	p.unwatch()
	p.watcher.Wait()
	if err := p.sub.Unsubscribe(); err != nil && !errors.Is(err, natsgo.ErrConnectionClosed) &&
		!errors.Is(err, natsgo.ErrBadSubscription) {
		return fmt.Errorf("close the writer: %w", err)
	}
	return nil
}

var _ Publisher = (*streamPublisher)(nil)
