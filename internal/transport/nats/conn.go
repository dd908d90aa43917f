// Package nats reaches a topic on a NATS server: as a JetStream stream, which is the default, or as a plain subject.
//
// One connection serves a process. Where no server is named it goes to the local broker, which is looked up, and started
// if need be, at every connect and reconnect. The package holds the client side only; connectors do not carry the server.
// A Publisher is the part of a topic's writer that serves any place on NATS, over a connection of its caller's.
package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

const (
	// DefaultMaxInFlight is how many records may be on their way at once where the caller does not say.
	DefaultMaxInFlight = 1024

	connectTimeout = 5 * time.Second  // for one attempt at one server
	requestTimeout = 5 * time.Second  // for one question to the server where the caller's context has no deadline
	pingInterval   = 20 * time.Second // a peer that went silent is noticed when two of these have passed
	maxBackOff     = 10 * time.Second
)

// Config says which server and which topic.
type Config struct {
	// URL names the servers, separated by commas: nats:// or tls:// for JetStream, nats+core:// for plain subjects. Empty
	// means the local broker.
	URL string
	// Access is how to log in, and what to know the server by.
	Access Access
	// Topic is the subject.
	Topic string
	// Name is the instance and Connector its connector; together they name the connection for the server's operator.
	Name, Connector string
	// Logger hears of lost and regained connections. Nil means none.
	Logger *slog.Logger
	// Status hears whether the server can be reached: an error each time it turns out that it cannot, nil when it can again.
	// It must not block. Nil means that nobody asks.
	Status func(err error)
	// Envelope is how records are written: "" (lean) or "cloudevents". Both are read, whatever it says.
	Envelope string
	// Source is the CloudEvents source of records that have none. Empty means /connector/name.
	Source string
	// MaxInFlight bounds the records that a Writer has handed over and the server has not acknowledged. 0 means
	// DefaultMaxInFlight.
	MaxInFlight int
	// StopAtFailure makes a Writer a transport.Resumer in deed: the caller must call Resume after a failure.
	StopAtFailure bool
	// Stream says what a stream is made like where there is none.
	Stream StreamOptions
	// Local finds or starts the local broker. Nil means broker.Locate in the surroundings of this process.
	Local func(ctx context.Context) (broker.Endpoint, error)
}

// A Conn is a connection to a server. It is safe for concurrent use.
type Conn struct {
	cfg    Config
	target target
	log    *slog.Logger
	nc     *natsgo.Conn
	js     jetstream.JetStream
	cancel context.CancelFunc // ends what the connection does on its own, such as starting the broker

	mu      sync.Mutex
	lost    error  // why there is no connection now, nil while there is one
	adopted string // the stream that was said to differ from what was asked for
}

// Connect makes one attempt to connect and returns its error; the caller decides whether to try again, which is pointless
// after a ConfigError. ctx bounds the attempt only. Once made, the connection is renewed for ever after a loss, with a jittered back-off up to 10 s.
func Connect(ctx context.Context, c Config) (*Conn, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	target, err := parseTarget(c.URL)
	if err != nil {
		return nil, err
	}
	if err := c.Stream.CheckAt(c.URL); err != nil {
		return nil, err
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	if c.Source == "" {
		c.Source = "/" + c.Connector + "/" + c.Name
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	life, cancel := context.WithCancel(context.Background())
	conn := &Conn{cfg: c, target: target, log: log, cancel: cancel}
	if err := conn.dial(ctx, life); err != nil {
		cancel()
		return nil, err
	}
	return conn, nil
}

func (c *Conn) dial(ctx, life context.Context) error {
	var made atomic.Pointer[natsgo.Conn] // for what is called while there is a connection already
	direct := dialer{life, attemptTimeout(ctx)}
	opts := []natsgo.Option{
		natsgo.Name(c.cfg.Connector + " " + c.cfg.Name),
		natsgo.Timeout(direct.timeout),
		natsgo.MaxReconnects(-1),
		natsgo.IgnoreAuthErrorAbort(), // credentials may be put right while we wait
		natsgo.CustomReconnectDelay(func(n int) time.Duration {
			// A refusal after the connection is made, of a login or a certificate, is told in no other way.
			if nc := made.Load(); nc != nil && nc.LastError() != nil {
				c.stillLost(nc.LastError())
			}
			return reconnectDelay(n)
		}),
		natsgo.ReconnectBufSize(-1), // what is kept back while disconnected must not pass for sent
		natsgo.PingInterval(pingInterval),
		natsgo.MaxPingsOutstanding(1),
		natsgo.DisconnectErrHandler(func(_ *natsgo.Conn, err error) { c.disconnected(err) }),
		natsgo.ReconnectHandler(func(*natsgo.Conn) { c.reconnected() }),
		natsgo.ReconnectErrHandler(func(_ *natsgo.Conn, err error) { c.stillLost(err) }),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) {
			c.log.Warn("the NATS connection reports a problem", "error", err)
		}),
	}
	access, err := c.cfg.Access.options()
	if err != nil {
		return err
	}
	opts = append(opts, access...)
	opts = append(opts, natsgo.SetCustomDialer(direct))
	if file := c.cfg.Access.NKey; file != "" {
		opts = append(opts, natsgo.SetCustomDialer(&nkeyDialer{direct, file, &made}))
	}
	url := c.target.url
	if c.target.local {
		local, err := newLocalDialer(ctx, direct, c.cfg.Local)
		if err != nil {
			return err
		}
		url = local.placeholder()
		opts = append(opts, natsgo.SetCustomDialer(local), natsgo.TokenHandler(local.token),
			natsgo.IgnoreDiscoveredServers())
	}
	nc, err := natsgo.Connect(url, opts...)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.target.shown, explainTLS(err))
	}
	made.Store(nc)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(requestTimeout))
	if err != nil {
		nc.Close()
		return fmt.Errorf("connect to %s: %w", c.target.shown, err)
	}
	c.nc, c.js = nc, js
	return nil
}

// Healthy returns nil while the connection is up, else why it is not. It does not block.
func (c *Conn) Healthy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return fmt.Errorf("not connected to %s: %w", c.target.shown, c.lost)
	}
	return nil
}

// Close ends the connection without waiting; records that are not acknowledged are settled with an error. Close the
// writers and readers first.
func (c *Conn) Close() {
	if c.Healthy() != nil { // then the client library may be busy with a peer that says nothing
		c.cancel()
	}
	c.nc.Close() // what was published goes out before
	c.cancel()
	c.disconnected(natsgo.ErrConnectionClosed)
}

// disconnected notes that the connection is lost, and why. Writers notice by themselves.
func (c *Conn) disconnected(err error) {
	if err == nil {
		err = natsgo.ErrConnectionClosed
	}
	c.mu.Lock()
	c.lost = err
	c.mu.Unlock()
	if !errors.Is(err, natsgo.ErrConnectionClosed) {
		c.tell(fmt.Errorf("the connection to %s is lost: %w", c.target.shown, err))
		c.log.Warn("the NATS connection is lost", "server", c.target.shown, "error", err)
	}
}

// stillLost notes why an attempt to reconnect failed, and says so where that is news: credentials that were withdrawn, say.
func (c *Conn) stillLost(err error) {
	err = explainTLS(err)
	c.mu.Lock()
	news := c.lost == nil || c.lost.Error() != err.Error()
	c.lost = err
	c.mu.Unlock()
	c.tell(fmt.Errorf("connect to %s: %w", c.target.shown, err))
	var network *net.OpError // nobody answers yet, as was to be expected
	if news && !errors.As(err, &network) {
		c.log.Warn("cannot reconnect to NATS, trying again", "server", c.target.shown, "error", err)
	}
}

func (c *Conn) reconnected() {
	c.mu.Lock()
	c.lost = nil
	c.mu.Unlock()
	c.tell(nil)
	c.log.Info("the NATS connection is back", "server", c.target.shown)
}

// tell passes on whether the server can be reached.
func (c *Conn) tell(err error) {
	if c.cfg.Status != nil {
		c.cfg.Status(err)
	}
}

func (c *Conn) explain(err error) error { return explain(c.target.shown, err) }

// explain puts what the client library reports about a server into words that say what to do.
func explain(server string, err error) error {
	switch {
	case errors.Is(err, natsgo.ErrReconnectBufExceeded):
		return fmt.Errorf("not connected to %s", server)
	case noJetStream(err):
		return fmt.Errorf("%s has no JetStream: enable it (nats-server -js), or use plain subjects with nats+core://: %w", server, err)
	}
	return err
}

// noJetStream reports whether an error says that nobody answers for JetStream: the server has none, or not yet.
func noJetStream(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) ||
		errors.Is(err, natsgo.ErrNoResponders)
}

func attemptTimeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Millisecond, min(connectTimeout, time.Until(deadline)))
	}
	return connectTimeout
}

// briefBackOff bounds the wait for so many tries that five seconds have passed, so that a server that was away for less is
// found soon after it is back.
const (
	briefBackOff = 400 * time.Millisecond
	briefTries   = 28
)

// reconnectDelay is how long to wait once all servers were tried n times: exponential, half of it random, so that many
// connectors do not come back at the same moment.
func reconnectDelay(n int) time.Duration {
	d := min(briefBackOff, 50*time.Millisecond<<min(n, 10))
	if late := n - briefTries; late > 0 {
		d = min(maxBackOff, briefBackOff<<min(late, 10))
	}
	return d/2 + rand.N(d/2)
}
