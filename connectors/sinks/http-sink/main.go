// Command http-sink is a sink that sends records to an HTTP endpoint, one request for each or one for many.
package main

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

var info = common.Info{
	Name: "http-sink", Version: "0.1.0", Category: "Web",
	Description: "Sends records to an HTTP endpoint, one request for each record or one for a batch, and waits out its outages.",
	Checks: []string{
		"parallel, key-in-path, delete-method and the headers for id, key and op go with body record",
	},
	Examples: []common.Example{
		{Title: "Send each record to a webhook, with an id by which the receiver can tell duplicates", Args: []string{
			"--topic", "orders", "--endpoint", "https://example.com/hooks/orders", "--id-header", "Idempotency-Key",
		}},
		{Title: "Send batches of a thousand records, one JSON value a line, compressed", Args: []string{
			"--topic", "events", "--endpoint", "https://logs.example.com/ingest", "--body", "ndjson", "--gzip", "--batch-size", "1000",
		}},
		{Title: "Mirror records by their keys, eight requests at a time", Args: []string{
			"--topic", "items", "--endpoint", "https://api.example.com/items", "--key-in-path", "--method", "PUT",
			"--delete-method", "DELETE", "--parallel", "8",
		}},
	},
}

func main() { common.RunSink(info, &HTTPSink{}) }

// HTTPSink holds the options that only this connector has.
type HTTPSink struct {
	Endpoint     common.URL  `help:"Address to send to." placeholder:"URL" required:""`
	Method       string      `help:"Method of the requests." default:"POST" pattern:"^[A-Z]+$" form:"a method in capital letters, such as POST or PUT" maxlen:"20"`
	DeleteMethod string      `help:"Method of the requests for records that delete, such as DELETE. They have no body, and 404 and 410 are success. Default: a delete is sent as the others are." placeholder:"METHOD" pattern:"^[A-Z]+$" form:"a method in capital letters, such as DELETE" maxlen:"20"`
	KeyInPath    bool        `help:"Append the record's key, escaped, to the path of the endpoint. A record without key is refused."`
	Body         string      `help:"What a request holds: record is the payload of one record as it is, json-array and ndjson are those of a batch as JSON values, in an array or one a line." enum:"record,json-array,ndjson" default:"record"`
	MaxBody      common.Size `help:"Largest body of json-array and ndjson, before compression: a batch that needs more is sent in parts. 0 means no limit." default:"1MiB"`
	ContentType  string      `help:"Content-Type of the requests. Default: the record's own header, else what the payload looks like." placeholder:"TYPE" pattern:"^[^\\x00-\\x1f\\x7f]*$" form:"one line of text"`
	Gzip         bool        `help:"Compress the bodies, with Content-Encoding: gzip."`
	IDHeader     string      `name:"id-header" help:"Header for the record's id, such as Idempotency-Key." placeholder:"HEADER" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+$" form:"a header's name"`
	KeyHeader    string      `help:"Header for the record's key." placeholder:"HEADER" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+$" form:"a header's name"`
	OpHeader     string      `help:"Header that says whether the record is an upsert or a delete." placeholder:"HEADER" pattern:"^[A-Za-z0-9!#$%&'*+.^_|~-]+$" form:"a header's name"`
	Parallel     int         `help:"Requests at a time. With more than one, only records with the same key stay in order." default:"1" min:"1" max:"1000" unit:"requests"`

	HTTP httpclient.Options `embed:""`
}

// Run sends batch after batch. It returns at the first failure that may pass, so that what is not sent comes again, in
// order.
func (h *HTTPSink) Run(ctx context.Context, in common.Input) error {
	client, err := h.client()
	if err != nil {
		return common.Permanent(err)
	}
	defer client.Close()
	s := &sender{h, client}
	for {
		batch, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Body == "record" {
			err = s.sendEach(ctx, batch)
		} else {
			err = s.sendTogether(ctx, batch)
		}
		if err != nil {
			return err
		}
	}
}

// Validate implements common.Validator.
func (h *HTTPSink) Validate() error {
	if h.Body == "record" {
		return nil
	}
	var errs []error
	for _, option := range []struct {
		name string
		set  bool
	}{
		{"parallel", h.Parallel > 1},
		{"key-in-path", h.KeyInPath},
		{"delete-method", h.DeleteMethod != ""},
		{"id-header", h.IDHeader != ""},
		{"key-header", h.KeyHeader != ""},
		{"op-header", h.OpHeader != ""},
	} {
		if option.set {
			errs = append(errs, common.Invalid(option.name, "goes with one request for each record; remove it, or --body %s", h.Body))
		}
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it asks for the OPTIONS of the endpoint. Any answer will do that does not refuse the
// credentials or tell of an outage.
func (h *HTTPSink) Check(ctx context.Context) error {
	client, err := h.client()
	if err != nil {
		return err
	}
	defer client.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, h.Endpoint.String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := client.NewStatusError(resp)
	if loginRefused(answer.Status) || answer.Temporary() && answer.Status != http.StatusNotImplemented {
		return answer
	}
	return nil
}

func (h *HTTPSink) client() (*httpclient.Client, error) {
	return h.HTTP.Client(info.Name+"/"+info.Version, &h.Endpoint.URL)
}

var (
	_ common.Validator = (*HTTPSink)(nil)
	_ common.Checker   = (*HTTPSink)(nil)
)
