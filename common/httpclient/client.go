package httpclient

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/tlsfiles"
)

// maxRedirects is how many redirects are followed for one request.
const maxRedirects = 10

// A Client sends requests as the options say. It is safe for concurrent use.
type Client struct {
	http      *http.Client
	transport *http.Transport
	timeout   time.Duration
}

// Client makes a client whose secrets belong to the origin of endpoint. product names the connector and its version, as in
// "http-source/0.1.0", for the User-Agent header. It reads the files that the options name and fails when one of them
// cannot be used; no retry mends that. It does not connect. The caller closes the client.
func (o *Options) Client(product string, endpoint *url.URL) (*Client, error) {
	config, err := tlsfiles.Config(o.CAFile, true, o.ClientCertFile, o.ClientKeyFile)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 32 // a connector talks to one host, perhaps with several requests at a time
	if o.Proxy.IsSet() {
		transport.Proxy = http.ProxyURL(&o.Proxy.URL)
	}
	return &Client{
		http: &http.Client{
			Transport: newSigner(o, product, endpoint, transport), Timeout: o.Timeout, CheckRedirect: checkRedirect,
		},
		transport: transport, timeout: o.Timeout,
	}, nil
}

// Close closes connections that are not in use.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do sends a request with the headers and credentials of the options and returns the answer, whatever its status. It blocks
// until the headers of the answer have come; the timeout covers its body too. Headers of the options replace the request's
// own. The caller closes the body. When the request's context has ended the error is the cause of that.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(req, err)
	}
	resp.Body = &body{resp.Body, c, req}
	return resp, nil
}

// A body explains the errors that come while it is read.
type body struct {
	io.ReadCloser
	client *Client
	req    *http.Request
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = b.client.explain(b.req, err)
	}
	return n, err
}

// explain gives an error of package http a text that names the request without its query, and the option that may help.
func (c *Client) explain(req *http.Request, err error) error {
	if ctx := req.Context(); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var outer *url.Error
	for errors.As(err, &outer) { // its text holds the whole address
		err = outer.Err
	}
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no complete answer within %s; --timeout allows more", c.timeout)
	case errors.As(err, &authority):
		err = fmt.Errorf("%w; --ca-file names an authority to trust", err)
	}
	return fmt.Errorf("%s %s: %w", req.Method, Address(req.URL), err)
}

// Address writes a URL without what may hold secrets: user information, query and fragment.
func Address(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// checkRedirect lets package http follow a redirect, or return the answer that asks for it.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.Method != first.Method: // a POST that became a GET would look like a success
		return http.ErrUseLastResponse
	case carries(first) && origin(req.URL) != origin(first.URL):
		return http.ErrUseLastResponse
	}
	req.Header.Del("Referer") // it holds the query of the address before
	return nil
}

// carries reports whether a request hands something over or changes something, rather than only asking.
func carries(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody || req.Method != http.MethodGet && req.Method != http.MethodHead
}

// origin is what browsers call by that name: scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
