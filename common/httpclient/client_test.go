package httpclient_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wrapper embeds the options as a connector does.
type wrapper struct {
	HTTP httpclient.Options `embed:""`
}

// newClient makes a client from flags, for the origin of address.
func newClient(t *testing.T, address string, args ...string) *httpclient.Client {
	t.Helper()
	options := commontest.Options[wrapper](t, args...)
	client, err := options.HTTP.Client("test-source/1.2.3", parse(t, address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func request(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// serve starts a server that is closed with the test.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// send sends a request and returns the answer, its body read.
func send(t *testing.T, client *httpclient.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestRequestsCarryTheOptions(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		check func(r *http.Request) string
		want  string
	}{
		{"the connector is named", nil, func(r *http.Request) string { return r.UserAgent() }, "patchbay-test-source/1.2.3"},
		{"the user agent can be chosen", []string{"--user-agent", "mine"}, func(r *http.Request) string { return r.UserAgent() }, "mine"},
		{
			"a header keeps its commas and colons",
			[]string{"--header", "X-Note:  a, b: c "},
			func(r *http.Request) string { return r.Header.Get("X-Note") }, "a, b: c",
		},
		{
			"a header may be repeated",
			[]string{"--header", "X-Note: 1", "--header", "x-note: 2"},
			func(r *http.Request) string { return strings.Join(r.Header.Values("X-Note"), "|") }, "1|2",
		},
		{
			"a header replaces the connector's",
			[]string{"--header", "Content-Type: text/csv"},
			func(r *http.Request) string { return strings.Join(r.Header.Values("Content-Type"), "|") }, "text/csv",
		},
		{"the host can be chosen", []string{"--header", "Host: inside.example"}, func(r *http.Request) string { return r.Host }, "inside.example"},
		{
			"a secret header",
			[]string{"--secret-header", "X-Api-Key: hush"},
			func(r *http.Request) string { return r.Header.Get("X-Api-Key") }, "hush",
		},
		{
			"a secret query parameter stands at the end, escaped",
			[]string{"--secret-query", "key=a b&c"},
			func(r *http.Request) string { return r.URL.RawQuery }, "z=1&a=2&key=a+b%26c",
		},
		{
			"a secret query parameter that is there stays",
			[]string{"--secret-query", "a=3"},
			func(r *http.Request) string { return r.URL.RawQuery }, "z=1&a=2",
		},
		{
			"basic authentication",
			[]string{"--username", "ann", "--password", "p:w"},
			func(r *http.Request) string { name, password, _ := r.BasicAuth(); return name + " " + password }, "ann p:w",
		},
		{
			"bearer authentication",
			[]string{"--bearer-token", "abc="},
			func(r *http.Request) string { return r.Header.Get("Authorization") }, "Bearer abc=",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, tt.check(r)) })
			req := request(t, "POST", server.URL+"/?z=1&a=2", "x")
			req.Header.Set("Content-Type", "text/plain")
			resp, got := send(t, newClient(t, server.URL, tt.args...), req)
			if got != tt.want {
				t.Errorf("the server saw %q, want %q", got, tt.want)
			}
			if query := resp.Request.URL.RawQuery; query != "z=1&a=2" {
				t.Errorf("the answer's request has the query %q", query)
			}
		})
	}
}

func TestRefusedOptions(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a header without a colon", []string{"--header", "X-Note"}, "--header"},
		{"a header that smuggles another", []string{"--header", "X-Note: a\r\nX-Other: b"}, "--header"},
		{"a secret header without a colon", []string{"--secret-header", "hush-hush"}, "--secret-header"},
		{"a bearer token with a line break", []string{"--bearer-token", "hush\nhush"}, "--bearer-token"},
		{"a password alone", []string{"--password", "hush-hush"}, "--password"},
		{"two ways to log in", []string{"--username", "a", "--password", "hush", "--bearer-token", "hush"}, "exclude each other"},
		{"a certificate without its key", []string{"--client-cert-file", "x"}, "--client-key-file"},
		{"a status that is no class", []string{"--success-codes", "200,9xx"}, "--success-codes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := commontest.Parse[wrapper](t, tt.args...)
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want) || strings.Contains(errs[0].Error(), "hush") {
				t.Errorf("got %v, want one problem with %q and no secret", errs, tt.want)
			}
		})
	}
}

func TestSucceeds(t *testing.T) {
	tests := []struct {
		codes  string
		status int
		want   bool
	}{
		{"2xx", 200, true},
		{"2xx", 299, true},
		{"2xx", 302, false},
		{"200,404", 404, true},
		{"200,404", 201, false},
		{"202,5xx", 503, true},
	}
	for _, tt := range tests {
		options := commontest.Options[wrapper](t, "--success-codes", tt.codes)
		if got := options.HTTP.Succeeds(tt.status); got != tt.want {
			t.Errorf("%s: Succeeds(%d) = %t", tt.codes, tt.status, got)
		}
	}
}

func TestSecretsStayWithTheirOrigin(t *testing.T) {
	args := []string{
		"--secret-header", "X-Api-Key: hush", "--secret-query", "key=hush", "--header", "Cookie: hush", "--header", "X-Note: open",
		"--username", "ann", "--password", "hush",
	}
	seen := func(w http.ResponseWriter, r *http.Request) {
		_, _, basic := r.BasicAuth()
		for name, there := range map[string]bool{
			"basic": basic, "header": r.Header.Get("X-Api-Key") != "", "query": r.URL.Query().Has("key"),
			"cookie": r.Header.Get("Cookie") != "", "referer": r.Referer() != "", "note": r.Header.Get("X-Note") != "",
		} {
			if there {
				w.Header().Add("Seen", name)
			}
		}
	}
	other := serve(t, seen)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/?token=of-another", http.StatusFound)
		case "/within":
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		default:
			seen(w, r)
		}
	})
	tests := []struct {
		name, address, want string
	}{
		{"the endpoint itself", server.URL + "/here?q=1", "basic cookie header note query"},
		{"a redirect within the origin", server.URL + "/within?q=1", "basic cookie header note query"},
		{"a redirect to another origin", server.URL + "/away?q=1", "note"},
		{"an address of another origin", other.URL, "note"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, _ := send(t, newClient(t, server.URL, args...), request(t, "GET", tt.address, ""))
			if got := strings.Join(slices.Sorted(slices.Values(resp.Header.Values("Seen"))), " "); got != tt.want {
				t.Errorf("the server saw %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRedirectsKeepMethodAndBody(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+string(body))
	}
	other := serve(t, echo)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/found":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/temporary":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/away":
			http.Redirect(w, r, other.URL+"/new?token=hush", http.StatusPermanentRedirect)
		case "/around":
			http.Redirect(w, r, "/around", http.StatusFound)
		default:
			echo(w, r)
		}
	})
	client := newClient(t, server.URL)
	if _, got := send(t, client, request(t, "POST", server.URL+"/temporary", "data")); got != "POST data" {
		t.Errorf("307 within the origin gave %q", got)
	}
	for _, path := range []string{"/found", "/away"} {
		resp, _ := send(t, client, request(t, "POST", server.URL+path, "data"))
		text := client.NewStatusError(resp).Error()
		if resp.StatusCode/100 != 3 || !strings.Contains(text, "it redirects to http://") || strings.Contains(text, "hush") {
			t.Errorf("a POST to %s gave %d: %s", path, resp.StatusCode, text)
		}
	}
	if resp, got := send(t, client, request(t, "DELETE", server.URL+"/away", "")); resp.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("a DELETE went to another origin: %q", got)
	}
	if _, err := client.Do(request(t, "GET", server.URL+"/around", "")); err == nil || !strings.Contains(err.Error(), "more than 10 redirects") {
		t.Errorf("a redirect in circles gave %v", err)
	}
}

func TestErrorsNameTheRequestWithoutSecrets(t *testing.T) {
	slow := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/junk":
			w.Header().Set("Location", "http://hush:%zz")
			w.WriteHeader(http.StatusFound)
		case "/slow-body":
			_, _ = io.WriteString(w, "some")
			w.(http.Flusher).Flush()
			<-slow
		case "/slow":
			<-slow
		}
	})
	defer close(slow)
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := []struct {
		name, address, want string
	}{
		{"nobody listens", gone.URL + "/path", "connection refused"},
		{"the server is slow", server.URL + "/slow", "no complete answer within 50ms; --timeout allows more"},
		{"the body is slow", server.URL + "/slow-body", "no complete answer within 50ms; --timeout allows more"},
		{"the server redirects to junk", server.URL + "/junk", "something that is no address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient(t, tt.address, "--timeout", "50ms", "--secret-query", "key=hush", "--secret-header", "A: hush")
			resp, err := client.Do(request(t, "GET", tt.address+"?token=hush", ""))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil || !strings.HasPrefix(err.Error(), "GET "+tt.address+": ") || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q and no secret", err, tt.want)
			}
		})
	}
}

func TestAnEndedContextIsTheError(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(cause); <-r.Context().Done() })
	req := request(t, "GET", server.URL, "").WithContext(ctx)
	if _, err := newClient(t, server.URL).Do(req); err != cause {
		t.Errorf("got %v", err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d certificates", len(r.TLS.PeerCertificates))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the client that trusts nobody
	server.StartTLS()
	t.Cleanup(server.Close)
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile := pemFile(t, "CERTIFICATE", server.Certificate().Raw)
	tests := []struct {
		name string
		args []string
		want string // in the answer or in the error
	}{
		{"an authority of one's own", []string{"--ca-file", certFile}, "0 certificates"},
		{
			"a client certificate",
			[]string{"--ca-file", certFile, "--client-cert-file", certFile, "--client-key-file", pemFile(t, "PRIVATE KEY", key)},
			"1 certificates",
		},
		{"an unknown authority", nil, "--ca-file names an authority to trust"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := newClient(t, server.URL, tt.args...).Do(request(t, "GET", server.URL, ""))
			got := fmt.Sprint(err)
			if err == nil {
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				got = string(body)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// pemFile writes a PEM block to a file.
func pemFile(t *testing.T, kind string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--ca-file", junk},
		{"--ca-file", junk + ".gone"},
		{"--client-cert-file", junk, "--client-key-file", junk},
	} {
		options := commontest.Options[wrapper](t, args...)
		if _, err := options.HTTP.Client("x/1", parse(t, "https://example.com")); err == nil || !strings.Contains(err.Error(), args[0]) {
			t.Errorf("%v: got %v", args, err)
		}
	}
}

func TestProxy(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "by proxy: "+r.URL.String()) })
	client := newClient(t, "http://inside.example", "--proxy", proxy.URL)
	if _, got := send(t, client, request(t, "GET", "http://inside.example/x", "")); got != "by proxy: http://inside.example/x" {
		t.Errorf("got %q", got)
	}
}

func TestStatusError(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	tests := []struct {
		name      string
		status    int
		header    http.Header
		want      string
		wait      time.Duration
		temporary bool
	}{
		{"a status", 404, nil, "the server answered 404 Not Found", 0, false},
		{"one without a name", 599, nil, "the server answered 599", 0, true},
		{"seconds", 429, http.Header{"Retry-After": {"30"}}, "429 Too Many Requests and asks to wait 30s", 30 * time.Second, true},
		{
			"a date by the server's clock",
			503,
			http.Header{"Retry-After": {"Fri, 02 Jan 2026 10:01:00 GMT"}, "Date": {"Fri, 02 Jan 2026 10:00:00 GMT"}},
			"asks to wait 1m0s", time.Minute, true,
		},
		{"a date that has passed", 503, http.Header{"Retry-After": {"Fri, 02 Jan 2026 10:01:00 GMT"}}, "503", 0, true},
		{"for ever", 503, http.Header{"Retry-After": {"999999999999"}}, "asks to wait 1h0m0s", time.Hour, true},
		{"longer than any number", 503, http.Header{"Retry-After": {"99999999999999999999999"}}, "asks to wait 1h0m0s", time.Hour, true},
		{"nonsense", 503, http.Header{"Retry-After": {"-soon"}}, "503", 0, true},
		{"a redirect to where credentials do not go", 302, http.Header{"Location": {other.URL}}, "credentials go to http://127.0.0.1:", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range tt.header {
					w.Header()[name] = values
				}
				w.WriteHeader(tt.status)
			})
			client := newClient(t, server.URL)
			resp, _ := send(t, client, request(t, "GET", server.URL+"/x?token=hush", ""))
			err := client.NewStatusError(resp)
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") || err.RetryAfter != tt.wait ||
				err.Temporary() != tt.temporary {
				t.Errorf("got %q, wait %s, temporary %t", err, err.RetryAfter, err.Temporary())
			}
		})
	}
}
