package nats

import (
	"context"
	"sync"

	natsgo "github.com/nats-io/nats.go"
)

// A plainPublisher publishes to a plain subject. A server acknowledges nothing there by itself, so messages are settled by a
// round trip on the same connection: what precedes it has reached the server.
type plainPublisher struct {
	underway
	kick      chan struct{} // something was published since the last round trip
	cancel    context.CancelFunc
	confirmer sync.WaitGroup

	mu        sync.Mutex
	published []published
}

// published is a message that waits for a round trip.
type published struct {
	n          uint64
	reconnects uint64 // that there had been before it was published
}

func newPlainPublisher(nc *natsgo.Conn, o PublisherOptions) *plainPublisher {
	ctx, cancel := context.WithCancel(context.Background())
	p := &plainPublisher{kick: make(chan struct{}, 1), cancel: cancel}
	p.start(nc, o)
	p.confirmer.Go(func() { p.confirm(ctx) })
	return p
}

// Publish implements Publisher.
func (p *plainPublisher) Publish(ctx context.Context, msg *natsgo.Msg, settled func(error)) error {
	n, err := p.window.add(ctx, settled)
	if err != nil {
		return err
	}
	this := published{n: n, reconnects: p.nc.Stats().Reconnects}
	if err := p.nc.PublishMsg(msg); err != nil {
		return p.window.takeBack(n, p.unpublished(err))
	}
	p.mu.Lock()
	p.published = append(p.published, this)
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
	return nil
}

// confirm makes one round trip after the other while there is something to settle.
func (p *plainPublisher) confirm(ctx context.Context) {
	for {
		select {
		case <-p.kick:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		batch := p.published
		p.published = nil
		p.mu.Unlock()
		err := p.roundTrip(ctx)
		now := p.nc.Stats().Reconnects
		for _, b := range batch {
			fate := err
			if fate == nil && b.reconnects != now {
				fate = natsgo.ErrDisconnected // the answer says nothing about what went out on an earlier connection
			}
			if fate != nil {
				fate = p.unpublished(fate)
			}
			p.window.settle(b.n, fate)
		}
	}
}

func (p *plainPublisher) roundTrip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return p.nc.FlushWithContext(ctx)
}

// Close implements Publisher.
func (p *plainPublisher) Close() error {
	p.cancel()
	p.close()
	p.confirmer.Wait()
	return nil
}

var _ Publisher = (*plainPublisher)(nil)
