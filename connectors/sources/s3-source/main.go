// Command s3-source is a source that reads the objects of a bucket of S3, or of a server that speaks its protocol.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

var info = common.Info{
	Name: "s3-source", Version: "0.1.0", Category: "Files", Resumes: true,
	Description: "Reads the objects of an S3 bucket, whole or split into lines or JSON values, and goes on with new ones.",
	Checks: []string{
		"endpoint has neither a path nor a query", "session-token goes with an access key",
		"max-record is more than nothing",
	},
	Examples: []common.Example{
		{Title: "Make each line of the logs under a prefix a record, and look for new logs every minute", Args: []string{
			"--bucket", "logs", "--prefix", "web/2026/", "--split", "lines", "--topic", "web-logs",
		}},
		{Title: "Read a public data set once, each element of its JSON arrays a record", Args: []string{
			"--bucket", "open-data", "--anonymous", "--suffix", ".json.gz", "--split", "json-array", "--once", "--topic", "open-data",
		}},
		{Title: "Publish each object of a server of your own, and again whenever it is overwritten", Args: []string{
			"--endpoint", "https://s3.example.com:9000", "--ca-file", "ca.pem", "--bucket", "reports", "--order", "modified",
			"--interval", "10s", "--topic", "reports",
		}},
	},
}

func main() { common.RunSource(info, &S3Source{}) }

// S3Source holds the options that only this connector has.
type S3Source struct {
	Bucket      string        `help:"Bucket to read." placeholder:"BUCKET" required:"" pattern:"^[A-Za-z0-9][A-Za-z0-9.-]{1,61}[A-Za-z0-9]$" form:"a bucket's name: 3 to 63 letters, digits, dots and dashes" identity:"" discover:""`
	Prefix      string        `help:"Read only objects whose keys begin like this." placeholder:"PREFIX" maxlen:"1024" identity:""`
	Suffix      string        `help:"Read only objects whose keys end like this." placeholder:"SUFFIX" maxlen:"1024"`
	Split       string        `help:"What becomes a record: an object as a whole, each of its lines, each value of a sequence of JSON values, or each element of one JSON array." enum:"none,lines,json,json-array" default:"none"`
	Compression string        `help:"How objects are compressed; auto goes by their content encoding, else by their keys' ending: .gz or .zst." enum:"auto,none,gzip,zstd" default:"auto"`
	Order       string        `help:"How new objects are found: key reads on after the last key, modified after the last time of modification, which finds overwritten objects too but lists all keys each time." enum:"key,modified" default:"key" identity:""`
	Settle      time.Duration `help:"Leave objects alone until they are this old, and those after them: one that appears late, but sorts before them, is still found. With order modified it is 2s at least." default:"0s" min:"0s"`
	Interval    time.Duration `help:"Pause between two looks for new objects." default:"1m" min:"1ns" change:"config"`
	MaxRecord   common.Size   `help:"Largest record, when decompressed: an object, a line or a JSON value." default:"10MiB"`
	BadObjects  string        `help:"What to do with an object that cannot be read as the options say: end, or skip what is left of it with a warning." enum:"fail,skip" default:"fail"`

	Endpoint        common.URL    `help:"Address of the server." placeholder:"URL" default:"https://s3.amazonaws.com" group:"S3" identity:""`
	Region          string        `help:"Region of the bucket. Default: ask the server." placeholder:"REGION" pattern:"^[A-Za-z0-9-]+$" form:"a region's name: letters, digits and dashes" group:"S3"`
	Addressing      string        `help:"Where requests name the bucket: in the path (path-style) or in the host's name (virtual-hosted). auto is host for the large public services, else path." enum:"auto,path,host" default:"auto" group:"S3"`
	AccessKeyID     string        `name:"access-key-id" help:"Id of the access key. Default: that of the AWS environment variables or of the AWS credentials file, if there is one." placeholder:"ID" xor:"login" and:"access-key" group:"S3"`
	SecretAccessKey common.Secret `help:"Secret of the access key." placeholder:"SECRET" and:"access-key" group:"S3"`
	SessionToken    common.Secret `help:"Session token that goes with a temporary access key." placeholder:"TOKEN" group:"S3"`
	Anonymous       bool          `help:"Send no credentials: for buckets that everybody may read." xor:"login" group:"S3"`
	CAFile          string        `name:"ca-file" help:"PEM file with authorities to trust beside the system's." placeholder:"FILE" group:"S3"`
	Timeout         time.Duration `help:"Longest wait for an answer, and for more of an object." default:"30s" min:"1ns" group:"S3"`
}

// Run reads until ctx ends; with --once, the objects that are there at the start.
func (s *S3Source) Run(ctx context.Context, out common.Output) error {
	client, err := s.connect()
	if err != nil {
		return common.Permanent(err)
	}
	defer client.close()
	r := &reader{S3Source: s, out: out, client: client, log: common.Log(ctx)}
	if r.last, err = parsePosition(out.Position(""), s.Order); err != nil {
		return common.Permanent(err)
	}
	if err := r.resume(ctx); err != nil {
		return err
	}
	for {
		if err := r.look(ctx); err != nil || out.Once() {
			return err
		}
		out.Ready()
		if err := common.Sleep(ctx, s.Interval); err != nil {
			return err
		}
	}
}

// Validate implements common.Validator.
func (s *S3Source) Validate() error {
	var errs []error
	if u := s.Endpoint.URL; u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		errs = append(errs, common.Invalid("endpoint", "is more than scheme, host and port; the bucket goes to --bucket, a folder to --prefix"))
	}
	if s.SessionToken.Reveal() != "" && s.AccessKeyID == "" {
		errs = append(errs, common.Invalid("session-token", "needs the --access-key-id that it belongs to"))
	}
	if s.MaxRecord == 0 {
		errs = append(errs, common.Invalid("max-record", "lets no record through; give the largest that may come"))
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it lists the bucket, and asks for the properties of an object if there is one, which
// takes the permission to read it.
func (s *S3Source) Check(ctx context.Context) error {
	client, err := s.connect()
	if err != nil {
		return err
	}
	defer client.close()
	for o, err := range client.list(ctx, s.Prefix, "", 1) {
		if err != nil {
			return err
		}
		if err := client.stat(ctx, o.key); err != nil && !errors.Is(err, errGone) {
			return fmt.Errorf("object %q: %w", o.key, err)
		}
		break
	}
	return nil
}

var (
	_ common.Source    = (*S3Source)(nil)
	_ common.Validator = (*S3Source)(nil)
	_ common.Checker   = (*S3Source)(nil)
)
