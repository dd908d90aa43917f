package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// accessFlags say which broker holds a topic and how to get at it, as those of connectors do.
type accessFlags struct {
	Broker                string `placeholder:"URL" env:"PATCHBAY_BROKER" help:"Broker that holds the topics: nats:// or tls://, several joined by commas. Without it the local broker is used, and started if need be."`
	BrokerCredentialsFile string `placeholder:"FILE" env:"PATCHBAY_BROKER_CREDENTIALS_FILE" help:"Credentials file (.creds) with the JWT and the seed of a NATS user."`
	BrokerNkeyFile        string `placeholder:"FILE" env:"PATCHBAY_BROKER_NKEY_FILE" help:"File with the seed of a NATS user (nkey)."`
	BrokerToken           string `placeholder:"TOKEN" env:"PATCHBAY_BROKER_TOKEN" help:"Token that the broker asks for."`
	BrokerUser            string `placeholder:"USER" env:"PATCHBAY_BROKER_USER" help:"User to log in to the broker as."`
	BrokerPassword        string `placeholder:"PASSWORD" env:"PATCHBAY_BROKER_PASSWORD" help:"Password of that user."`
	BrokerCAFile          string `name:"broker-ca-file" placeholder:"FILE" env:"PATCHBAY_BROKER_CA_FILE" help:"PEM file with the authorities to trust in place of the system's; demands TLS."`
	BrokerCertFile        string `placeholder:"FILE" env:"PATCHBAY_BROKER_CERT_FILE" help:"PEM file with the certificate to show to the broker; demands TLS."`
	BrokerKeyFile         string `placeholder:"FILE" env:"PATCHBAY_BROKER_KEY_FILE" help:"PEM file with the key of that certificate."`
}

func (f *accessFlags) access() nats.Access {
	return nats.Access{
		Credentials: f.BrokerCredentialsFile, NKey: f.BrokerNkeyFile, Token: f.BrokerToken, User: f.BrokerUser,
		Password: f.BrokerPassword, CA: f.BrokerCAFile, Cert: f.BrokerCertFile, Key: f.BrokerKeyFile,
	}
}

// check returns what is wrong with the flags as they are written.
func (f *accessFlags) check() error {
	if err := nats.CheckURL(f.Broker); err != nil {
		return err
	}
	if strings.Contains(f.Broker, "nats+core://") {
		return fmt.Errorf("--broker: plain subjects (nats+core://) keep no records; name a broker with JetStream")
	}
	return f.access().Check(f.Broker)
}

// warn tells which secrets on the command line everybody on this machine can see.
func (f *accessFlags) warn(w io.Writer, args []string) {
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		switch {
		case name == "--broker-token", name == "--broker-password":
			name += " on the command line shows in the process list; set PATCHBAY_" +
				strings.ToUpper(strings.ReplaceAll(name[2:], "-", "_"))
		case name == "--broker" && nats.Redact(f.Broker) != f.Broker:
			name = "the login in --broker on the command line shows in the process list; set PATCHBAY_BROKER"
		default:
			continue
		}
		fmt.Fprintf(w, "patchbay: %s\n", name)
	}
}
