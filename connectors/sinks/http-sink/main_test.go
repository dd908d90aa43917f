package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A script is a server that answers each request by the next of its steps, and by the last one for ever.
type script struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

type step func(w http.ResponseWriter, body string)

func serve(t *testing.T, steps ...step) *script {
	t.Helper()
	s := &script{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := read(t, r)
		s.mu.Lock()
		n := min(len(s.requests), len(steps)-1)
		s.requests, s.bodies = append(s.requests, r), append(s.bodies, body)
		s.mu.Unlock()
		steps[n](w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

func read(t *testing.T, r *http.Request) string {
	t.Helper()
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return ""
		}
		in = unzipped
	}
	body, err := io.ReadAll(in)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

// answer gives a status and a body, with headers as name and value.
func answer(status int, body string, headers ...string) step {
	return func(w http.ResponseWriter, _ string) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var ok = answer(http.StatusNoContent, "")

// refusing answers 422 to a body that holds the text, 200 to others.
func refusing(text string) step {
	return func(w http.ResponseWriter, body string) {
		if strings.Contains(body, text) {
			answer(http.StatusUnprocessableEntity, "not that one", "Content-Type", "text/plain")(w, body)
		}
	}
}

func records(values ...string) (recs []common.Record) {
	for _, value := range values {
		recs = append(recs, common.Record{Value: []byte(value)})
	}
	return recs
}

func numbers(n int) (values []string) {
	for i := range n {
		values = append(values, strconv.Itoa(i))
	}
	return values
}

// send runs the sink on some records to the end and returns what was acknowledged, and the sink's error.
func send(t *testing.T, c commontest.Config, address string, recs []common.Record, args ...string) ([]string, error) {
	t.Helper()
	run := commontest.StartSink[HTTPSink](t, c, recs, append([]string{"--endpoint", address}, args...)...)
	err := run.Wait()
	var acked []string
	for _, rec := range run.Acknowledged() {
		acked = append(acked, string(rec.Value))
	}
	return acked, err
}

// mustSend is send where all records shall be acknowledged.
func mustSend(t *testing.T, address string, recs []common.Record, args ...string) {
	t.Helper()
	acked, err := send(t, commontest.Config{}, address, recs, args...)
	if err != nil || len(acked) != len(recs) {
		t.Fatalf("%d of %d records were acknowledged; the error is %v", len(acked), len(recs), err)
	}
}

func mustEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestARequestForEachRecordInOrder(t *testing.T) {
	server := serve(t, ok)
	mustSend(t, server.URL+"/in?a=b", records(numbers(30)...), "--secret-query", "key=hush")
	mustEqual(t, "bodies", server.bodies, numbers(30))
	if r := server.requests[0]; r.Method != "POST" || r.RequestURI != "/in?a=b&key=hush" || r.UserAgent() != "patchbay-http-sink/"+info.Version {
		t.Errorf("the request was %s %s by %s", r.Method, r.RequestURI, r.UserAgent())
	}
}

func TestRequestsOfRecords(t *testing.T) {
	seen := func(names ...string) func(r *http.Request) string {
		return func(r *http.Request) string {
			var all []string
			for _, name := range names {
				all = append(all, r.Header.Get(name))
			}
			return strings.Join(all, "|")
		}
	}
	line := func(r *http.Request) string { return r.Method + " " + r.RequestURI }
	tests := []struct {
		name string
		rec  common.Record
		args string
		look func(r *http.Request) string
		want string
	}{
		{"JSON is found out", common.Record{Value: []byte(`{"a": 1}`)}, "", seen("Content-Type"), "application/json"},
		{"text is found out", common.Record{Value: []byte("a b")}, "", seen("Content-Type"), "text/plain; charset=utf-8"},
		{"bytes are found out", common.Record{Value: []byte("\"\xff\"")}, "", seen("Content-Type"), "application/octet-stream"},
		{"no payload has no type", common.Record{}, "", seen("Content-Type"), ""},
		{
			"a record says what it is",
			common.Record{Value: []byte("1"), Headers: map[string]string{"content-type": "text/csv"}},
			"",
			seen("Content-Type"), "text/csv",
		},
		{
			"a header that no request can hold is not taken",
			common.Record{Value: []byte("1"), Headers: map[string]string{"content-type": "a\nb"}},
			"",
			seen("Content-Type"), "application/json",
		},
		{
			"an option says what all are",
			common.Record{Value: []byte("1"), Headers: map[string]string{"content-type": "text/csv"}},
			"--content-type text/x-log", seen("Content-Type"), "text/x-log",
		},
		{
			"id, key and op become headers",
			common.Record{ID: "i1", Key: "ключ"},
			"--id-header Idempotency-Key --key-header X-Key --op-header X-Op", seen("Idempotency-Key", "X-Key", "X-Op"), "i1|ключ|upsert",
		},
		{"a delete can be told", common.Record{Op: record.Delete}, "--op-header X-Op", seen("X-Op"), "delete"},
		{"a delete has the method of the others", common.Record{Op: record.Delete}, "--method PATCH", line, "PATCH /base"},
		{"a delete may have its own method", common.Record{Op: record.Delete}, "--method PUT --delete-method DELETE", line, "DELETE /base"},
		{
			"a delete of its own has no body",
			common.Record{Op: record.Delete, Value: []byte("x")},
			"--delete-method DELETE --content-type text/x",
			func(r *http.Request) string {
				return seen("Content-Type", "Content-Length")(r) + strconv.FormatInt(r.ContentLength, 10)
			}, "|0",
		},
		{"an upsert keeps its method", common.Record{}, "--method PUT --delete-method DELETE", line, "PUT /base"},
		{"a key in the path", common.Record{Key: "a b/c?d"}, "--key-in-path", line, "POST /base/a%20b%2Fc%3Fd"},
		{"credentials", common.Record{}, "--bearer-token abc", seen("Authorization"), "Bearer abc"},
		{"an empty payload is not compressed", common.Record{}, "--gzip", seen("Content-Encoding"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, ok)
			mustSend(t, server.URL+"/base", []common.Record{tt.rec}, strings.Fields(tt.args)...)
			mustEqual(t, "request", tt.look(server.requests[0]), tt.want)
		})
	}
}

func TestRecordsThatNoRequestCanCarryAreRefused(t *testing.T) {
	tests := []struct {
		name string
		rec  common.Record
		args string
		want string
	}{
		{"no key for the path", common.Record{}, "--key-in-path", "has no key"},
		{"a key that leads out of the path", common.Record{Key: "a/../../etc"}, "--key-in-path", "has . or .. in it"},
		{"a key that is a folder", common.Record{Key: ".."}, "--key-in-path", "has . or .. in it"},
		{"a key with a line break", common.Record{Key: "a\nb"}, "--key-header X-Key", "record's key has control characters"},
		{"bytes in a JSON array", common.Record{Value: []byte("\xff")}, "--body json-array", "neither JSON nor text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, ok)
			before := common.Record{Key: "k", Value: []byte("before")}
			acked, err := send(t, commontest.Config{}, server.URL, []common.Record{before, tt.rec}, strings.Fields(tt.args)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
			mustEqual(t, "acknowledged", acked, []string{"before"})
			mustEqual(t, "requests", len(server.requests), 1)
		})
	}
}

func TestBatches(t *testing.T) {
	values := []string{`{"a": 1}`, "{\n\"b\": \"<\"\n}", "plain <text>", "", "null"}
	tests := []struct {
		name string
		args string
		want []string
		kind string
	}{
		{"an array", "--body json-array", []string{`[{"a": 1},{"b":"<"},"plain <text>","",null]`}, "application/json"},
		{"lines", "--body ndjson", []string{"{\"a\": 1}\n{\"b\":\"<\"}\n\"plain <text>\"\n\"\"\nnull\n"}, "application/x-ndjson"},
		{"a type of one's own", "--body ndjson --content-type text/x", []string{"{\"a\": 1}\n{\"b\":\"<\"}\n\"plain <text>\"\n\"\"\nnull\n"}, "text/x"},
		{
			"an array in parts", "--body json-array --max-body 20",
			[]string{`[{"a": 1},{"b":"<"}]`, `["plain <text>",""]`, `[null]`},
			"application/json",
		},
		{"lines in parts", "--body ndjson --max-body 19", []string{"{\"a\": 1}\n{\"b\":\"<\"}\n", "\"plain <text>\"\n\"\"\n", "null\n"}, "application/x-ndjson"},
		{"a value above the limit goes alone", "--body ndjson --max-body 1", []string{"{\"a\": 1}\n", "{\"b\":\"<\"}\n", "\"plain <text>\"\n", "\"\"\n", "null\n"}, "application/x-ndjson"},
		{"no limit", "--body json-array --max-body 0", []string{`[{"a": 1},{"b":"<"},"plain <text>","",null]`}, "application/json"},
		{"compressed", "--body json-array --gzip", []string{`[{"a": 1},{"b":"<"},"plain <text>","",null]`}, "application/json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, ok)
			mustSend(t, server.URL, records(values...), strings.Fields(tt.args)...)
			mustEqual(t, "bodies", server.bodies, tt.want)
			mustEqual(t, "Content-Type", server.requests[0].Header.Get("Content-Type"), tt.kind)
		})
	}
}

func TestABatchFollowsWhenTheOneBeforeIsSettled(t *testing.T) {
	server := serve(t, ok)
	acked, err := send(t, commontest.Config{BatchSize: 2}, server.URL, records("1", "2", "3"), "--body", "json-array")
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "bodies", server.bodies, []string{"[1,2]", "[3]"})
	mustEqual(t, "acknowledged", acked, []string{"1", "2", "3"})
}

func TestOptionsThatExcludeEachOther(t *testing.T) {
	for _, args := range []string{
		"--parallel 2", "--key-in-path", "--delete-method DELETE", "--id-header A", "--key-header A", "--op-header A",
	} {
		option, _, _ := strings.Cut(args, " ")
		all := append([]string{"--endpoint", "http://x.example", "--body", "ndjson"}, strings.Fields(args)...)
		_, errs := commontest.Parse[HTTPSink](t, all...)
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), strings.TrimPrefix(option, "--")) {
			t.Errorf("%s with batches gave %v", args, errs)
		}
	}
}

func TestRequestsInParallel(t *testing.T) {
	const parallel = 4
	var (
		mu       sync.Mutex
		here     int
		together = make(chan struct{}) // closed when as many requests are under way as there may be
		orders   = map[string][]string{}
	)
	server := serve(t, func(w http.ResponseWriter, body string) {
		key, _, _ := strings.Cut(body, "-")
		mu.Lock()
		if here++; here > parallel {
			t.Errorf("%d requests at a time", here)
		}
		orders[key] = append(orders[key], body)
		if key == "" && len(orders[key]) == parallel {
			close(together)
		}
		mu.Unlock()
		select {
		case <-together:
		case <-time.After(commontest.Patience):
			t.Error("the requests come one after the other")
		}
		mu.Lock()
		here--
		mu.Unlock()
		ok(w, body)
	})
	var recs []common.Record
	for n := range 100 { // the first ones have no key, so that there is one for each request that may be made at a time
		key := ""
		if n >= parallel {
			key = []string{"a", "b", "c"}[n%3]
		}
		recs = append(recs, common.Record{Key: key, Value: []byte(key + "-" + strconv.Itoa(n))})
	}
	mustSend(t, server.URL, recs, "--parallel", strconv.Itoa(parallel), "--timeout", "1m")
	for _, key := range []string{"a", "b", "c"} {
		var want []string
		for _, rec := range recs {
			if rec.Key == key {
				want = append(want, string(rec.Value))
			}
		}
		mustEqual(t, "order of key "+key, orders[key], want)
	}
}

func TestCheck(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := []struct {
		name   string
		status int
		want   string
	}{
		{"it answers", 204, ""},
		{"it knows no OPTIONS", 405, ""},
		{"it implements no OPTIONS", 501, ""},
		{"it refuses the credentials", 401, "401 Unauthorized"},
		{"it is down", 503, "503 Service Unavailable"},
		{"it is not there", 0, "connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, answer(tt.status, ""))
			address := server.URL
			if tt.status == 0 {
				address = gone.URL
			}
			h := commontest.Options[HTTPSink](t, "--endpoint", address)
			err := h.Check(t.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
			if tt.status != 0 && (len(server.requests) != 1 || server.requests[0].Method != "OPTIONS" || server.bodies[0] != "") {
				t.Error("it did not ask for the OPTIONS")
			}
		})
	}
}

func TestContract(t *testing.T) {
	var gate sync.RWMutex
	server := serve(t, func(w http.ResponseWriter, body string) {
		gate.RLock()
		defer gate.RUnlock()
		ok(w, body)
	})
	commontest.Contract[HTTPSink](t, commontest.Promise{
		Args: []string{"--endpoint", server.URL},
		Written: func() int {
			server.mu.Lock()
			defer server.mu.Unlock()
			return len(server.bodies)
		},
		Block: func() func() { gate.Lock(); return gate.Unlock },
	})
}
