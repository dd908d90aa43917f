package cloudevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestWhatAnswersMean(t *testing.T) {
	const retry, reject = "retry", "reject"
	tests := []struct {
		status     int
		retryAfter string
		want       string
		wait       time.Duration
	}{
		{200, "", "", 0},
		{201, "", "", 0},
		{202, "", "", 0},
		{204, "", "", 0},
		{302, "", retry, 0},
		{304, "", retry, 0},
		{400, "7", reject, 0},
		{401, "", retry, 0},
		{403, "", retry, 0},
		{404, "", retry, 0},
		{405, "", retry, 0},
		{408, "", retry, 0},
		{410, "", reject, 0},
		{413, "", reject, 0},
		{415, "", reject, 0},
		{422, "", reject, 0},
		{425, "", retry, 0},
		{429, "", retry, 0},
		{429, "7", retry, 7 * time.Second},
		{429, "99999999999999999", retry, time.Hour},
		{429, "-1", retry, 0},
		{429, "soon", retry, 0},
		{431, "", reject, 0},
		{500, "7", retry, 0},
		{502, "", retry, 0},
		{503, "", retry, 0},
		{503, "Thu, 01 Jan 2026 00:00:09 GMT", retry, 9 * time.Second},
		{503, "Thu, 01 Jan 2026 00:00:00 GMT", retry, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.retryAfter), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
				w.Header().Set("Retry-After", tt.retryAfter)
				w.WriteHeader(tt.status)
			})
			f := newFates()
			write(t, newWriter(t, WriterConfig{URL: url}), f, "a")
			err := f.get(t, "a")
			var rejected *transport.Rejected
			var delayed *transport.Delayed
			got, wait := "", time.Duration(0)
			if errors.As(err, &rejected) {
				got = reject
			} else if err != nil {
				got = retry
			}
			if errors.As(err, &delayed) {
				wait = delayed.Wait
			}
			if got != tt.want || wait != tt.wait {
				t.Errorf("got %q and a wait of %s: %v", got, wait, err)
			}
		})
	}
}

func TestErrorsTellWhyWithoutSecrets(t *testing.T) {
	gone := "http://" + unusedAddress(t)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/why":
			http.Error(w, "field\r\n\x1b[31m a: "+r.Header.Get("Authorization")+" pass-hush hush-code "+strings.Repeat("x", 10_000), 400)
		case "/html":
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(400)
			_, _ = io.WriteString(w, "<html>")
		case "/moved":
			http.Redirect(w, r, "http://ann:hush@other/new?hush=1", http.StatusTemporaryRedirect)
		case "/junk":
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, "pass-hush "+strings.Repeat("x", 10_000)+"\r\n\r\n")
				_ = c.Close()
			}
		case "/slow":
			received(r) // only then package http sees that the client leaves
			<-r.Context().Done()
		}
	})
	tests := []struct{ name, address, want string }{
		{"the server's reason", url + "/why", "the server answered 400 Bad Request: field [31m a: Basic xxxxx xxxxx xxxxx xxx"},
		{"a page for people", url + "/html", "the server answered 400 Bad Request"},
		{"a redirect", url + "/moved", "it redirects to http://xxxxx@other/new?xxxxx; if that is right, name it in --broker"},
		{"nobody listens", gone + "/x", "connection refused"},
		{"no HTTP", url + "/junk", "malformed HTTP"},
		{"no answer", url + "/slow", "no complete answer within 100ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := strings.Replace(tt.address, "http://", "http://ann:pass-hush@", 1) + "?code=hush-code"
			c := WriterConfig{URL: address}
			if strings.HasSuffix(tt.address, "/slow") {
				c.Timeout = 100 * time.Millisecond
			}
			f := newFates()
			write(t, newWriter(t, c), f, "a")
			text := f.get(t, "a").Error()
			if !strings.HasPrefix(text, "post to "+tt.address+"?xxxxx: ") || !strings.Contains(text, tt.want) ||
				strings.Contains(text, "hush") || strings.ContainsAny(text, "\r\n\x1b") || len(text) > 500 {
				t.Errorf("got %q, want %q and no secret", text, tt.want)
			}
		})
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRequestsAreWhatTheModeSays(t *testing.T) {
	tests := []struct {
		mode Mode
		want string
	}{
		{Binary, `POST /t/orders?q=1 ann:p%w text/plain "hi"`},
		{Structured, `POST /t/orders?q=1 ann:p%w application/cloudevents+json ` +
			`"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"test\",\"type\":\"dev.patchbay.record\",\"datacontenttype\":\"text/plain\",\"data\":\"hi\"}"`},
		{Batched, `POST /t/orders?q=1 ann:p%w application/cloudevents-batch+json ` +
			`"[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"test\",\"type\":\"dev.patchbay.record\",\"datacontenttype\":\"text/plain\",\"data\":\"hi\"}]"`},
	}
	for _, tt := range tests {
		t.Run(string(tt.mode), func(t *testing.T) {
			var got string
			url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				user, password, _ := r.BasicAuth()
				got = fmt.Sprintf("%s %s %s:%s %s %q", r.Method, r.RequestURI, user, password, r.Header.Get("Content-Type"), body)
				if _, there := r.Header["Idempotency-Key"]; there {
					t.Error("a header that is for package http only was sent")
				}
			})
			c := WriterConfig{URL: strings.Replace(url, "//", "//ann:p%25w@", 1) + "/t/{topic}?q=1", Topic: "orders", Mode: tt.mode}
			w := newWriter(t, c)
			if err := w.Write(t.Context(), record.Record{ID: "1", Value: []byte("hi")}, func(error) {}); err != nil {
				t.Fatal(err)
			}
			flushAll(t, w)
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestRefusedWriterConfigs(t *testing.T) {
	for want, c := range map[string]WriterConfig{
		"say binary, structured or batched": {URL: "http://h", Source: "s", Mode: "x"},
		"need a source":                     {URL: "http://h"},
		"posts CloudEvents to":              {URL: "ftp://h", Source: "s"},
	} {
		var config *transport.ConfigError
		if _, err := NewWriter(c); !errors.As(err, &config) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestARecordThatIsNoEventIsRejectedAtOnce(t *testing.T) {
	for _, mode := range []Mode{Binary, Structured, Batched} {
		w := newWriter(t, WriterConfig{URL: "http://127.0.0.1:1/", Mode: mode})
		err := w.Write(t.Context(), record.Record{Subject: "\xff"}, func(error) { t.Error("it was settled") })
		var rejected *transport.Rejected
		if !errors.As(err, &rejected) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestPartitionsKeepTheirOrderAndRunInParallel(t *testing.T) {
	for _, mode := range []Mode{Binary, Structured, Batched} {
		t.Run(string(mode), func(t *testing.T) {
			const partitions, each, parallel = 10, 30, 4
			var mu sync.Mutex
			got := map[string][]string{}
			busy := map[string]bool{}
			var now, most int
			var once sync.Once
			met := make(chan struct{})
			url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				values := received(r)
				mu.Lock()
				defer mu.Unlock()
				now++
				if most = max(most, now); most == 2 {
					once.Do(func() { close(met) })
				}
				for _, v := range values {
					p, _, _ := strings.Cut(v, ":")
					if busy[p] {
						t.Errorf("two requests of partition %s at once", p)
					}
					got[p] = append(got[p], v)
				}
				for _, v := range values {
					busy[v[:strings.Index(v, ":")]] = true
				}
				mu.Unlock()
				select { // until two have met
				case <-met:
				case <-time.After(patience):
				}
				mu.Lock()
				now--
				for _, v := range values {
					busy[v[:strings.Index(v, ":")]] = false
				}
			})
			w := newWriter(t, WriterConfig{URL: url, Mode: mode, Parallel: parallel, MaxInFlight: 64, BatchRecords: 7})
			f := newFates()
			want := map[string][]string{}
			for i := range each {
				for p := range partitions {
					v := fmt.Sprintf("p%d:%d", p, i)
					want[v[:2]] = append(want[v[:2]], v)
					write(t, w, f, v)
				}
			}
			flushAll(t, w)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if f.count() != partitions*each {
				t.Errorf("%d were settled when Flush returned", f.count())
			}
			if most < 2 || most > parallel {
				t.Errorf("%d requests at once", most)
			}
		})
	}
}

// A gate holds requests until it is opened, and then answers them.
type gate struct {
	arrived chan []string
	answer  chan int
}

func newGate(t *testing.T, header http.Header) (*gate, string) {
	g := &gate{arrived: make(chan []string, 100), answer: make(chan int)}
	return g, serve(t, func(w http.ResponseWriter, r *http.Request) {
		g.arrived <- received(r)
		select {
		case status := <-g.answer:
			for name := range header {
				w.Header().Set(name, header.Get(name))
			}
			w.WriteHeader(status)
		case <-r.Context().Done():
		}
	})
}

func TestWhatWaitsBehindAFailureFailsWithIt(t *testing.T) {
	tests := []struct {
		name        string
		header      http.Header
		status      int
		otherFailed bool
	}{
		{"in the same partition", nil, 500, false},
		{"everywhere when a pause is asked for", http.Header{"Retry-After": {"5"}}, 503, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, url := newGate(t, tt.header)
			w := newWriter(t, WriterConfig{URL: url, Parallel: 1})
			f := newFates()
			// A caller may hand over one more before it knows of the failure.
			first := record.Record{ID: "a:1", Partition: "a", Value: []byte("a:1")}
			if err := w.Write(t.Context(), first, func(err error) { write(t, w, f, "a:3"); f.of("a:1")(err) }); err != nil {
				t.Fatal(err)
			}
			<-g.arrived
			write(t, w, f, "a:2", "b:1")
			g.answer <- tt.status
			for _, v := range []string{"a:1", "a:2", "a:3"} {
				if f.get(t, v) == nil {
					t.Errorf("%s was not failed", v)
				}
			}
			if !tt.otherFailed {
				<-g.arrived
				g.answer <- 200
			}
			if err := f.get(t, "b:1"); (err != nil) != tt.otherFailed {
				t.Errorf("the other partition: %v", err)
			}
			write(t, w, f, "a:4") // the lane is usable again
			if got := <-g.arrived; got[0] != "a:4" {
				t.Errorf("then came %v", got)
			}
			g.answer <- 204
			if err := f.get(t, "a:4"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAWriterThatStopsTakesNothingUntilResume(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	var mu sync.Mutex
	var arrived []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if away.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		mu.Lock()
		arrived = append(arrived, string(body))
		mu.Unlock()
	})
	for _, mode := range []Mode{Binary, Batched} {
		t.Run(string(mode), func(t *testing.T) {
			away.Store(true)
			arrived = nil
			w := newWriter(t, WriterConfig{URL: url, Mode: mode, MaxInFlight: 1, StopAtFailure: true})
			fates := newFates()
			write := func(value, partition string) error {
				return w.Write(t.Context(), record.Record{ID: value, Partition: partition, Value: []byte(value)}, fates.of(value))
			}
			if err := write("1", "p"); err != nil {
				t.Fatal(err)
			}
			if err := fates.get(t, "1"); err == nil {
				t.Fatal("a failure is a success")
			}
			away.Store(false)
			for _, partition := range []string{"p", "q"} {
				var rejected *transport.Rejected
				if err := write("2"+partition, partition); err == nil || errors.As(err, &rejected) {
					t.Errorf("Write to %s after a failure: %v", partition, err)
				}
			}
			w.(transport.Resumer).Resume()
			for _, value := range []string{"3", "4"} {
				if err := write(value, "p"); err != nil {
					t.Fatal(err)
				}
				if err := fates.get(t, value); err != nil {
					t.Error(err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(arrived) != 2 || !strings.Contains(arrived[0], "3") || !strings.Contains(arrived[1], "4") {
				t.Errorf("%q arrived", arrived)
			}
		})
	}
}

func TestARefusedRecordHoldsNobodyUp(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if received(r)[0] == "a:bad" {
			w.WriteHeader(400)
		}
	})
	w := newWriter(t, WriterConfig{URL: url})
	f := newFates()
	write(t, w, f, "a:1", "a:bad", "a:2")
	flushAll(t, w)
	if f.get(t, "a:1") != nil || f.get(t, "a:bad") == nil || f.get(t, "a:2") != nil {
		t.Errorf("fates %v", f.errs)
	}
}

func TestBatchesGatherWhatWaits(t *testing.T) {
	g, url := newGate(t, nil)
	one, err := record.MarshalCloudEvent(record.Record{ID: "a:1", Partition: "a", Value: []byte("a:1")}, "test")
	if err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, WriterConfig{URL: url, Mode: Batched, BatchRecords: 4, BatchBytes: 3*(len(one)+1) + 1})
	f := newFates()
	write(t, w, f, "a:0")
	first := <-g.arrived
	write(t, w, f, "a:1", "a:2", "a:3", "a:4", "a:"+strings.Repeat("x", 1000), "a:5", "a:6")
	var sizes []int
	for n := len(first); ; {
		sizes = append(sizes, n)
		g.answer <- 200
		if len(sizes) == 5 {
			break
		}
		n = len(<-g.arrived)
	}
	flushAll(t, w)
	if want := []int{1, 3, 1, 1, 2}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}
}

func TestOnlyTheRecordsAtFaultOfABatchAreRefused(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		bad     []string
		maximum int // of a request
	}{
		{"bad records", 400, []string{"a:3", "a:17"}, 1000},
		{"the batch is too large", 413, nil, 3},
		{"the first and the last", 422, []string{"a:0", "a:19"}, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hold := make(chan struct{})
			var taken []string
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				<-hold
				values := received(r)
				if len(values) > tt.maximum || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(tt.bad, v) }) {
					w.WriteHeader(tt.status)
					return
				}
				taken = append(taken, values...)
			})
			w := newWriter(t, WriterConfig{URL: url, Mode: Batched})
			f := newFates()
			var want []string
			for i := range 20 {
				v := fmt.Sprintf("a:%d", i)
				write(t, w, f, v)
				if !slices.Contains(tt.bad, v) {
					want = append(want, v)
				}
			}
			close(hold)
			flushAll(t, w)
			if diff := cmp.Diff(want, taken); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for v, err := range f.errs {
				if slices.Contains(tt.bad, v) != (err != nil) {
					t.Errorf("%s: %v", v, err)
				}
			}
		})
	}
}

func TestARefusalOfTheFormatIsNotTriedInParts(t *testing.T) {
	hold := make(chan struct{})
	var requests atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		<-hold
		requests.Add(1)
		w.WriteHeader(415)
	})
	w := newWriter(t, WriterConfig{URL: url, Mode: Batched})
	f := newFates()
	write(t, w, f, "a:1", "a:2", "a:3", "a:4")
	close(hold)
	flushAll(t, w)
	if n := requests.Load(); n > 2 || f.get(t, "a:4") == nil {
		t.Errorf("%d requests, %v", n, f.errs)
	}
}

func TestWriteBlocksAboveTheLimit(t *testing.T) {
	g, url := newGate(t, nil)
	w := newWriter(t, WriterConfig{URL: url, MaxInFlight: 2})
	f := newFates()
	write(t, w, f, "a:1", "a:2")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := w.Write(ctx, record.Record{}, f.of("never")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		write(t, w, f, "a:3")
	}()
	g.answer <- 200
	<-written
	if err := w.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush with records on their way: %v", err)
	}
	g.answer <- 200
	g.answer <- 200
	flushAll(t, w)
}

func TestCloseSettlesWhatHasNoAnswer(t *testing.T) {
	g, url := newGate(t, nil)
	w := newWriter(t, WriterConfig{URL: url, MaxInFlight: 3})
	f := newFates()
	write(t, w, f, "a:1", "a:2", "b:1")
	<-g.arrived
	blocked := make(chan error)
	go func() { blocked <- w.Write(context.Background(), record.Record{}, func(error) {}) }()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-blocked; err == nil {
		t.Error("a blocked Write handed its record over")
	}
	for _, v := range []string{"a:1", "a:2", "b:1"} {
		if err := f.errs[v]; !errors.Is(err, errWriterClosed) {
			t.Errorf("%s: %v", v, err)
		}
	}
	if err := w.Write(t.Context(), record.Record{}, nil); !errors.Is(err, errWriterClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	flushAll(t, w)
}

func TestAPeerThatVanishesIsNoticed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connections are made and nobody ever reads them
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newWriter(t, WriterConfig{URL: "http://" + l.Addr().String(), Timeout: 50 * time.Millisecond})
	f := newFates()
	write(t, w, f, "a")
	if err := f.get(t, "a"); err == nil || !strings.Contains(err.Error(), "no complete answer within 50ms") {
		t.Errorf("got %v", err)
	}
}

func TestAConnectionThatWasClosedWhileIdleIsNoFailure(t *testing.T) {
	var conns []net.Conn
	var mu sync.Mutex
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received(r) })}
	server.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if s == http.StateNew {
			conns = append(conns, c)
		}
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	defer func() { _ = server.Close(); <-served }()
	w := newWriter(t, WriterConfig{URL: "http://" + l.Addr().String()})
	f := newFates()
	for i := range 20 {
		v := fmt.Sprintf("a:%d", i)
		write(t, w, f, v)
		if err := f.get(t, v); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		_ = conns[len(conns)-1].Close()
		mu.Unlock()
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		status int
		ok     bool
	}{{204, true}, {404, true}, {405, true}, {501, true}, {301, false}, {401, false}, {403, false}, {503, false}}
	for _, tt := range tests {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodOptions {
				t.Errorf("%s was sent", r.Method)
			}
			w.WriteHeader(tt.status)
		})
		if err := Check(t.Context(), WriterConfig{URL: url, Source: "s"}); (err == nil) != tt.ok {
			t.Errorf("%d: %v", tt.status, err)
		}
	}
	if err := Check(t.Context(), WriterConfig{URL: "http://" + unusedAddress(t), Source: "s"}); err == nil {
		t.Error("an address where nobody listens passed")
	}
}
