package nats

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

func TestRedact(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing to hide", "nats://host:4222", "nats://host:4222"},
		{"a token", "nats://canary@host:4222", "nats://xxxxx@host:4222"},
		{"a password", "tls://me:canary@host", "tls://xxxxx@host"},
		{"a password with an at sign", "nats://me:can@ry@host", "nats://xxxxx@host"},
		{"a list", "nats://canary@a,nats+core://b,tls://u:canary@c", "nats://xxxxx@a,nats+core://b,tls://xxxxx@c"},
		{"no scheme", "canary@host", "(address hidden: a comma in a password must be written %2C)"},
		{"a comma in a password", "nats://me:can,canary@host", "(address hidden: a comma in a password must be written %2C)"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Redact(tt.in); got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestConnectRefusesWhatItCannotMean(t *testing.T) {
	tests := []struct {
		name   string
		adjust func(*Config)
		want   string
	}{
		{"another scheme", func(c *Config) { c.URL = "kafka://me:canary@host" }, "the scheme must be nats, tls or nats+core"},
		{"no topic", func(c *Config) { c.Topic = "" }, "topic is empty"},
		{"a wildcard", func(c *Config) { c.Topic = "a.*" }, "only letters, digits"},
		{"an empty name in the topic", func(c *Config) { c.Topic = "a..b" }, "between two names"},
		{"another envelope", func(c *Config) { c.Envelope = "avro" }, `envelope "avro"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{URL: "nats://127.0.0.1:1", Topic: "demo"}
			tt.adjust(&c)
			_, err := Connect(testContext(t), c)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

func TestConnectTriesOnceAndHidesSecrets(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.Username, o.Password = "me", "right" })
	for _, url := range []string{
		"nats://me:canary@127.0.0.1:1",
		strings.Replace(s.url(), "nats://", "nats://me:canary@", 1),
	} {
		_, err := Connect(testContext(t), Config{URL: url, Topic: "demo"})
		if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "nats://xxxxx@127.0.0.1") {
			t.Errorf("error %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := Connect(ctx, Config{URL: "nats://192.0.2.1", Topic: "demo"}); err == nil {
		t.Error("connected to nowhere")
	}
}

func TestServerWithoutJetStreamIsNamed(t *testing.T) {
	c := connect(t, startServer(t, func(o *server.Options) { o.JetStream = false }).url())
	if _, err := c.Writer(testContext(t)); err == nil || !strings.Contains(err.Error(), "nats+core://") {
		t.Errorf("error %v", err)
	}
	if _, err := c.Store(testContext(t), "", "one"); err == nil || !strings.Contains(err.Error(), "has no JetStream") {
		t.Errorf("error %v", err)
	}
}

// localServer is a local broker for a connection: a server with a token whose address changes at each start.
func localServer(s *testServer, calls *atomic.Int32) func(context.Context) (broker.Endpoint, error) {
	return func(context.Context) (broker.Endpoint, error) {
		calls.Add(1)
		return broker.Endpoint{URL: s.url(), Token: s.opts.Authorization}, nil
	}
}

func TestLocalBrokerIsLookedUpAtEveryReconnect(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.Authorization = "first" })
	next := startServer(t, func(o *server.Options) { o.Authorization = "second" })
	var calls atomic.Int32
	var now atomic.Pointer[testServer]
	now.Store(s)
	c := connect(t, "", func(c *Config) {
		c.Local = func(ctx context.Context) (broker.Endpoint, error) { return localServer(now.Load(), &calls)(ctx) }
	})
	write(t, openWriter(t, c), values("a")...)
	if n := calls.Load(); n != 1 {
		t.Errorf("looked up %d times for one connect", n)
	}
	now.Store(next)
	s.stop()
	await(t, "the connection moves to the new broker", func() bool {
		return c.nc.Stats().Reconnects == 1 && c.Healthy() == nil
	})
	write(t, openWriter(t, c), values("b")...)
}

func TestLocalBrokerThatCannotBeHad(t *testing.T) {
	want := &broker.UnavailableError{Err: errors.New("no binary")}
	_, err := Connect(testContext(t), Config{
		Topic: "demo",
		Local: func(context.Context) (broker.Endpoint, error) { return broker.Endpoint{}, want },
	})
	var got *broker.UnavailableError
	if !errors.As(err, &got) {
		t.Errorf("error %v is no UnavailableError", err)
	}
}

func TestHealthyAndTheLogFollowTheConnection(t *testing.T) {
	var log syncBuffer
	s := startServer(t)
	c := connect(t, s.url(), func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	if err := c.Healthy(); err != nil {
		t.Error(err)
	}
	s.stop()
	await(t, "the loss is noticed", func() bool { return c.Healthy() != nil })
	s.start()
	await(t, "the connection is back", func() bool { return c.Healthy() == nil })
	for _, want := range []string{"the NATS connection is lost", "the NATS connection is back"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
	c.Close()
	if err := c.Healthy(); !errors.Is(err, natsgo.ErrConnectionClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestReconnectDelayStaysShortForAWhileAndGrowsToItsLimit(t *testing.T) {
	for n := 1; n < 100; n++ {
		d := reconnectDelay(n)
		if d < 50*time.Millisecond || d > maxBackOff || n > 40 && d < maxBackOff/2 || n <= briefTries && d > briefBackOff {
			t.Errorf("delay %v after %d rounds", d, n)
		}
	}
}

// A syncBuffer is written by the connection's goroutines and read by the test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestCloseDoesNotWaitForAPeerThatSaysNothing(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	s.stop()
	silent, err := net.Listen("tcp", strings.TrimPrefix(s.url(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	peer, err := silent.Accept() // it dials again, and waits for a greeting
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	closed := make(chan struct{})
	go func() { c.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(connectTimeout / 2):
		t.Error("Close waits for the peer")
		<-closed
	}
}
