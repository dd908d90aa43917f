package natsclient

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common"
)

// Options are the flags of a connector that speaks NATS, to be embedded in its options struct with embed:"". The parser
// checks all of them but what is in files; there is nothing left for a Validate method. An address holds no login, because
// it shows in messages.
type Options struct {
	URL       string        `name:"nats-url" help:"Servers of the NATS system, separated by commas. tls:// and wss:// demand TLS." placeholder:"URL" required:"" pattern:"^(nats|tls|ws|wss)://[^\\s,@/]+(,(nats|tls|ws|wss)://[^\\s,@/]+)*$" form:"an address without a login: nats://HOST:PORT, tls://…, ws://… or wss://…" group:"NATS"`
	CredsFile string        `name:"nats-creds-file" help:"Credentials file (.creds) with the JWT and the seed of a user." placeholder:"FILE" xor:"nats-login" group:"NATS"`
	NkeyFile  string        `name:"nats-nkey-file" help:"File with the seed of a user (nkey)." placeholder:"FILE" xor:"nats-login" group:"NATS"`
	Token     common.Secret `name:"nats-token" help:"Token that the servers ask for." placeholder:"TOKEN" xor:"nats-login" group:"NATS"`
	User      string        `name:"nats-user" help:"User to log in as." placeholder:"USER" xor:"nats-login" and:"nats-user" group:"NATS"`
	Password  common.Secret `name:"nats-password" help:"Password of that user." placeholder:"PASSWORD" and:"nats-user" group:"NATS"`
	CAFile    string        `name:"nats-ca-file" help:"PEM file with the authorities to trust in place of the system's; demands TLS." placeholder:"FILE" group:"NATS"`
	CertFile  string        `name:"nats-cert-file" help:"PEM file with the certificate to show to the servers; demands TLS." placeholder:"FILE" and:"nats-cert-file" group:"NATS"`
	KeyFile   string        `name:"nats-key-file" help:"PEM file with the key of that certificate." placeholder:"FILE" and:"nats-cert-file" group:"NATS"`
}

// access reads the files that the options name, so that what is wrong with one is told at once and names it.
func (o *Options) access() ([]nats.Option, error) {
	var opts []nats.Option
	switch {
	case o.CredsFile != "":
		creds := nats.UserCredentials(o.CredsFile)
		if err := trySignature(creds); err != nil {
			return nil, fmt.Errorf("credentials file %s: %w", o.CredsFile, err)
		}
		opts = append(opts, creds)
	case o.NkeyFile != "":
		nkey, err := nats.NkeyOptionFromSeed(o.NkeyFile)
		if err != nil {
			return nil, fmt.Errorf("nkey file %s: %w", o.NkeyFile, err)
		}
		opts = append(opts, nkey)
	case o.Token.Reveal() != "":
		opts = append(opts, nats.Token(o.Token.Reveal()))
	case o.User != "":
		opts = append(opts, nats.UserInfo(o.User, o.Password.Reveal()))
	}
	if o.CAFile != "" {
		opts = append(opts, nats.RootCAs(o.CAFile))
	}
	if o.CertFile != "" {
		opts = append(opts, nats.ClientCert(o.CertFile, o.KeyFile))
	}
	return opts, nil
}

// trySignature finds out whether a credentials file holds all it should: the client library looks into it only when a server
// has asked for a signature.
func trySignature(creds nats.Option) error {
	var o nats.Options
	if err := creds(&o); err != nil {
		return err
	}
	if _, err := o.UserJWT(); err != nil {
		return err
	}
	_, err := o.SignatureCB([]byte("nonce"))
	return err
}
