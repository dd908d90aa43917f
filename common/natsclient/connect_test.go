package natsclient_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wrapper embeds the options as a connector does.
type wrapper struct {
	NATS natsclient.Options `embed:""`
}

// connect connects by flags.
func connect(t *testing.T, address string, args ...string) (*nats.Conn, context.Context, error) {
	t.Helper()
	options := commontest.Options[wrapper](t, append([]string{"--nats-url", address}, args...)...)
	nc, session, err := options.NATS.Connect(natstest.Context(t), "test-source/1.2.3")
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, session, err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// nkey makes a user's key and returns the file of its seed.
func nkey(t *testing.T) (file, public string) {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = user.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return write(t, "user.nk", string(seed)), public
}

func TestLogins(t *testing.T) {
	file, public := nkey(t)
	user := func(o *server.Options) { o.Users = []*server.User{{Username: "me", Password: "canary"}} }
	token := func(o *server.Options) { o.Authorization = "canary" }
	key := func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} }
	other, _ := nkey(t)
	for _, tt := range []struct {
		name  string
		serve func(*server.Options)
		args  []string
		want  string
	}{
		{"a user", user, []string{"--nats-user", "me", "--nats-password", "canary"}, ""},
		{"another password", user, []string{"--nats-user", "me", "--nats-password", "canary2"}, "Authorization Violation"},
		{"a token", token, []string{"--nats-token", "canary"}, ""},
		{"no token", token, nil, "Authorization Violation"},
		{"an nkey", key, []string{"--nats-nkey-file", file}, ""},
		{"another nkey", key, []string{"--nats-nkey-file", other}, "Authorization Violation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := natstest.Start(t, tt.serve)
			_, _, err := connect(t, s.URL(), tt.args...)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), s.URL())) {
				t.Errorf("the error shows a secret, or no address: %v", err)
			}
		})
	}
}

// certificate makes one for loopback that vouches for itself, and returns it and its files.
func certificate(t *testing.T) (pair tls.Certificate, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	if pair, err = tls.LoadX509KeyPair(cert, key); err != nil {
		t.Fatal(err)
	}
	return pair, cert, key
}

func TestTLS(t *testing.T) {
	pair, cert, key := certificate(t)
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(leaf)
	secure := natstest.Start(t, func(o *server.Options) {
		o.TLS, o.TLSConfig, o.TLSTimeout = true, &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS13,
		}, 5
	})
	plain := natstest.Start(t)
	for _, tt := range []struct {
		name    string
		address string
		args    []string
		want    string
	}{
		{"both certificates", secure.URL(), []string{"--nats-ca-file", cert, "--nats-cert-file", cert, "--nats-key-file", key}, ""},
		{"an unknown authority", secure.URL(), nil, "certificate"},
		{"a server without TLS", strings.Replace(plain.URL(), "nats:", "tls:", 1), nil, "secure connection not available"},
		{"a server without TLS and an authority", plain.URL(), []string{"--nats-ca-file", cert}, "secure connection not available"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := connect(t, tt.address, tt.args...)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}

// What is wrong with a file is told before any server is asked, and no secret with it.
func TestFilesThatAreWrong(t *testing.T) {
	junk, absent := write(t, "junk", "canary"), filepath.Join(t.TempDir(), "absent")
	for _, args := range [][]string{
		{"--nats-creds-file", absent},
		{"--nats-creds-file", junk},
		{"--nats-nkey-file", absent},
		{"--nats-nkey-file", junk},
		{"--nats-ca-file", absent},
		{"--nats-ca-file", junk},
		{"--nats-cert-file", absent, "--nats-key-file", absent},
		{"--nats-cert-file", junk, "--nats-key-file", junk},
	} {
		t.Run(args[0]+" "+filepath.Base(args[1]), func(t *testing.T) {
			_, _, err := connect(t, "nats://127.0.0.1:1", args...)
			if err == nil || !strings.Contains(err.Error(), filepath.Dir(args[1])) && args[0] != "--nats-cert-file" || strings.Contains(err.Error(), "canary") {
				t.Errorf("the error is %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "connection refused") {
				t.Errorf("a server was asked: %v", err)
			}
		})
	}
}

func TestASessionEndsWithItsConnection(t *testing.T) {
	s := natstest.Start(t)
	_, session, err := connect(t, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	<-session.Done()
	if cause := context.Cause(session); !strings.Contains(cause.Error(), s.URL()+": the connection is lost") {
		t.Errorf("the cause is %v", cause)
	}
	if _, _, err := connect(t, s.URL()); err == nil || !strings.Contains(err.Error(), "connect to "+s.URL()) {
		t.Errorf("the error is %v", err)
	}
}

func TestASessionEndsWhenTheServerForbidsSomething(t *testing.T) {
	s := natstest.Start(t, func(o *server.Options) {
		may := &server.Permissions{Subscribe: &server.SubjectPermission{Allow: []string{"allowed"}}}
		o.Users = []*server.User{{Username: "me", Password: "me", Permissions: may}}
	})
	nc, session, err := connect(t, s.URL(), "--nats-user", "me", "--nats-password", "me")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.SubscribeSync("forbidden"); err != nil {
		t.Fatal(err)
	}
	<-session.Done()
	if cause := context.Cause(session); !errors.Is(cause, nats.ErrPermissionViolation) {
		t.Errorf("the cause is %v", cause)
	}
}
