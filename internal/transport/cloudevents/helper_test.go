package cloudevents

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

// serve starts a server that is closed with the test.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// newWriter makes a writer that is closed with the test.
func newWriter(t testing.TB, c WriterConfig) transport.Writer {
	t.Helper()
	if c.Source == "" {
		c.Source = "test"
	}
	w, err := NewWriter(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// listen makes a reader that is closed with the test, and returns its URL.
func listen(t testing.TB, c ReaderConfig) (*Reader, string) {
	t.Helper()
	if c.URL == "" {
		c.URL = "http+listen://127.0.0.1:0/in"
	}
	r, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, r.URL()
}

// fates collects how records were settled.
type fates struct {
	mu     sync.Mutex
	values []string
	errs   map[string]error
	more   chan struct{}
}

func newFates() *fates { return &fates{errs: map[string]error{}, more: make(chan struct{}, 1)} }

func (f *fates) of(value string) func(error) {
	return func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, twice := f.errs[value]; twice {
			panic(value + " was settled twice")
		}
		f.values = append(f.values, value)
		f.errs[value] = err
		select {
		case f.more <- struct{}{}:
		default:
		}
	}
}

// get waits for the fate of a record.
func (f *fates) get(t testing.TB, value string) error {
	t.Helper()
	late := time.After(patience)
	for {
		f.mu.Lock()
		err, ok := f.errs[value]
		f.mu.Unlock()
		if ok {
			return err
		}
		select {
		case <-f.more:
		case <-late:
			t.Fatalf("%s was not settled", value)
		}
	}
}

func (f *fates) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.values)
}

// write hands over one record per value; "p:v" is of partition p.
func write(t testing.TB, w transport.Writer, f *fates, values ...string) {
	t.Helper()
	for _, v := range values {
		partition, _, _ := strings.Cut(v, ":")
		if err := w.Write(t.Context(), record.Record{ID: v, Partition: partition, Value: []byte(v)}, f.of(v)); err != nil {
			t.Fatal(err)
		}
	}
}

func flushAll(t testing.TB, w interface{ Flush(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// received returns the payloads of a request as write made them, whatever its mode.
func received(r *http.Request) []string {
	body, _ := io.ReadAll(r.Body)
	recs, err := decode(r.Header, body, 1000)
	if err != nil {
		return []string{err.Error()}
	}
	var values []string
	for _, rec := range recs {
		values = append(values, string(rec.Value))
	}
	return values
}

// read returns n messages.
func read(t testing.TB, r *Reader, n int) []transport.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out []transport.Message
	for len(out) < n {
		ms, err := r.Read(ctx, n-len(out), 0)
		if err != nil {
			t.Fatalf("after %d messages: %v", len(out), err)
		}
		out = append(out, ms...)
	}
	return out
}

func ack(t testing.TB, ms ...transport.Message) {
	t.Helper()
	for _, m := range ms {
		if err := m.Ack(); err != nil {
			t.Fatal(err)
		}
	}
}

// An answer is what a sender gets.
type answer struct {
	status int
	header http.Header
	text   string
	err    error
}

// post sends a request in the background.
func post(ctx context.Context, url string, h http.Header, body string) <-chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- send(ctx, http.MethodPost, url, h, strings.NewReader(body)) }()
	return answers
}

// send sends a request on a connection of its own.
func send(ctx context.Context, method, url string, h http.Header, body io.Reader) answer {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return answer{err: err}
	}
	if h != nil {
		req.Header = h.Clone()
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text), err}
}

// batch returns a body of events in the batched mode, and its headers.
func batch(values ...string) (http.Header, string) {
	var events []json.RawMessage
	for _, v := range values {
		event, err := record.MarshalCloudEvent(record.Record{ID: v, Value: []byte(v)}, "s")
		if err != nil {
			panic(err)
		}
		events = append(events, event)
	}
	body, err := json.Marshal(events)
	if err != nil {
		panic(err)
	}
	return http.Header{"Content-Type": {jsonBatch}}, string(body)
}
