// Command nats-source is a source that reads a NATS system: a plain subject, a JetStream stream or a key-value bucket.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient"
)

var info = common.Info{
	Name: "nats-source", Version: "0.1.0", Category: "Messaging", Resumes: true,
	Description: "Reads a NATS subject, a JetStream stream or a key-value bucket, and sends each message as a record.",
	Checks: []string{
		"exactly one of subject without stream, stream, and bucket says what to read",
		"queue goes with a subject without stream, consumer with stream, keys with bucket",
		"deliver goes with stream or bucket",
	},
	Examples: []common.Example{
		{Title: "Follow a stream from its beginning, and go on there after a restart", Args: []string{
			"--nats-url", "nats://nats.example.com:4222", "--stream", "ORDERS", "--topic", "orders",
		}},
		{Title: "Take a share of a durable consumer's messages, acknowledged when they are delivered", Args: []string{
			"--nats-url", "tls://nats.example.com:4222", "--nats-creds-file", "orders.creds", "--stream", "ORDERS",
			"--consumer", "patchbay", "--subject", "orders.*.created", "--topic", "new-orders",
		}},
		{Title: "Mirror a bucket, deletions included", Args: []string{
			"--nats-url", "nats://nats.example.com:4222", "--bucket", "settings", "--topic", "settings",
		}},
		{Title: "Listen to a plain subject, as one of a queue group", Args: []string{
			"--nats-url", "nats://nats.example.com:4222", "--subject", "sensors.>", "--queue", "patchbay", "--topic", "sensors",
		}},
	},
}

func main() { common.RunSource(info, &NATSSource{}) }

// NATSSource holds the options that only this connector has.
type NATSSource struct {
	Subject   string `help:"Subject to subscribe to, where * stands for one part and > for all that follow; with --stream, those of its messages to read." placeholder:"SUBJECT" pattern:"^[^\\s.]+(\\.[^\\s.]+)*$" form:"a subject: parts without spaces, joined by dots"`
	Queue     string `help:"Queue group: its members share the messages of the subject." placeholder:"GROUP" pattern:"^\\S+$" form:"a name without spaces"`
	Stream    string `help:"JetStream stream to read." placeholder:"STREAM" pattern:"^[^\\s.*>/\\\\]+$" form:"a stream's name, without spaces, dots, wildcards and slashes" identity:""`
	Consumer  string `help:"Durable pull consumer to read the stream by, made if there is none. It keeps the place, and its readers share the messages. Default: read all of the stream, in order, and keep the place here." placeholder:"CONSUMER" pattern:"^[^\\s.*>/\\\\]+$" form:"a consumer's name, without spaces, dots, wildcards and slashes"`
	Bucket    string `help:"Key-value bucket to read and to watch." placeholder:"BUCKET" pattern:"^[A-Za-z0-9_-]+$" form:"a bucket's name: letters, digits, dashes and underscores" identity:""`
	Keys      string `help:"Keys of the bucket to read, with the wildcards of a subject. Default: all." placeholder:"KEYS" pattern:"^[^\\s.]+(\\.[^\\s.]+)*$" form:"keys: parts without spaces, joined by dots"`
	Deliver   string `help:"Where to begin in a stream or bucket at the very first start: with all it holds, with the last message of each subject (or key), or with what is new from then on." enum:"all,last-per-subject,new" default:"all"`
	KeyHeader string `help:"Header that holds the key of a message's record. In a bucket the key is the key." placeholder:"HEADER" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+$" form:"a header's name"`

	NATS natsclient.Options `embed:""`
}

// Run reads until ctx ends; with --once, up to the last message that a stream or bucket holds at the start.
func (s *NATSSource) Run(ctx context.Context, out common.Output) error {
	if s.streamName() == "" && out.Once() {
		return common.Permanent(common.Invalid("once", "has no end on a plain subject; use --max-records, or read a --stream"))
	}
	conn, session, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.streamName() == "" {
		return s.subscribe(ctx, session, conn, out)
	}
	return s.follow(ctx, session, conn, out)
}

// Validate implements common.Validator.
func (s *NATSSource) Validate() error {
	var errs []error
	plain := s.Stream == "" && s.Bucket == ""
	if s.Subject == "" && plain {
		errs = append(errs, common.Invalid("subject", "is missing: say what to read by --subject, --stream or --bucket"))
	}
	if s.Bucket != "" && s.Stream != "" {
		errs = append(errs, common.Invalid("bucket", "and --stream are two things to read; remove one"))
	}
	for _, option := range []struct {
		name    string
		wrong   bool
		because string
	}{
		{"subject", s.Subject != "" && s.Bucket != "", "does not go with --bucket; --keys chooses keys"},
		{"queue", s.Queue != "" && !plain, "goes with a subject alone; those who read by one --consumer share a stream"},
		{"consumer", s.Consumer != "" && s.Stream == "", "needs the --stream that it belongs to"},
		{"keys", s.Keys != "" && s.Bucket == "", "needs the --bucket that holds them"},
		{"deliver", s.Deliver != "all" && plain, "goes with --stream or --bucket: a plain subject has no past"},
	} {
		if option.wrong {
			errs = append(errs, common.Invalid(option.name, "%s", option.because))
		}
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it connects, and looks for the stream or bucket. A consumer that is not there is made
// by a run.
func (s *NATSSource) Check(ctx context.Context) error {
	conn, session, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.streamName() == "" {
		return roundTrip(session, conn)
	}
	stream, err := s.open(session, conn)
	if err != nil || s.Consumer == "" {
		return err
	}
	consumer, err := stream.Consumer(session, s.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consumer %s: %w", s.Consumer, err)
	}
	return s.suits(consumer.CachedInfo().Config)
}

func (s *NATSSource) connect(ctx context.Context) (*nats.Conn, context.Context, error) {
	return s.NATS.Connect(ctx, info.Name+"/"+info.Version)
}

var (
	_ common.Source    = (*NATSSource)(nil)
	_ common.Validator = (*NATSSource)(nil)
	_ common.Checker   = (*NATSSource)(nil)
)
