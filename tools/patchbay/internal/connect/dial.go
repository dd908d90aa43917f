package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
	natstopic "github.com/patchbay-dev/patchbay/internal/transport/nats"
)

const (
	attemptTimeout = 5 * time.Second  // for one attempt at a server, and for one question to it
	startTimeout   = 30 * time.Second // for the first connection
	pingInterval   = 20 * time.Second // a peer that went silent is noticed when two of these have passed
	leastDelay     = 50 * time.Millisecond
	mostDelay      = 10 * time.Second
)

// A server is a connection to NATS, which is renewed for ever once it is made.
type server struct {
	*nats.Conn
	js    jetstream.JetStream
	shown string // its address without credentials
}

// dial connects to a server and calls ready, again and again until both work, or the start timeout is over, or ready returns
// a transport.ConfigError.
func dial(ctx context.Context, n natsConfig, access natstopic.Access, name string, log *slog.Logger, ready func(context.Context, *server) error) (*server, error) {
	if err := natstopic.CheckURL(n.URL); err != nil {
		return nil, fmt.Errorf("nats.url: %w", err)
	}
	opts := []nats.Option{
		nats.Name("patchbay " + name), nats.Timeout(attemptTimeout), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), // what is kept back while disconnected must not pass for sent
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(1), nats.CustomReconnectDelay(delay),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("the NATS connection is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("the NATS connection is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("the NATS connection reports a problem", "error", err)
		}),
	}
	switch {
	case access.Credentials != "":
		opts = append(opts, nats.UserCredentials(access.Credentials))
	case access.NKey != "":
		nkey, err := nats.NkeyOptionFromSeed(access.NKey)
		if err != nil {
			return nil, errors.New("nats: the seed is not that of a user")
		}
		opts = append(opts, nkey)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for try := 0; ; try++ {
		s, err := connect(ctx, n.URL, opts, ready)
		if wrong := (*transport.ConfigError)(nil); err == nil || errors.As(err, &wrong) { // no waiting mends that
			return s, err
		}
		log.Debug("not connected to NATS yet", "error", err)
		select {
		case <-time.After(delay(try)):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// connect makes one attempt.
func connect(ctx context.Context, url string, opts []nats.Option, ready func(context.Context, *server) error) (*server, error) {
	s := &server{shown: natstopic.Redact(url)}
	var err error
	if s.Conn, err = nats.Connect(url, opts...); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.shown, err)
	}
	if s.js, err = jetstream.New(s.Conn, jetstream.WithDefaultTimeout(attemptTimeout)); err == nil && ready != nil {
		err = ready(ctx, s)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", s.shown, err)
	}
	return s, nil
}

// delay is how long to wait after so many tries: longer each time, half of it random, so that many do not come back at once.
func delay(try int) time.Duration {
	d := min(mostDelay, leastDelay<<min(try, 10))
	return d/2 + rand.N(d/2)
}

// keys writes a user's JWT and seed to files that only we can read, in dir, because that is where clients look for them.
func keys(dir, name string, n natsConfig) (natstopic.Access, error) {
	path := filepath.Join(dir, name)
	switch {
	case n.Seed == "":
		return natstopic.Access{}, nil
	case n.JWT == "":
		return natstopic.Access{NKey: path}, os.WriteFile(path, []byte(n.Seed+"\n"), 0o600)
	}
	// The form of a credentials file is that of the NATS tools.
	text := "-----BEGIN NATS USER JWT-----\n" + n.JWT + "\n------END NATS USER JWT------\n\n" +
		"-----BEGIN USER NKEY SEED-----\n" + n.Seed + "\n------END USER NKEY SEED------\n"
	return natstopic.Access{Credentials: path}, os.WriteFile(path, []byte(text), 0o600)
}
