package cloudevents

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestARequestIsAnsweredWhenAllItsRecordsAreAcknowledged(t *testing.T) {
	structured, err := record.MarshalCloudEvent(record.Record{ID: "a", Value: []byte("a")}, "s")
	if err != nil {
		t.Fatal(err)
	}
	batched, several := batch("a", "b", "c")
	tests := []struct {
		mode   Mode
		header http.Header
		body   string
		want   []string
	}{
		{Binary, event("content-type", "text/plain"), "a", []string{"a"}},
		{Structured, http.Header{"Content-Type": {"Application/CloudEvents+JSON; charset=UTF-8"}}, string(structured), []string{"a"}},
		{Batched, batched, several, []string{"a", "b", "c"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.mode), func(t *testing.T) {
			r, url := listen(t, ReaderConfig{})
			answers := post(t.Context(), url, tt.header, tt.body)
			var got []string
			for _, m := range read(t, r, len(tt.want)) {
				select {
				case a := <-answers:
					t.Fatalf("answered too early: %+v", a)
				default:
				}
				got = append(got, string(m.Record.Value))
				ack(t, m, m) // a second time does nothing
			}
			if a := <-answers; a.status != http.StatusNoContent || a.text != "" {
				t.Errorf("answer %+v", a)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r.records != 0 || r.bytes != 0 || len(r.queue) != 0 {
				t.Errorf("%d records and %d bytes are still counted", r.records, r.bytes)
			}
		})
	}
}

func TestOtherAnswers(t *testing.T) {
	r, url := listen(t, ReaderConfig{URL: "http+listen://ann:p%40ss@127.0.0.1:0/t/{topic}", Topic: "orders", MaxBody: 200})
	login := func(h http.Header) http.Header {
		h.Set("Authorization", "Basic "+basicCredentials("ann", "p@ss"))
		return h
	}
	emptyBatch := login(http.Header{"Content-Type": {jsonBatch}})
	long := strings.Repeat("x", 300)
	tests := []struct {
		name, method, path string
		header             http.Header
		body               io.Reader
		status             int
		want               string
	}{
		{"another path", "POST", "/t/other", login(event()), nil, 404, "nothing at this path\n"},
		{"a longer path", "POST", "/t/orders/", login(event()), nil, 404, "nothing at this path\n"},
		{"no login", "POST", "/t/orders", event(), nil, 401, "user name and password are wanted\n"},
		{"a wrong login", "POST", "/t/orders", event("Authorization", "Basic "+basicCredentials("ann", "p")), nil, 401, "wanted\n"},
		{"another method", "PUT", "/t/orders", login(event()), nil, 405, "with POST\n"},
		{"a browser", "GET", "/t/orders", login(http.Header{}), nil, 405, "with POST\n"},
		{"no event", "POST", "/t/orders", login(http.Header{}), nil, 400, "read CloudEvent: the header ce-specversion is missing\n"},
		{"an unknown format", "POST", "/t/orders", login(event("content-type", "application/cloudevents+avro")), nil, 415, "not understood"},
		{"a large body", "POST", "/t/orders", login(event()), strings.NewReader(long), 413, "larger than 200 bytes\n"},
		{"a large body of unknown length", "POST", "/t/orders", login(event()), io.MultiReader(strings.NewReader(long)), 413, "larger than"},
		{"an empty batch", "POST", "/t/orders", emptyBatch, strings.NewReader("[]"), 204, ""},
		{"asked for options", "OPTIONS", "/t/orders", http.Header{}, nil, 204, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t.Context(), tt.method, strings.TrimSuffix(url, "/t/orders")+tt.path, tt.header, tt.body)
			if a.err != nil || a.status != tt.status || !strings.Contains(a.text, tt.want) || strings.Count(a.text, "\n") > 1 {
				t.Errorf("got %+v, want %d %q", a, tt.status, tt.want)
			}
			if (a.header.Get("Allow") == "POST, OPTIONS") != (tt.method != "POST") {
				t.Errorf("Allow: %q", a.header.Get("Allow"))
			}
			if (a.header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate: %q", a.header.Get("WWW-Authenticate"))
			}
			if a.header.Get("WebHook-Allowed-Origin") != "" {
				t.Error("a permission was given that nobody asked for")
			}
		})
	}
	if r.records != 0 || r.bytes != 0 {
		t.Errorf("%d records and %d bytes are still counted", r.records, r.bytes)
	}
}

func TestSendersOfWebhooksGetTheirPermission(t *testing.T) {
	_, url := listen(t, ReaderConfig{URL: "http+listen://ann:p@127.0.0.1:0/"})
	h := http.Header{"Webhook-Request-Origin": {"events.example\t"}, "Webhook-Request-Callback": {"http://127.0.0.1:1/"}}
	a := send(t.Context(), http.MethodOptions, url, h, nil)
	if a.status != 204 || a.header.Get("WebHook-Allowed-Origin") != "*" || a.header.Get("WebHook-Allowed-Rate") != "*" {
		t.Errorf("got %+v", a)
	}
}

func TestASenderIsHeldBack(t *testing.T) {
	two, twoEvents := batch("a", "b")
	tests := []struct {
		name   string
		config ReaderConfig
		header http.Header
		body   string
		count  int
	}{
		{"by the number of records", ReaderConfig{MaxInFlight: 2}, two, twoEvents, 2},
		{"by their bytes, but one is always let through", ReaderConfig{MaxBytes: 10}, event(), strings.Repeat("x", 100), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, url := listen(t, tt.config)
			first := post(t.Context(), url, tt.header, tt.body)
			ms := read(t, r, tt.count)
			for range 3 {
				a := send(t.Context(), http.MethodPost, url, tt.header, strings.NewReader(tt.body))
				if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" {
					t.Fatalf("got %+v", a)
				}
			}
			ack(t, ms...)
			if a := <-first; a.status != 204 {
				t.Errorf("the first got %+v", a)
			}
			second := post(t.Context(), url, tt.header, tt.body)
			ack(t, read(t, r, tt.count)...)
			if a := <-second; a.status != 204 {
				t.Errorf("the second got %+v", a)
			}
		})
	}
}

func TestASenderIsSentAwayWhileNobodyReads(t *testing.T) {
	r, url := listen(t, ReaderConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a := send(ctx, http.MethodPost, url, event(), strings.NewReader("a"))
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" {
		t.Fatalf("got %+v", a)
	}
	answers := post(t.Context(), url, event(), "b")
	ms := read(t, r, 1)
	if got := string(ms[0].Record.Value); got != "b" {
		t.Errorf("read %s, whose sender was sent away", got)
	}
	ack(t, ms...)
	if a := <-answers; a.status != http.StatusNoContent {
		t.Errorf("got %+v", a)
	}
}

func TestCloseAnswersWhoWaits(t *testing.T) {
	r, url := listen(t, ReaderConfig{})
	taken := post(t.Context(), url, event(), "a")
	ms := read(t, r, 1)
	waiting := post(t.Context(), url, event(), "b")
	await(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.queue) == 1 })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, answers := range []<-chan answer{taken, waiting} {
		if a := <-answers; a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" {
			t.Errorf("got %+v", a)
		}
	}
	if err := ms[0].Ack(); !errors.Is(err, errSenderGone) {
		t.Errorf("Ack after Close: %v", err)
	}
	var broken *transport.Broken
	if _, err := r.Read(t.Context(), 1, 0); !errors.As(err, &broken) {
		t.Errorf("Read after Close: %v", err)
	}
	again, err := net.Listen("tcp", r.Address())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	_ = again.Close()
}

// await waits until a condition holds that nothing announces.
func await(t testing.TB, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it did not happen")
		}
	}
}

func TestWhatWasAcknowledgedBeforeCloseIsASuccess(t *testing.T) {
	r, url := listen(t, ReaderConfig{})
	answers := post(t.Context(), url, event(), "a")
	ack(t, read(t, r, 1)...)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if a := <-answers; a.status != 204 {
		t.Errorf("got %+v", a)
	}
}

func TestASenderThatLeaves(t *testing.T) {
	r, url := listen(t, ReaderConfig{MaxInFlight: 2})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	header, body := batch("a", "b")
	answers := post(ctx, url, header, body)
	ms := read(t, r, 1)
	leave()
	<-answers
	await(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.queue) == 0 })
	if a := send(t.Context(), http.MethodPost, url, event(), nil); a.status != http.StatusTooManyRequests {
		t.Errorf("room was made while a record is still in somebody's hands: %+v", a)
	}
	if err := ms[0].Ack(); !errors.Is(err, errSenderGone) {
		t.Errorf("Ack: %v", err)
	}
	again := post(t.Context(), url, header, body)
	for i, m := range read(t, r, 2) {
		if want := []string{"a", "b"}[i]; string(m.Record.Value) != want {
			t.Errorf("read %q, want %q", m.Record.Value, want)
		}
		ack(t, m)
	}
	if a := <-again; a.status != 204 {
		t.Errorf("got %+v", a)
	}
}

func TestReadReturnsWhatIsThere(t *testing.T) {
	r, url := listen(t, ReaderConfig{})
	header, body := batch("a", "b", "c")
	answers := post(t.Context(), url, header, body)
	ms := append(read(t, r, 2), read(t, r, 1)...)
	if got := fmt.Sprintf("%s%s%s", ms[0].Record.Value, ms[1].Record.Value, ms[2].Record.Value); got != "abc" {
		t.Errorf("read %s", got)
	}
	ack(t, ms...)
	<-answers
	answers = post(t.Context(), url, event(), "d")
	ms, err := r.Read(t.Context(), 10, time.Hour) // the only sender waits, so nothing more can come
	if err != nil || len(ms) != 1 {
		t.Fatalf("read %d, %v", len(ms), err)
	}
	ack(t, ms...)
	<-answers
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := r.Read(ctx, 1, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Read of nothing: %v", err)
	}
}

func TestFlushWaitsForAnswers(t *testing.T) {
	r, _ := listen(t, ReaderConfig{})
	q := newRequest()
	r.mu.Lock()
	r.answering[q] = struct{}{}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush with an answer to come: %v", err)
	}
	time.AfterFunc(10*time.Millisecond, func() { close(q.answered) })
	flushAll(t, r)
}

func TestAnAnswerMayTakeLongerThanARequest(t *testing.T) {
	const limit = 50 * time.Millisecond
	r, url := listen(t, ReaderConfig{ReadTimeout: limit})
	answers := post(t.Context(), url, event(), "a")
	ms := read(t, r, 1)
	<-time.After(3 * limit)
	ack(t, ms...)
	if a := <-answers; a.status != 204 {
		t.Errorf("got %+v", a)
	}
}

func TestHostileConnections(t *testing.T) {
	const start = "POST /in HTTP/1.1\r\nHost: h\r\n"
	const ce = "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: s\r\nce-type: t\r\n"
	tests := []struct{ name, sent, want string }{
		{"headers that never end", start + "X: ", ""},
		{"a body that never ends", start + ce + "Content-Length: 10\r\n\r\nabc", "408"},
		{"chunks that never end", start + ce + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "408"},
		{"a body that never ends and is not wanted", "POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc", "404"},
		{"an announced giant", start + ce + "Content-Length: 99999999999\r\n\r\n", "413"},
		{"too many headers", start + strings.Repeat("x-y: "+strings.Repeat("z", 1000)+"\r\n", 100) + "\r\n", "431"},
		{"two lengths", start + ce + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
		{"a header name with a space", start + ce + "ce-x y: 1\r\n\r\n", "400"},
		{"a header value with a zero byte", start + ce + "ce-x: a\x00b\r\n\r\n", "400"},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		{"an absurd path", "POST /in/../../%00 HTTP/1.1\r\nHost: h\r\n\r\n", "404"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := listen(t, ReaderConfig{ReadTimeout: 100 * time.Millisecond})
			c, err := net.Dial("tcp", r.Address())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.WriteString(c, tt.sent) // it may be refused half way
			}()
			line, err := bufio.NewReader(c).ReadString('\n')
			<-sent
			status, _, _ := strings.Cut(strings.TrimPrefix(line, "HTTP/1.1 "), " ")
			if status != tt.want || tt.want == "" && err != io.EOF {
				t.Errorf("got %q, %v; want %q", line, err, tt.want)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.records != 0 || r.bytes != 0 || r.receiving != 0 {
				t.Errorf("%d records, %d bytes and %d requests are still counted", r.records, r.bytes, r.receiving)
			}
		})
	}
}

func TestAddressesThatCannotBeListenedOn(t *testing.T) {
	var config *transport.ConfigError
	if _, err := Listen(t.Context(), ReaderConfig{URL: "http://h:1/"}); !errors.As(err, &config) {
		t.Errorf("a wrong scheme gave %v", err)
	}
	r, _ := listen(t, ReaderConfig{})
	_, err := Listen(t.Context(), ReaderConfig{URL: "http+listen://ann:hush@" + r.Address() + "/"})
	if err == nil || errors.As(err, &config) || !strings.Contains(err.Error(), "address already in use") || strings.Contains(err.Error(), "hush") {
		t.Errorf("a port in use gave %v", err)
	}
}

// TestAllTheWay sends partitions through a writer to a reader that often refuses. As delivery does, it stops writing when it
// hears of a failure, and writes again what was not taken.
func TestAllTheWay(t *testing.T) {
	for _, mode := range []Mode{Binary, Structured, Batched} {
		t.Run(string(mode), func(t *testing.T) {
			const partitions, each = 8, 50
			r, url := listen(t, ReaderConfig{MaxInFlight: 5})
			w := newWriter(t, WriterConfig{URL: url, Mode: mode, BatchRecords: 3})
			ctx, stop := context.WithCancel(t.Context())
			got := map[string][]string{}
			reading := make(chan struct{})
			go func() {
				defer close(reading)
				for {
					ms, err := r.Read(ctx, 3, time.Millisecond)
					if err != nil {
						return
					}
					for _, m := range ms {
						got[m.Record.Partition] = append(got[m.Record.Partition], string(m.Record.Value))
						if err := m.Ack(); err != nil {
							t.Error(err)
						}
					}
				}
			}()
			var todo []string
			want := map[string][]string{}
			for i := range each {
				for p := range partitions {
					v := fmt.Sprintf("p%d:%d", p, i)
					todo = append(todo, v)
					want[v[:2]] = append(want[v[:2]], v)
				}
			}
			for len(todo) > 0 {
				todo = writeRound(t, w, todo)
			}
			flushAll(t, r)
			stop()
			<-reading
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// writeRound writes records until one fails and returns those that were not taken.
func writeRound(t *testing.T, w transport.Writer, todo []string) (left []string) {
	t.Helper()
	var mu sync.Mutex // a failure is told while no record is being handed over, or before the next one is
	taken, failed := map[string]bool{}, false
	for _, v := range todo {
		mu.Lock()
		if !failed {
			rec := record.Record{ID: v, Partition: v[:2], Value: []byte(v)}
			err := w.Write(t.Context(), rec, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				taken[v] = err == nil
				failed = failed || err != nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		mu.Unlock()
	}
	flushAll(t, w)
	for _, v := range todo {
		if !taken[v] {
			left = append(left, v)
		}
	}
	return left
}
