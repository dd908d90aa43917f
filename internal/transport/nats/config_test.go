package nats

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

func isConfigError(err error) bool {
	var config *transport.ConfigError
	return errors.As(err, &config)
}

func TestCheckURL(t *testing.T) {
	tests := []struct{ name, list, want string }{
		{"the local broker", "", ""},
		{"a list", "nats://a, tls://me:pass@b:4222", ""},
		{"plain subjects", "nats+core://a,nats+core://b/", ""},
		{"another scheme", "kafka://me:canary@host", "the scheme must be nats, tls or nats+core"},
		{"no scheme", "host:4222", "write it as nats://host:4222"},
		{"no host", "nats://", "write it as nats://host:4222"},
		{"not a URL", "nats://me:canary@[::1", "write it as nats://host:4222"},
		{"a path", "nats://canary@host/path", "nothing may follow"},
		{"two modes", "nats://a,nats+core://b", "all addresses must begin"},
		{"a comma in a password", "nats://me:canary,canary@host", "a comma in a password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckURL(tt.list)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !isConfigError(err) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

func TestWhatNoWaitingMendsIsAConfigError(t *testing.T) {
	ctx := testContext(t)
	s := startServer(t)
	c := connect(t, s.url())
	core := connect(t, strings.Replace(s.url(), "nats", coreScheme, 1))
	silent := connect(t, s.url(), topic("silent"))
	_, err := c.js.CreateStream(ctx, jetstream.StreamConfig{Name: "X", Subjects: []string{"silent"}, NoAck: true})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		do   func() error
	}{
		{"a list of servers in two modes", func() error {
			_, err := Connect(ctx, Config{URL: "nats://a,nats+core://b", Topic: "demo"})
			return err
		}},
		{"a wildcard for a topic", func() error {
			_, err := Connect(ctx, Config{URL: s.url(), Topic: "a.*"})
			return err
		}},
		{"an unknown envelope", func() error {
			_, err := Connect(ctx, Config{URL: s.url(), Topic: "demo", Envelope: "avro"})
			return err
		}},
		{"no group", func() error {
			_, err := c.Reader(ctx, ReaderOptions{})
			return err
		}},
		{"an unknown beginning", func() error {
			_, err := c.Reader(ctx, ReaderOptions{Group: "g", From: "yesterday"})
			return err
		}},
		{"one pass over a plain subject", func() error {
			_, err := core.Reader(ctx, ReaderOptions{Group: "g", Once: true})
			return err
		}},
		{"a stream that acknowledges nothing", func() error {
			_, err := silent.Writer(ctx)
			return err
		}},
		{"state on a connection to plain subjects", func() error {
			_, err := core.Store(ctx, "", "one")
			return err
		}},
		{"a name that no bucket may have", func() error {
			_, err := c.Store(ctx, "a.b", "one")
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); !isConfigError(err) {
				t.Errorf("error %v is no ConfigError", err)
			}
		})
	}
	_, err = Connect(ctx, Config{URL: "nats://127.0.0.1:1", Topic: "demo"})
	if err == nil || isConfigError(err) {
		t.Errorf("a server that may come up: %v", err)
	}
}

func TestStateSaysWhatToDoWithoutJetStream(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.JetStream = false })
	for _, url := range []string{s.url(), strings.Replace(s.url(), "nats", coreScheme, 1)} {
		_, err := connect(t, url).Store(testContext(t), "", "one")
		if err == nil || !strings.Contains(err.Error(), "give --state none or --state file:PATH, or a broker with JetStream") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
