package common

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// A running is a program that runs in the background.
type running struct {
	t      *testing.T
	stop   context.CancelFunc
	status chan int

	mu     sync.Mutex
	stderr bytes.Buffer
}

func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(b)
}

func (r *running) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

// begin runs a program until the test ends it, or ends.
func begin(t *testing.T, p *program, stdin io.Reader, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, stop: stop, status: make(chan int, 1)}
	go func() {
		r.status <- p.run(ctx, world{
			args: args, stdin: stdin, stdout: io.Discard, stderr: r,
			lookupEnv: func(string) (string, bool) { return "", false },
		})
		close(r.status)
	}()
	t.Cleanup(func() {
		stop()
		<-r.status
	})
	return r
}

// end stops the program and wants it to end well.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	if status := await(r.t, "the end of the program", r.status); status != 0 {
		r.t.Errorf("status %d:\n%s", status, r.told())
	}
}

// find waits for what the program tells.
func (r *running) find(pattern string) string {
	r.t.Helper()
	var match []string
	r.until(pattern, func() bool {
		match = regexp.MustCompile(pattern).FindStringSubmatch(r.told())
		return match != nil
	})
	return match[1]
}

func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain for %s:\n%s", what, r.told())
		}
	}
}

// get asks the program's server.
func (r *running) get(path string) (status int, body string) {
	r.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get(r.find(`address=(http://[^ ]*)/metrics`) + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// ready waits until /readyz answers 200, or 503 with a part of a text.
func (r *running) ready(reason string) {
	r.t.Helper()
	r.until("/readyz: "+reason, func() bool {
		status, body := r.get("/readyz")
		return reason == "" && status == 200 || reason != "" && status == 503 && strings.Contains(body, reason)
	})
}

const watched = "--metrics-addr=127.0.0.1:0"

func TestFlagsOfMetrics(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	form := `is not HOST:PORT, such as 127.0.0.1:9464, or 0.0.0.0:9464 for every interface`
	tests := []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{watched, "--pprof"}, 0, ""},
		{[]string{"--metrics-addr", "[::1]:0"}, 0, ""},
		{[]string{"--metrics-addr", "127.0.0.1"}, 2, `--metrics-addr: "127.0.0.1" ` + form},
		{[]string{"--metrics-addr", ":9464"}, 2, `--metrics-addr: ":9464" ` + form},
		{[]string{"--metrics-addr", "127.0.0.1:65536"}, 2, `--metrics-addr: "127.0.0.1:65536" ` + form},
		{[]string{"--pprof"}, 2, "--pprof: has no effect without --metrics-addr"},
		{
			[]string{"--metrics-addr", taken.Addr().String()},
			1,
			"serve metrics at \"" + taken.Addr().String() + "\": listen tcp " + taken.Addr().String() +
				": bind: address already in use; choose another --metrics-addr",
		},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			got := invoke(t.Context(), counter(), setting{args: append([]string{"--topic", "-", "--log-level", "error"}, tt.args...)})
			want := ""
			if tt.stderr != "" {
				want = "tally-source: " + tt.stderr + "\n"
			}
			if got.status != tt.status || got.stderr != want {
				t.Errorf("status %d, stderr %q, want %d, %q", got.status, got.stderr, tt.status, want)
			}
		})
	}
}

func TestMetricsAreServedBeforeTheTopicIsThereAndNoLongerThanTheRun(t *testing.T) {
	r := begin(t, counter(), nil, "--topic", "numbers", "--broker", "nats://127.0.0.1:1", "--start-timeout", "1m", watched)
	r.ready("connect to nats://127.0.0.1:1")
	if _, body := r.get("/readyz"); !strings.Contains(body, "connect to nats://127.0.0.1:1") || strings.Count(body, "\n") != 3 {
		t.Errorf("/readyz says %q", body)
	}
	if status, _ := r.get("/healthz"); status != 200 {
		t.Errorf("/healthz: status %d", status)
	}
	if _, body := r.get("/metrics"); !strings.Contains(body, `patchbay_build_info{name="tally-source-numbers",`+
		`connector="tally-source",version="1.2.3",direction="source",topic="numbers",`) {
		t.Errorf("/metrics says\n%s", body)
	}
	if status, _ := r.get("/debug/pprof/"); status != 404 {
		t.Errorf("profiles that nobody asked for: status %d", status)
	}
	r.end()
	if status, _ := r.get("/healthz"); status != 0 {
		t.Error("the server outlives the run")
	}
}

// startNATS starts a real server on a port, 0 for a free one, with its data in a folder, and returns its address.
func startNATS(t *testing.T, port int, dir string) (s *server.Server, url string) {
	t.Helper()
	if port == 0 {
		port = -1
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not get ready")
	}
	t.Cleanup(func() { stopNATS(s) })
	return s, "nats://" + s.Addr().String()
}

func stopNATS(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func TestReadinessFollowsTheBrokerWhileNothingIsSent(t *testing.T) {
	for _, p := range []*program{counter(), gatherer()} {
		t.Run(p.info.Name, func(t *testing.T) {
			dir := t.TempDir()
			s, url := startNATS(t, 0, dir)
			args := []string{"--topic", "numbers", "--broker", url, watched}
			if p.direction == metadata.Source {
				args = append(args, "--wait")
			}
			r := begin(t, p, nil, args...)
			r.ready("")
			port := s.Addr().(*net.TCPAddr).Port
			stopNATS(s)
			r.ready("broker is down since")
			startNATS(t, port, dir)
			r.ready("")
			r.end()
		})
	}
}

func TestASourceThatWaitsForAnotherOneIsNotReady(t *testing.T) {
	args := []string{"--topic", "-", "--state", "file:" + filepath.Join(t.TempDir(), "state"), "--wait", watched}
	first := begin(t, counter(), nil, args...)
	first.ready("")
	second := begin(t, counter(), nil, args...)
	second.ready("another process uses the same saved position: process")
	first.end()
	second.ready("session is down since") // it has nothing to send
	second.ready("starting")
	second.end()
}

// Flaky is a sink whose system is away for a while.
type Flaky struct{}

var flakyAway atomic.Bool

func (*Flaky) Run(ctx context.Context, in Input) error {
	return Each(ctx, in, func(context.Context, []Record) error {
		if flakyAway.Load() {
			return errors.New("connection refused")
		}
		return nil
	})
}

func TestReadinessFollowsTheSystemOfASink(t *testing.T) {
	flaky := &program{direction: metadata.Sink, pattern: &Flaky{}, info: Info{
		Name: "flaky-sink", Version: "1.2.3", Category: "Testing", Description: "Fails.",
	}}
	stdin, feed := io.Pipe()
	r := begin(t, flaky, stdin, "--topic", "-", "--retry-max-wait", "20ms", watched)
	r.ready("")
	flakyAway.Store(true)
	fmt.Fprintln(feed, "1")
	r.ready("system is down since")
	if _, body := r.get("/readyz"); !strings.Contains(body, "connection refused") {
		t.Errorf("/readyz says %q", body)
	}
	flakyAway.Store(false)
	r.ready("")
	if _, body := r.get("/metrics"); !strings.Contains(body, "\npatchbay_delivered_records_total{name=\"flaky-sink\"} 1\n") {
		t.Errorf("/metrics says\n%s", body)
	}
	feed.Close()
	r.end()
}

// Slow is a sink that writes nothing before it may.
type Slow struct{}

var slowMay = make(chan struct{})

func (*Slow) Run(ctx context.Context, in Input) error {
	return Each(ctx, in, func(context.Context, []Record) error {
		<-slowMay
		return nil
	})
}

func TestMetricsAreServedWhileTheRunEnds(t *testing.T) {
	slow := &program{direction: metadata.Sink, pattern: &Slow{}, info: Info{
		Name: "slow-sink", Version: "1.2.3", Category: "Testing", Description: "Waits.",
	}}
	stdin, feed := io.Pipe()
	defer feed.Close()
	r := begin(t, slow, stdin, "--topic", "-", watched)
	fmt.Fprintln(feed, "1")
	r.until("a batch that the sink has", func() bool {
		_, body := r.get("/metrics")
		return strings.Contains(body, "\npatchbay_batch_records_count{name=\"slow-sink\"} 1\n")
	})
	r.stop()
	r.ready("session is down since")
	if _, body := r.get("/readyz"); !strings.Contains(body, "stopping") {
		t.Errorf("/readyz says %q", body)
	}
	close(slowMay)
	r.end()
}

func TestAProgressLineIsForTerminalsThatNothingElseIsWrittenTo(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for _, tt := range []struct {
		name string
		w    io.Writer
		want bool
	}{{"a file", file, false}, {"nowhere", null, false}, {"a pipe, whose reader may write to the terminal", write, true}} {
		if got := mayBeShown(tt.w); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// Tracer sends one record with the trace context of the sender, in the spelling of HTTP.
type Tracer struct{}

const traceparent, tracestate = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"

func (*Tracer) Run(ctx context.Context, out Output) error {
	return out.Send(ctx, Record{Value: []byte("1"), Headers: map[string]string{"Traceparent": traceparent, "Tracestate": tracestate}})
}

// Traced is a sink that keeps the headers of the last record.
type Traced struct{}

var traced atomic.Pointer[map[string]string]

func (*Traced) Run(ctx context.Context, in Input) error {
	return Each(ctx, in, func(_ context.Context, recs []Record) error {
		headers := maps.Clone(recs[len(recs)-1].Headers)
		traced.Store(&headers)
		return nil
	})
}

func TestATraceContextTravelsFromSourceToSink(t *testing.T) {
	source := &program{direction: metadata.Source, pattern: &Tracer{}, info: Info{
		Name: "tracer-source", Version: "1.2.3", Category: "Testing", Description: "Sends.",
	}}
	sink := &program{direction: metadata.Sink, pattern: &Traced{}, info: Info{
		Name: "traced-sink", Version: "1.2.3", Category: "Testing", Description: "Keeps.",
	}}
	_, url := startNATS(t, 0, t.TempDir())
	tests := []struct {
		name, listen string
		send         []string
	}{
		{"lean", url, []string{"--envelope", "lean"}},
		{"cloudevents", url, []string{"--envelope", "cloudevents"}},
		{"http-binary", "http+listen://127.0.0.1:0/", []string{"--cloudevents-mode", "binary"}},
		{"http-structured", "http+listen://127.0.0.1:0/", []string{"--cloudevents-mode", "structured"}},
		{"http-batched", "http+listen://127.0.0.1:0/", []string{"--cloudevents-mode", "batched"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			traced.Store(nil)
			r := begin(t, sink, nil, "--topic", "traces-"+tt.name, "--broker", tt.listen, "--from", "earliest")
			broker := tt.listen
			if strings.HasPrefix(broker, "http") {
				broker = r.find(`url=(http://[^ \n]*)`)
			}
			got := invoke(t.Context(), source, setting{args: append(tt.send, "--topic", "traces-"+tt.name, "--broker", broker)})
			if got.status != 0 {
				t.Fatalf("status %d: %s", got.status, got.stderr)
			}
			r.until("the record", func() bool { return traced.Load() != nil })
			headers := *traced.Load()
			if headers["traceparent"] != traceparent || headers["tracestate"] != tracestate || headers["Traceparent"] != "" {
				t.Errorf("the headers are %q", headers)
			}
			r.end()
		})
	}
}
