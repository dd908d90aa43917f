package httpclient

import (
	"errors"
	"net/http"
	"net/url"
)

// A signer puts the headers and credentials of the options on each request that leaves, redirected ones included. It works
// on a copy, so that nothing secret can be in what package http shows or hands on.
type signer struct {
	next    http.RoundTripper
	origin  string // that secrets belong to
	agent   string
	headers []field
	secrets []field // headers
	query   []field
	basic   *field
}

func newSigner(o *Options, product string, endpoint *url.URL, next http.RoundTripper) *signer {
	s := &signer{next: next, origin: origin(endpoint), agent: o.UserAgent}
	if s.agent == "" {
		s.agent = "patchbay-" + product
	}
	for _, text := range o.Header {
		s.headers = append(s.headers, headerField(text))
	}
	for _, secret := range o.SecretHeader {
		s.secrets = append(s.secrets, headerField(secret.Reveal()))
	}
	for _, secret := range o.SecretQuery {
		s.query = append(s.query, queryField(secret.Reveal()))
	}
	if o.BearerToken.IsSet() {
		s.secrets = append(s.secrets, field{"Authorization", "Bearer " + o.BearerToken.Reveal()})
	}
	if o.Username != "" {
		s.basic = &field{o.Username, o.Password.Reveal()}
	}
	return s
}

// credentials lists the headers that stay with the endpoint's origin although no secret option holds them.
var credentials = map[string]bool{"Authorization": true, "Cookie": true, "Proxy-Authorization": true}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	at := origin(req.URL) == s.origin
	out.Header.Set("User-Agent", s.agent)
	var plain []field
	for _, h := range s.headers {
		if at || h.name != "Host" && !credentials[h.name] {
			plain = append(plain, h)
		}
	}
	put(out, plain)
	if at {
		put(out, s.secrets)
		if s.basic != nil {
			out.SetBasicAuth(s.basic.name, s.basic.value)
		}
		out.URL.RawQuery = s.withSecrets(req.URL)
	}
	resp, err := s.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if location := resp.Header.Get("Location"); location != "" {
		if _, err := url.Parse(location); err != nil { // package http would quote it
			resp.Body.Close()
			return nil, errors.New("the server redirects to something that is no address")
		}
	}
	return resp, nil
}

// put replaces headers of the request by fields, among which a name may occur several times.
func put(req *http.Request, fields []field) {
	for _, f := range fields {
		req.Header.Del(f.name)
	}
	for _, f := range fields {
		if f.name == "Host" {
			req.Host = f.value
			continue
		}
		req.Header.Add(f.name, f.value)
	}
}

// withSecrets returns the query with the secret parameters at its end. One that is there already stays: servers repeat
// them in the addresses of further pages.
func (s *signer) withSecrets(u *url.URL) string {
	query, given := u.RawQuery, u.Query()
	for _, f := range s.query {
		if given.Has(f.name) {
			continue
		}
		if query != "" {
			query += "&"
		}
		query += url.QueryEscape(f.name) + "=" + url.QueryEscape(f.value)
	}
	return query
}
