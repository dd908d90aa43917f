package nats

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
)

// plain leaves JetStream out, which would want an account with limits of its own.
func plain(o *server.Options) { o.JetStream = false }

func login(user, password string) func(*server.Options) {
	return func(o *server.Options) { o.Username, o.Password = user, password }
}

func token(token string) func(*server.Options) {
	return func(o *server.Options) { o.Authorization = token }
}

func TestLogins(t *testing.T) {
	nkey, knowsKey := nkeyUser(t, "user.nk")
	creds, trusts := credentials(t, "user.creds")
	otherKey, _ := nkeyUser(t, "other.nk")
	otherCreds, _ := credentials(t, "other.creds")
	tests := []struct {
		name  string
		serve func(*server.Options)
		good  Access
		bad   Access
	}{
		{"a token", token("good"), Access{Token: "good"}, Access{Token: "canary"}},
		{"a user", login("me", "good"), Access{User: "me", Password: "good"}, Access{User: "me", Password: "canary"}},
		{"an nkey", knowsKey, Access{NKey: nkey}, Access{NKey: otherKey}},
		{"a credentials file", trusts, Access{Credentials: creds}, Access{Credentials: otherCreds}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, plain, tt.serve)
			connect(t, s.url(), func(c *Config) { c.Access = tt.good })
			for name, access := range map[string]Access{"another": tt.bad, "none": {}} {
				_, err := Connect(testContext(t), Config{URL: s.url(), Topic: "demo", Access: access})
				if !errors.Is(err, natsgo.ErrAuthorization) || isConfigError(err) || strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	ca, otherCA := ours.file("ca.pem"), theirs.file("other.pem")
	cert, key := ours.pair("cert.pem", "key.pem")
	otherCert, otherKey := theirs.pair("other-cert.pem", "other-key.pem")
	later := time.Now().Add(time.Hour)
	tests := []struct {
		name   string
		serve  func(*server.Options)
		access Access
		scheme string
		want   string // of the error; empty for none
	}{
		{"TLS that the server asks for", ours.serve(later, nil), Access{CA: ca}, "nats", ""},
		{"TLS in the address", ours.serve(later, nil), Access{CA: ca}, "tls", ""},
		{"a plain subject", ours.serve(later, nil), Access{CA: ca}, coreScheme, ""},
		{"both sides known", ours.serve(later, ours), Access{CA: ca, Cert: cert, Key: key}, "tls", ""},
		{"an authority of the system that is none", ours.serve(later, nil), Access{}, "nats", "unknown authority"},
		{"another authority", ours.serve(later, nil), Access{CA: otherCA}, "tls", "unknown authority"},
		{"a certificate that has expired", ours.serve(time.Now().Add(-time.Hour), nil), Access{CA: ca}, "tls", "expired"},
		{"a server without TLS and tls://", plain, Access{}, "tls", "the server has no TLS"},
		{"a server without TLS and an authority", plain, Access{CA: ca}, "nats", "the server has no TLS"},
		{"no client certificate", ours.serve(later, ours), Access{CA: ca}, "tls", "--broker-cert-file"},
		{"another client certificate", ours.serve(later, ours), Access{CA: ca, Cert: otherCert, Key: otherKey}, "tls", "--broker-cert-file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, tt.serve)
			c, err := Connect(testContext(t), Config{
				URL: strings.Replace(s.url(), "nats", tt.scheme, 1), Topic: "demo", Access: tt.access,
			})
			if err == nil {
				defer c.Close()
			}
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || isConfigError(err)):
				t.Errorf("error %v does not say %q", err, tt.want)
			}
			if err == nil && !c.target.core {
				write(t, openWriter(t, c), values("a")...)
			}
		})
	}
}

// What is replaced while a connector runs is what it shows when it comes back.
func TestFilesAreReadAtEveryReconnect(t *testing.T) {
	type rotation func(t *testing.T, access Access) (Access, func(*server.Options))
	tests := []struct {
		name   string
		rotate rotation // the first time with no files yet
	}{
		{"an nkey", func(t *testing.T, a Access) (Access, func(*server.Options)) {
			file, serve := nkeyUser(t, orNew(a.NKey))
			return Access{NKey: file}, serve
		}},
		{"a credentials file", func(t *testing.T, a Access) (Access, func(*server.Options)) {
			file, serve := credentials(t, orNew(a.Credentials))
			return Access{Credentials: file}, serve
		}},
		{"certificates", func(t *testing.T, a Access) (Access, func(*server.Options)) {
			next := newAuthority(t)
			cert, key := next.pair(orNew(a.Cert), orNew(a.Key))
			return Access{CA: next.file(orNew(a.CA)), Cert: cert, Key: key}, next.serve(time.Now().Add(time.Hour), next)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			access, serve := tt.rotate(t, Access{})
			s := startServer(t, plain, serve)
			var log syncBuffer
			c := connect(t, s.url(), func(c *Config) {
				c.Access, c.Logger = access, slog.New(slog.NewTextHandler(&log, nil))
			})
			first := c.nc.ConnectedServerId()
			s.stop()
			_, next := tt.rotate(t, Access{}) // a server that does not know us yet
			next(&s.opts)
			s.start()
			await(t, "the reason is told", func() bool { return strings.Contains(log.String(), "cannot reconnect to NATS") })
			if err := c.Healthy(); err == nil {
				t.Error("healthy without a connection")
			}
			s.stop()
			again, next := tt.rotate(t, access)
			if again != access {
				t.Fatalf("files %v became %v", access, again)
			}
			next(&s.opts)
			s.start()
			await(t, "the connection is back", func() bool { return c.Healthy() == nil && c.nc.ConnectedServerId() != first })
		})
	}
}

// orNew gives a name for a file that has none yet.
func orNew(path string) string {
	if path == "" {
		return "file"
	}
	return path
}

func TestAccessThatCannotBeMeant(t *testing.T) {
	junk, absent := writeFile(t, "junk", "canary"), t.TempDir()+"/absent"
	cert, key := newAuthority(t).pair("cert.pem", "key.pem")
	_, otherKey := newAuthority(t).pair("cert.pem", "key.pem")
	tests := []struct {
		name   string
		url    string
		access Access
		want   string
	}{
		{"a login for the local broker", "", Access{Token: "canary"}, "the local broker has a secret of its own"},
		{"a certificate for the local broker", "", Access{CA: "ca.pem"}, "the local broker has a secret of its own"},
		{"two logins", "nats://a", Access{Token: "canary", NKey: "user.nk"}, "choose one of"},
		{"a login beside one in the address", "nats://a,nats://canary@b", Access{NKey: "user.nk"}, "choose one"},
		{"a user without a password", "nats://a", Access{User: "me"}, "go together"},
		{"a password without a user", "nats://a", Access{Password: "canary"}, "go together"},
		{"a certificate without a key", "nats://a", Access{Cert: "cert.pem"}, "go together"},
		{"no credentials file", "nats://a", Access{Credentials: absent}, absent},
		{"a credentials file that is none", "nats://a", Access{Credentials: junk}, junk},
		{"no nkey file", "nats://a", Access{NKey: absent}, absent},
		{"an nkey file that is none", "nats://a", Access{NKey: junk}, junk},
		{"no CA file", "nats://a", Access{CA: absent}, absent},
		{"a CA file that is none", "nats://a", Access{CA: junk}, junk},
		{"no certificate", "nats://a", Access{Cert: absent, Key: key}, absent},
		{"the key of another certificate", "nats://a", Access{Cert: cert, Key: otherKey}, "private key does not match"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Connect(testContext(t), Config{URL: tt.url, Topic: "demo", Access: tt.access})
			if !isConfigError(err) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}
