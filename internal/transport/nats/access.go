package nats

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	natsgo "github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Access says how to show a server who we are, and by what to know the server. Files are read again at every connect and
// reconnect, so that they may be replaced while a connector runs. The zero value shows nothing but what is in the address.
type Access struct {
	// Credentials is a file with a user's JWT and seed, as nsc and the NATS clouds hand it out (.creds).
	Credentials string
	// NKey is a file with a user's seed.
	NKey string
	// Token is the secret of a server that has one for all.
	Token string
	// User and Password are a login.
	User, Password string
	// CA is a PEM file with the authorities that vouch for the server. Empty means those of the system. Given, it demands TLS,
	// as do Cert and Key.
	CA string
	// Cert and Key are PEM files with the certificate by which the server knows us, and its key.
	Cert, Key string
}

// Check returns a ConfigError if nothing could be reached this way at a list of servers. It reads no file.
func (a Access) Check(list string) error {
	logins := 0
	for _, given := range []bool{a.Credentials != "", a.NKey != "", a.Token != "", a.User != "" || a.Password != ""} {
		if given {
			logins++
		}
	}
	switch {
	case a == Access{}:
		return nil
	case list == "":
		return transport.Misconfigured("credentials and certificates are for a broker named by --broker: the local broker has a secret of " +
			"its own")
	case logins > 1:
		return transport.Misconfigured("choose one of a credentials file, an nkey, a token, and a user with a password")
	case logins == 1 && hasUser(list):
		return transport.Misconfigured("the address of the broker holds a login, and another is given beside it: choose one")
	case (a.User == "") != (a.Password == ""):
		return transport.Misconfigured("a user and a password go together")
	case (a.Cert == "") != (a.Key == ""):
		return transport.Misconfigured("a certificate and its key go together")
	}
	return nil
}

// hasUser reports whether an address of the list holds user information.
func hasUser(list string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.User != nil {
			return true
		}
	}
	return false
}

// options reads every file once, so that what is wrong with one is told at once, as a ConfigError.
func (a Access) options() ([]natsgo.Option, error) {
	var opts []natsgo.Option
	switch {
	case a.Credentials != "":
		creds := natsgo.UserCredentials(a.Credentials)
		if err := trySignature(creds); err != nil {
			return nil, transport.Misconfigured("credentials file %s: %w", a.Credentials, err)
		}
		opts = append(opts, creds)
	case a.NKey != "":
		nkey, err := natsgo.NkeyOptionFromSeed(a.NKey)
		if err != nil {
			return nil, transport.Misconfigured("nkey file %s: %w", a.NKey, err)
		}
		opts = append(opts, nkey)
	case a.Token != "":
		opts = append(opts, natsgo.Token(a.Token))
	case a.User != "":
		opts = append(opts, natsgo.UserInfo(a.User, a.Password))
	}
	if a.CA != "" {
		opts = append(opts, natsgo.RootCAs(a.CA))
	}
	if a.Cert != "" {
		opts = append(opts, natsgo.ClientCert(a.Cert, a.Key))
	}
	for _, o := range opts {
		if err := o(&natsgo.Options{}); err != nil {
			return nil, &transport.ConfigError{Err: err} // the files are named in it
		}
	}
	return opts, nil
}

// trySignature finds out whether a credentials file holds all it should: the client library looks for the seed only when a
// server has asked for a signature.
func trySignature(creds natsgo.Option) error {
	var o natsgo.Options
	if err := creds(&o); err != nil {
		return err
	}
	if _, err := o.SignatureCB([]byte("nonce")); err != nil {
		return err
	}
	return nil
}

// An nkeyDialer reads the seed's file again before each reconnect: the client library asks for a signature by the new seed,
// but goes on showing the public key of the old one.
type nkeyDialer struct {
	dialer
	file string
	conn *atomic.Pointer[natsgo.Conn] // of nil until there is one
}

// Dial is called by the client library, which holds the lock that guards its options meanwhile.
func (d *nkeyDialer) Dial(network, address string) (net.Conn, error) {
	if nc := d.conn.Load(); nc != nil {
		nkey, err := natsgo.NkeyOptionFromSeed(d.file)
		if err == nil {
			err = nkey(&nc.Opts)
		}
		if err != nil {
			return nil, fmt.Errorf("nkey file %s: %w", d.file, err)
		}
	}
	return d.dialer.Dial(network, address)
}

// explainTLS adds to what is wrong with a certificate who has to mend it.
func explainTLS(err error) error {
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &verification):
		return fmt.Errorf("the server's certificate is not accepted (--broker-ca-file names the authorities to trust): %w", err)
	case errors.Is(err, natsgo.ErrSecureConnWanted):
		return fmt.Errorf("the server has no TLS, which is asked for by tls:// or by a certificate option: %w", err)
	// With TLS 1.3 a server checks the client when the handshake is over for us: its answer comes, or is cut off, later.
	case strings.Contains(err.Error(), "remote error: tls: "), strings.Contains(err.Error(), "after TLS handshake"):
		return fmt.Errorf("the server refuses us, for want of a client certificate that it accepts perhaps (--broker-cert-file and "+
			"--broker-key-file): %w", err)
	}
	return err
}
