package nats

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// An authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

func (a *authority) issue(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) leaf(expires time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	return a.issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, NotAfter: expires,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// serve makes the server show a certificate, and want one of a client if clients is not nil.
func (a *authority) serve(expires time.Time, clients *authority) func(*server.Options) {
	a.t.Helper()
	cert, key := a.leaf(expires)
	return func(o *server.Options) {
		o.TLS, o.TLSTimeout = true, 5
		o.TLSConfig = &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		}
		if clients != nil {
			o.TLSVerify = true
			o.TLSConfig.ClientAuth, o.TLSConfig.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
			o.TLSConfig.ClientCAs.AddCert(clients.cert)
		}
	}
}

// file writes the authority's certificate, in place of what is there.
func (a *authority) file(path string) string {
	a.t.Helper()
	return writePEM(a.t, path, "CERTIFICATE", a.cert.Raw)
}

// pair writes a certificate for a client, with its key.
func (a *authority) pair(cert, key string) (string, string) {
	a.t.Helper()
	c, k := a.leaf(time.Now().Add(time.Hour))
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return writePEM(a.t, cert, "CERTIFICATE", c.Raw), writePEM(a.t, key, "PRIVATE KEY", der)
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	return writeFile(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.TempDir(), path)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// nkeyUser writes a new seed and makes the server know nobody but its user.
func nkeyUser(t *testing.T, path string) (string, func(*server.Options)) {
	t.Helper()
	_, public, seed := newKey(t, nkeys.CreateUser)
	return writeFile(t, path, string(seed)+"\n"), func(o *server.Options) {
		o.Nkeys = []*server.NkeyUser{{Nkey: public}}
	}
}

// credentials writes the credentials of a user of a new operator, whom alone the server trusts from then on.
func credentials(t *testing.T, path string) (string, func(*server.Options)) {
	t.Helper()
	operator, operatorID, _ := newKey(t, nkeys.CreateOperator)
	account, accountID, _ := newKey(t, nkeys.CreateAccount)
	_, userID, seed := newKey(t, nkeys.CreateUser)
	userJWT := encode(t, jwt.NewUserClaims(userID), account)
	accountJWT := encode(t, jwt.NewAccountClaims(accountID), operator)
	trusted, err := jwt.DecodeOperatorClaims(encode(t, jwt.NewOperatorClaims(operatorID), operator))
	if err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountID, accountJWT); err != nil {
		t.Fatal(err)
	}
	file, err := jwt.FormatUserConfig(userJWT, seed)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, path, string(file)), func(o *server.Options) {
		o.TrustedOperators, o.AccountResolver = []*jwt.OperatorClaims{trusted}, resolver
	}
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string, seed []byte) {
	t.Helper()
	pair, err := create()
	if err == nil {
		public, err = pair.PublicKey()
	}
	if err == nil {
		seed, err = pair.Seed()
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair, public, seed
}

func encode(t *testing.T, claims jwt.Claims, issuer nkeys.KeyPair) string {
	t.Helper()
	token, err := claims.Encode(issuer)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
