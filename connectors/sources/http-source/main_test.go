package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A script is a server that answers each request by the next of its steps, and by the last one for ever.
type script struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

type step func(w http.ResponseWriter, r *http.Request)

func serve(t *testing.T, steps ...step) *script {
	t.Helper()
	s := &script{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		n := min(len(s.requests), len(steps)-1)
		s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
		s.mu.Unlock()
		steps[n](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// seen returns request n, counted from 0, once it has come.
func (s *script) seen(t *testing.T, n int) *http.Request {
	t.Helper()
	for deadline := time.Now().Add(commontest.Patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		if n < len(s.requests) {
			defer s.mu.Unlock()
			return s.requests[n]
		}
		s.mu.Unlock()
	}
	t.Fatalf("request %d did not come", n)
	return nil
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// answer gives a body, with headers as name and value.
func answer(body string, headers ...string) step {
	return answerStatus(http.StatusOK, body, headers...)
}

func answerStatus(status int, body string, headers ...string) step {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// start polls the server quickly.
func start(t *testing.T, c commontest.Config, address string, args ...string) *commontest.SourceRun {
	t.Helper()
	return commontest.StartSource[HTTPSource](t, c, append([]string{"--endpoint", address, "--interval", "20ms"}, args...)...)
}

// once makes one poll and returns its payloads and its error.
func once(t *testing.T, address string, args ...string) ([]string, error) {
	t.Helper()
	run := start(t, commontest.Config{Once: true}, address, args...)
	err := run.Wait()
	return values(run.Records()), err
}

func values(recs []common.Record) []string {
	var all []string
	for _, rec := range recs {
		all = append(all, string(rec.Value))
	}
	return all
}

func TestEachPollIsARecord(t *testing.T) {
	server := serve(t, answer("one", "Date", "Fri, 02 Jan 2026 10:00:00 GMT", "Content-Type", "text/plain"), answer("one"), answer("two"))
	run := start(t, commontest.Config{}, server.URL+"/status?token=hush")
	got := run.Next()
	want := common.Record{
		ID: got.ID, Position: got.Position, Value: []byte("one"), Subject: server.URL + "/status",
		Headers: map[string]string{"content-type": "text/plain"}, Time: time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the first record (-want +got):\n%s", diff)
	}
	if second, third := run.Next(), run.Next(); string(second.Value) != "one" || string(third.Value) != "two" {
		t.Errorf("then came %q and %q", second.Value, third.Value)
	}
	if err := run.Stop(); err != nil {
		t.Error(err)
	}
}

func TestRequestsAreAsAskedFor(t *testing.T) {
	server := serve(t, answer("{}"))
	_, err := once(t, server.URL+"/q", "--method", "POST", "--body", `{"query": 1}`, "--bearer-token", "abc", "--header", "Accept: text/csv")
	if err != nil {
		t.Fatal(err)
	}
	r := server.seen(t, 0)
	got := []string{
		r.Method, r.URL.Path, server.bodies[0], r.Header.Get("Content-Type"), r.Header.Get("Authorization"),
		r.Header.Get("Accept"), r.UserAgent(),
	}
	want := []string{"POST", "/q", `{"query": 1}`, "application/json", "Bearer abc", "text/csv", "patchbay-http-source/" + info.Version}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPayloads(t *testing.T) {
	tests := []struct {
		name string
		step step
		args []string
		want []string // payloads
		err  string
	}{
		{"text is kept byte for byte", answer("a\x00\xff\n"), nil, []string{"a\x00\xff\n"}, ""},
		{"JSON is kept byte for byte", answer("{\"n\": 1.0}\n"), []string{"--output-type", "json"}, []string{"{\"n\": 1.0}\n"}, ""},
		{"an empty body is a record", answer(""), nil, []string{""}, ""},
		{"no content is no record", answerStatus(204, ""), nil, nil, ""},
		{"no content is no JSON record either", answerStatus(204, ""), []string{"--output-type", "json"}, nil, ""},
		{
			"full text", answerStatus(201, "<é>\n", "X-A", "1", "X-A", "2", "Date", "D", "Content-Type", "text/plain"),
			[]string{"--output-parts", "full"},
			[]string{`{"status":201,"headers":{"content-length":"5","content-type":"text/plain","date":"D","x-a":"1, 2"},"body":"<é>\n"}`},
			"",
		},
		{
			"full JSON", answer(`{"id": 12345678901234567890}`, "Date", "D", "Content-Type", "application/json"),
			[]string{"--output-parts", "full", "--output-type", "json"},
			[]string{`{"status":200,"headers":{"content-length":"28","content-type":"application/json","date":"D"},` +
				`"body":{"id":12345678901234567890}}`},
			"",
		},
		{
			"full bytes", answer("\xff", "Date", "D", "Content-Type", "image/x"),
			[]string{"--output-parts", "full"},
			[]string{`{"status":200,"headers":{"content-length":"1","content-type":"image/x","date":"D"},"body_base64":"/w=="}`},
			"",
		},
		{
			"the full answer to HEAD", answer("", "Date", "D", "Content-Type", "text/plain"),
			[]string{"--output-parts", "full", "--output-type", "json", "--method", "HEAD", "--success-codes", "200"},
			[]string{`{"status":200,"headers":{"content-type":"text/plain","date":"D"}}`},
			"",
		},
		{"another success code", answerStatus(404, "none"), []string{"--success-codes", "2xx,404"}, []string{"none"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := once(t, serve(t, tt.step).URL, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFailures looks at the errors of single polls, which a run only logs while it tries again.
func TestFailures(t *testing.T) {
	tests := []struct {
		name string
		step step
		args []string
		want string
	}{
		{"a status that is no success", answerStatus(503, "hush"), nil, "the server answered 503 Service Unavailable"},
		{"a redirect to nowhere", answerStatus(302, ""), nil, "302"},
		{"a body that is no JSON", answer("<html>hush"), []string{"--output-type", "json"}, "no JSON"},
		{"an empty body that should be JSON", answer(""), []string{"--output-type", "json"}, "no JSON"},
		{"a huge body", answer(strings.Repeat("x", 4097)), []string{"--max-body", "4KiB"}, "larger than 4KiB; --max-body"},
		{"a slow server", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{"--timeout", "50ms"}, "no complete answer within 50ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, tt.step)
			p, err := newPoller(commontest.Options[HTTPSource](t, append(tt.args, "--endpoint", server.URL+"/x?key=hush",
				"--bearer-token", "hush")...), discard{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.client.Close()
			err = p.poll(t.Context())
			if err == nil || !strings.Contains(err.Error(), server.URL+"/x: ") || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q, the address and no secret", err, tt.want)
			}
		})
	}
}

// discard is an output that delivers into nothing.
type discard struct{ common.Output }

func (discard) Position(string) string                       { return "" }
func (discard) Once() bool                                   { return false }
func (discard) Ready()                                       {}
func (discard) Send(context.Context, ...common.Record) error { return nil }
func (discard) Advance(_ context.Context, _, _ string) error { return nil }

func TestAFailureIsTriedAgain(t *testing.T) {
	server := serve(t, answerStatus(500, ""), answerStatus(404, ""), answer("well"))
	run := start(t, commontest.Config{}, server.URL)
	if got := run.Next(); string(got.Value) != "well" {
		t.Errorf("got %q", got.Value)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	var failed time.Time
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		failed = time.Now()
		answerStatus(429, "", "Retry-After", "1")(w, r)
	}, answer("well"))
	start(t, commontest.Config{}, server.URL).Next()
	if waited := time.Since(failed); waited < time.Second {
		t.Errorf("the next request came after %s", waited)
	}
}

func TestAWaitThatTheServerAsksForIsToldAtOnce(t *testing.T) {
	p, err := newPoller(commontest.Options[HTTPSource](t, "--endpoint", serve(t, answerStatus(429, "", "Retry-After", "3600")).URL), discard{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.poll(ctx); err == nil || !strings.Contains(err.Error(), "asks to wait 1h0m0s") {
		t.Errorf("got %v", err)
	}
}

func TestRefusedOptions(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no endpoint", nil, "--endpoint"},
		{"an endpoint that is no web address", []string{"--endpoint", "ftp://example.com"}, "--endpoint"},
		{"a method in lower case", []string{"--endpoint", "http://x", "--method", "get"}, "--method"},
		{"HEAD and the body", []string{"--endpoint", "http://x", "--method", "HEAD"}, "--method"},
		{"no room for a body", []string{"--endpoint", "http://x", "--max-body", "0"}, "--max-body"},
		{"no interval", []string{"--endpoint", "http://x", "--interval", "0s"}, "--interval"},
		{"jq without an expression", []string{"--endpoint", "http://x", "--pagination", "jq"}, "--pagination"},
		{"an expression without jq", []string{"--endpoint", "http://x", "--next-url", "."}, "--next-url"},
		{"an expression that does not parse", []string{"--endpoint", "http://x", "--pagination", "jq", "--next-url", ".["}, "--next-url"},
		{"a variable that is unknown", []string{"--endpoint", "http://x", "--pagination", "jq", "--next-url", "$x"}, "--next-url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := commontest.Parse[HTTPSource](t, tt.args...)
			if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), tt.want+":") {
				t.Errorf("got %v, want one problem of %s", errs, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		step step
		args []string
		want string // of the error; empty for none
	}{
		{"an endpoint that answers", answer("x"), nil, ""},
		{"one that refuses", answerStatus(401, ""), nil, "401 Unauthorized"},
		{
			"one that is not asked to do anything", func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodOptions {
					t.Errorf("the method is %s", r.Method)
				}
				w.WriteHeader(http.StatusMethodNotAllowed)
			},
			[]string{"--method", "POST"},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := commontest.Options[HTTPSource](t, append(tt.args, "--endpoint", serve(t, tt.step).URL)...)
			if err := source.Check(t.Context()); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestTheContractHolds checks that full records are what the metadata promises.
func TestTheContractHolds(t *testing.T) {
	got, err := once(t, serve(t, answer("x")).URL, "--output-parts", "full")
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	decoder := json.NewDecoder(strings.NewReader(got[0]))
	decoder.DisallowUnknownFields()
	var r Response
	if err := decoder.Decode(&r); err != nil || r.Status != 200 || r.Body != "x" || r.Headers["date"] == "" {
		t.Errorf("got %s: %+v, %v", got[0], r, err)
	}
}

func ExampleResponse() {
	full := page{status: 200, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte("hello")}
	text, _ := full.full(false)
	fmt.Println(string(text))
	// Output: {"status":200,"headers":{"content-type":"text/plain"},"body":"hello"}
}

func TestContract(t *testing.T) {
	var pages atomic.Int64 // that there are; whoever has page n is given the next one
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(strings.Trim(r.Header.Get("If-None-Match"), `"`), 10, 64)
		if n >= pages.Load() {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n+1))
		fmt.Fprintf(w, "page %d", n+1)
	}))
	defer server.Close()
	commontest.Contract[HTTPSource](t, commontest.Promise{
		Args: []string{"--endpoint", server.URL, "--interval", "20ms"}, Resumes: true,
		More: func(n int) { pages.Add(int64(n)) },
	})
}
