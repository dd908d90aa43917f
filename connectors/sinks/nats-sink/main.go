// Command nats-sink is a sink that writes to a NATS system: a plain subject, a JetStream stream or a key-value bucket.
package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient"
)

var info = common.Info{
	Name: "nats-sink", Version: "0.1.0", Category: "Messaging",
	Description: "Publishes records to a NATS subject or a JetStream stream, or puts them into a key-value bucket.",
	Checks: []string{
		"either subject or bucket says where to write, stream goes with subject",
		"subject has no wildcards, and no placeholders but {key} and {subject}",
		"key-header does not go with bucket",
	},
	Examples: []common.Example{
		{Title: "Store records in a stream, which drops those that come twice", Args: []string{
			"--topic", "orders", "--nats-url", "nats://nats.example.com:4222", "--subject", "orders.created", "--stream", "ORDERS",
		}},
		{Title: "Keep the latest record of each key in a bucket", Args: []string{
			"--topic", "settings", "--nats-url", "tls://nats.example.com:4222", "--nats-creds-file", "settings.creds", "--bucket", "settings",
		}},
		{Title: "Publish to a plain subject that ends in the key", Args: []string{
			"--topic", "sensors", "--nats-url", "nats://nats.example.com:4222", "--subject", "sensors.{key}",
		}},
	},
}

func main() { common.RunSink(info, &NATSSink{}) }

// NATSSink holds the options that only this connector has.
type NATSSink struct {
	Subject    string        `help:"Subject to publish to. {key} stands for the record's key, {subject} for its subject, which is that of the message where nats-source read it." placeholder:"SUBJECT" pattern:"^[^\\s.]+(\\.[^\\s.]+)*$" form:"a subject: parts without spaces, joined by dots"`
	Stream     string        `help:"JetStream stream that stores what is published to the subject. A record is acknowledged when the stream has it. Default: none; a plain subject keeps nothing for those who do not listen." placeholder:"STREAM" pattern:"^[^\\s.*>/\\\\]+$" form:"a stream's name, without spaces, dots, wildcards and slashes"`
	Bucket     string        `help:"Key-value bucket to put records into by their keys. A record that deletes removes its key." placeholder:"BUCKET" pattern:"^[A-Za-z0-9_-]+$" form:"a bucket's name: letters, digits, dashes and underscores"`
	KeyHeader  string        `help:"Header for the record's key." placeholder:"HEADER" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+$" form:"a header's name"`
	AckTimeout time.Duration `help:"Longest time for the servers to confirm what was published." default:"10s" min:"1ns"`

	NATS natsclient.Options `embed:""`
}

// Run publishes batch after batch, and acknowledges what the servers have confirmed. It returns at the first failure that may
// pass, so that what is not confirmed comes again.
func (s *NATSSink) Run(ctx context.Context, in common.Input) error {
	p, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer p.conn.Close()
	for {
		batch, err := in.Next(p.session)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.ended(err)
		}
		if s.streamName() == "" {
			err = p.send(batch)
		} else {
			err = p.store(batch)
		}
		if err != nil {
			return p.ended(err)
		}
	}
}

// Validate implements common.Validator.
func (s *NATSSink) Validate() error {
	var errs []error
	switch {
	case s.Subject == "" && s.Bucket == "":
		errs = append(errs, common.Invalid("subject", "is missing: say where to write by --subject or --bucket"))
	case s.Subject != "" && s.Bucket != "":
		errs = append(errs, common.Invalid("bucket", "and --subject are two places to write to; remove one"))
	case s.Subject != "":
		if err := checkTemplate(s.Subject); err != nil {
			errs = append(errs, common.Invalid("subject", "%v", err))
		}
	}
	if s.Stream != "" && s.Bucket != "" {
		errs = append(errs, common.Invalid("stream", "does not go with --bucket, which is a stream of its own; remove one"))
	} else if s.Stream != "" && s.Subject == "" {
		errs = append(errs, common.Invalid("stream", "needs a --subject that it stores"))
	}
	if s.KeyHeader != "" && s.Bucket != "" {
		errs = append(errs, common.Invalid("key-header", "does not go with --bucket, where the key is the key"))
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it connects, and looks for the stream or bucket.
func (s *NATSSink) Check(ctx context.Context) error {
	p, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer p.conn.Close()
	return p.ended(p.conn.FlushWithContext(p.session))
}

var (
	_ common.Sink      = (*NATSSink)(nil)
	_ common.Validator = (*NATSSink)(nil)
	_ common.Checker   = (*NATSSink)(nil)
)
