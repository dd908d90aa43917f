package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/invopop/jsonschema"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

// Response is the payload with --output-parts full.
type Response struct {
	Status     int               `json:"status" jsonschema_description:"Status of the answer."`
	Headers    map[string]string `json:"headers" jsonschema_description:"Headers of the answer by their names in lower case; several of one name are joined by a comma."`
	Body       any               `json:"body,omitempty" jsonschema_description:"The body: a string, or with output-type json the JSON itself."`
	BodyBase64 string            `json:"body_base64,omitempty" jsonschema_description:"In place of body where that is no valid UTF-8."`
}

// JSONSchemaExtend says when the contract holds.
func (Response) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Description = "The payload with --output-parts full. Without it the payload is the body, byte for byte."
}

// A page is one answer of the endpoint.
type page struct {
	url         *url.URL // where it came from in the end, after redirects
	status      int
	header      http.Header
	body        []byte
	bodiless    bool // by its nature, rather than with an empty body
	notModified bool // the server says that there is nothing new; there is no body either
}

// address names the page in messages.
func (pg *page) address() string { return httpclient.Address(pg.url) }

// fetch sends one request. That for the first page of a poll is conditional, where the options ask for that.
func (p *poller) fetch(ctx context.Context, target *url.URL, first bool) (*page, error) {
	var body io.Reader
	if p.Body != "" {
		body = strings.NewReader(p.Body)
	}
	req, err := http.NewRequestWithContext(ctx, p.Method, target.String(), body)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Body == "":
	case json.Valid([]byte(p.Body)):
		req.Header.Set("Content-Type", "application/json")
	default:
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	if first && p.remembers() && (p.Method == http.MethodGet || p.Method == http.MethodHead) {
		p.last.condition(req.Header)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	pg := &page{
		url: resp.Request.URL, status: resp.StatusCode, header: resp.Header,
		bodiless: p.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent,
	}
	if resp.StatusCode == http.StatusNotModified && first {
		pg.notModified = true
		return pg, nil
	}
	if !p.HTTP.Succeeds(resp.StatusCode) {
		return nil, p.client.NewStatusError(resp)
	}
	limit := int64(p.MaxBody)
	if pg.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1)); err != nil {
		return nil, err
	}
	switch {
	case int64(len(pg.body)) > limit:
		return nil, fmt.Errorf("%s: the body is larger than %s; --max-body allows more", pg.address(), p.MaxBody)
	case p.OutputType == "json" && !pg.bodiless && !json.Valid(pg.body):
		return nil, fmt.Errorf("%s: the body is no JSON; choose --output-type text if that is right", pg.address())
	}
	return pg, nil
}

// record makes the record of a page. There is none when only the body is wanted and the answer has none.
func (p *poller) record(pg *page) (rec common.Record, ok bool, err error) {
	rec = common.Record{Subject: pg.address(), Time: time.Now(), Value: pg.body}
	if date, err := http.ParseTime(pg.header.Get("Date")); err == nil {
		rec.Time = date
	}
	if p.OutputParts == "body" {
		if kind := pg.header.Get("Content-Type"); kind != "" {
			rec.Headers = map[string]string{"content-type": kind}
		}
		return rec, !pg.bodiless, nil
	}
	rec.Headers = map[string]string{"content-type": "application/json"}
	rec.Value, err = pg.full(p.OutputType == "json")
	return rec, true, err
}

// full writes a Response.
func (pg *page) full(asJSON bool) ([]byte, error) {
	r := Response{Status: pg.status, Headers: pg.headers()}
	switch {
	case asJSON && len(pg.body) > 0:
		r.Body = json.RawMessage(pg.body)
	case asJSON: // there is none
	case utf8.Valid(pg.body):
		r.Body = string(pg.body)
	default:
		r.BodyBase64 = base64.StdEncoding.EncodeToString(pg.body)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// headers joins the values of each header, as RFC 9110 section 5.3 allows.
func (pg *page) headers() map[string]string {
	all := make(map[string]string, len(pg.header))
	for name, values := range pg.header {
		all[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return all
}
