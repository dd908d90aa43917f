package nats

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

// startTimeout bounds the time in which a reconnect may find or start the local broker. The client library holds its lock
// meanwhile, so it must not be long.
const startTimeout = 10 * time.Second

// A localDialer connects to the local broker wherever it is by then: every dial looks it up anew and may start it again.
type localDialer struct {
	dialer
	locate func(context.Context) (broker.Endpoint, error)

	mu    sync.Mutex
	fresh bool // found has not been dialled yet
	found broker.Endpoint
}

// newLocalDialer looks the broker up once, so that the first failure is reported as it is, in the time ctx gives it. Later
// dials are bound to the life of direct.
func newLocalDialer(ctx context.Context, direct dialer, locate func(context.Context) (broker.Endpoint, error)) (*localDialer, error) {
	if locate == nil {
		locate = func(ctx context.Context) (broker.Endpoint, error) { return broker.Locate(ctx, broker.SystemEnv()) }
	}
	e, err := locate(ctx)
	if err != nil {
		return nil, err
	}
	return &localDialer{dialer: direct, locate: locate, fresh: true, found: e}, nil
}

// Dial connects to the broker; the address that the client library believes in is ignored.
func (d *localDialer) Dial(network, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.life, startTimeout)
	defer cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.fresh {
		e, err := d.locate(ctx)
		if err != nil {
			return nil, err
		}
		d.found = e
	}
	d.fresh = false
	return d.dialer.Dial(network, d.found.Address())
}

// token returns the secret of the broker dialled last.
func (d *localDialer) token() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found.Token
}

// placeholder is an address for the client library, which wants one; it names no port that anything listens on.
func (d *localDialer) placeholder() string { return "nats://127.0.0.1:0" }
