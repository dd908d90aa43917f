// Command http-source is a source that polls an HTTP endpoint and publishes what it answers.
package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

var info = common.Info{
	Name: "http-source", Version: "0.1.0", Category: "Web",
	Description: "Polls an HTTP endpoint and publishes each answer, with pagination and conditional requests.",
	Resumes:     true, PositionsRecur: true, // a page may change back to what it was
	Record: Response{},
	Checks: []string{
		"next-url is a jq expression that compiles, and goes with pagination jq",
		"method HEAD goes with output-parts full", "max-body is more than nothing",
	},
	Examples: []common.Example{
		{Title: "Publish a page every minute, if it has changed", Args: []string{
			"--endpoint", "https://example.com/status",
			"--interval", "1m", "--emit", "changed", "--topic", "status",
		}},
		{Title: "Read a list page by page, once, and make each element a record", Args: []string{
			"--endpoint", "https://api.example.com/items?per_page=100", "--pagination", "link", "--output-type", "json",
			"--arraymap", ".", "--once", "--topic", "items",
		}},
		{Title: "Follow a cursor that stands in the body", Args: []string{
			"--endpoint", "https://api.example.com/events",
			"--pagination", "jq", "--next-url", `if .cursor then "?cursor=\(.cursor|@uri)" else null end`, "--topic", "events",
		}},
	},
}

func main() { common.RunSource(info, &HTTPSource{}) }

// HTTPSource holds the options that only this connector has.
type HTTPSource struct {
	Endpoint    common.URL    `help:"Address to poll." placeholder:"URL" required:"" identity:""`
	Method      string        `help:"Method of the requests." default:"GET" pattern:"^[A-Z]+$" form:"a method in capital letters, such as GET or POST" maxlen:"20"`
	Body        string        `help:"Body of the requests. Content-Type is application/json if it is JSON, else text/plain, unless header says otherwise." placeholder:"TEXT"`
	Interval    time.Duration `help:"Time from the start of one poll to the start of the next." default:"10s" min:"1ns" change:"config"`
	OutputParts string        `help:"What a record holds: body is the body as it came, full a JSON object with status, headers and body." enum:"body,full" default:"body"`
	OutputType  string        `help:"What a body is: text takes anything, json refuses a body that is no JSON." enum:"text,json" default:"text"`
	Emit        string        `help:"Which answers become records: always is all; modified asks the server to answer only if the resource was modified; changed also drops a body that is the same as the last. With pagination, modified is always, and changed goes by the first page." enum:"always,modified,changed" default:"modified"`
	MaxBody     common.Size   `help:"Largest body to accept, when decompressed." default:"10MiB"`
	Pagination  string        `help:"How a poll gets from page to page: link follows the header Link with rel=next, jq asks next-url." enum:"none,link,jq" default:"none"`
	NextURL     string        `name:"next-url" help:"jq expression that makes the address of the next page of the JSON body; null ends the poll. Knows $url, $page (from 1), $status and $headers." placeholder:"EXPR"`
	MaxPages    int           `help:"Most pages of one poll; one that has more fails." default:"1000" min:"1" max:"1000000" unit:"pages"`

	HTTP httpclient.Options `embed:""`
}

// Run polls until ctx ends. The position is the state of the resource at the last poll that was delivered as a whole.
func (s *HTTPSource) Run(ctx context.Context, out common.Output) error {
	p, err := newPoller(s, out)
	if err != nil {
		return common.Permanent(err)
	}
	defer p.client.Close()
	for {
		start := time.Now()
		if err := p.poll(ctx); err != nil || out.Once() {
			return err
		}
		if err := common.Sleep(ctx, time.Until(start.Add(s.Interval))); err != nil {
			return err
		}
	}
}

// Validate implements common.Validator.
func (s *HTTPSource) Validate() error {
	var errs []error
	if _, err := s.follower(); err != nil {
		errs = append(errs, err)
	}
	if s.Method == http.MethodHead && s.OutputParts == "body" {
		errs = append(errs, common.Invalid("method", "an answer to HEAD has no body; choose --output-parts full"))
	}
	if s.MaxBody == 0 {
		errs = append(errs, common.Invalid("max-body", "lets no body through; give the largest that may come"))
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it asks for the first page. Where the method is not one that only reads, it asks for the
// OPTIONS of the endpoint instead, and any answer will do.
func (s *HTTPSource) Check(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	defer client.Close()
	method, reads := s.Method, s.Method == http.MethodGet || s.Method == http.MethodHead
	if !reads {
		method = http.MethodOptions
	}
	req, err := http.NewRequestWithContext(ctx, method, s.Endpoint.String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if reads && !s.HTTP.Succeeds(resp.StatusCode) {
		return client.NewStatusError(resp)
	}
	return nil
}

func (s *HTTPSource) client() (*httpclient.Client, error) {
	return s.HTTP.Client(info.Name+"/"+info.Version, &s.Endpoint.URL)
}
