package common

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// Stuck is a sink that takes batches and lets the test decide when they are done.
type Stuck struct{}

var stuck struct { // of the test that runs
	batches chan []string
	done    chan error
}

func (*Stuck) Run(ctx context.Context, in Input) error {
	return Each(ctx, in, func(ctx context.Context, recs []Record) error {
		var values []string
		for _, rec := range recs {
			values = append(values, string(rec.Value))
		}
		select {
		case stuck.batches <- values:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		select {
		case err := <-stuck.done:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// A listening is a sink that runs beside the test.
type listening struct {
	url  string
	stop func() int // ends it and returns its status
}

// listenAt runs a Stuck sink.
func listenAt(t *testing.T, broker string, args ...string) *listening {
	t.Helper()
	stuck.batches, stuck.done = make(chan []string), make(chan error)
	p := &program{direction: metadata.Sink, pattern: &Stuck{}, info: Info{Name: "stuck-sink", Version: "1.2.3", Category: "Testing", Description: "Sticks."}}
	ctx, cancel := context.WithCancel(t.Context())
	logs, stderr := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- p.run(ctx, world{
			args:      append([]string{"--topic", "in", "--broker", broker, "--log-format", "json"}, args...),
			lookupEnv: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: io.Discard, stderr: stderr,
		})
		_ = stderr.Close()
	}()
	stop := sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	urls := make(chan string, 1)
	go func() {
		decoder := json.NewDecoder(logs)
		for {
			var line struct{ Level, URL string }
			if decoder.Decode(&line) != nil {
				return
			}
			if line.URL != "" {
				urls <- line.URL
			}
			if line.Level == slog.LevelError.String() {
				t.Errorf("%+v", line)
			}
		}
	}()
	select {
	case url := <-urls:
		return &listening{url, stop}
	case <-time.After(patience):
		t.Fatal("the sink does not say where it listens")
	}
	return nil
}

// A reply is an answer that a foreign sender got.
type reply struct {
	status int
	text   string
	again  string // Retry-After
}

// post sends a request as any HTTP client would, in the background.
func (l *listening) post(t *testing.T, body string, headers ...string) <-chan reply {
	replies := make(chan reply, 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	go func() {
		defer close(replies)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		replies <- reply{resp.StatusCode, string(text), resp.Header.Get("Retry-After")}
	}()
	return replies
}

func event(id string) []string {
	return []string{"ce-specversion", "1.0", "ce-id", id, "ce-source", "/test", "ce-type", "t"}
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func TestASinkAnswersWhenTheRecordsAreWritten(t *testing.T) {
	sink := listenAt(t, "http+listen://127.0.0.1:0/{topic}")
	if !strings.HasSuffix(sink.url, "/in") || strings.HasSuffix(sink.url, ":0/in") {
		t.Errorf("it listens at %s", sink.url)
	}
	got := sink.post(t, "a", event("1")...)
	if values := await(t, "batch", stuck.batches); !slices.Equal(values, []string{"a"}) {
		t.Errorf("the sink got %q", values)
	}
	select {
	case r := <-got:
		t.Fatalf("answered before the record was written: %+v", r)
	case <-time.After(50 * time.Millisecond): // long enough for a wrong answer
	}
	stuck.done <- nil
	if r := await(t, "answer", got); r.status != http.StatusNoContent {
		t.Errorf("answer %+v", r)
	}
	for body, headers := range map[string][]string{
		"hello": nil,
		"{}":    {"Content-Type", "application/cloudevents+json"},
	} {
		if r := await(t, "answer", sink.post(t, body, headers...)); r.status != http.StatusBadRequest || strings.Count(r.text, "\n") != 1 ||
			!strings.Contains(r.text, "specversion") {
			t.Errorf("%s: answer %+v", body, r)
		}
	}
	if status := sink.stop(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestASinkThatFailsToWriteKeepsTheSenderWaiting(t *testing.T) {
	sink := listenAt(t, "http+listen://127.0.0.1:0/", "--retry-max-wait", "1ms")
	got := sink.post(t, "a", event("1")...)
	await(t, "batch", stuck.batches)
	stuck.done <- errors.New("the system is away")
	if values := await(t, "batch", stuck.batches); !slices.Equal(values, []string{"a"}) {
		t.Errorf("the sink got %q", values)
	}
	stuck.done <- nil
	if r := await(t, "answer", got); r.status != http.StatusNoContent {
		t.Errorf("answer %+v", r)
	}
}

func TestASinkThatIsFullAsksForAPause(t *testing.T) {
	sink := listenAt(t, "http+listen://127.0.0.1:0/", "--max-in-flight", "2", "--batch-size", "1")
	var waiting []<-chan reply
	for i := range 2 {
		waiting = append(waiting, sink.post(t, "a", event(strconv.Itoa(i))...))
		if i == 0 {
			await(t, "batch", stuck.batches)
		}
	}
	// The second may be on its way still; then this one takes its place.
	deadline := time.Now().Add(patience)
	for i := 2; ; i++ {
		r := sink.post(t, "a", event(strconv.Itoa(i))...)
		select {
		case r := <-r:
			if r.status != http.StatusTooManyRequests || r.again == "" {
				t.Fatalf("answer %+v", r)
			}
		case <-time.After(20 * time.Millisecond):
			waiting = append(waiting, r)
			if time.Now().After(deadline) {
				t.Fatal("no request was asked to come again")
			}
			continue
		}
		break
	}
	written := 0
	for _, w := range waiting {
		for answered := false; !answered; {
			select {
			case stuck.done <- nil:
			case <-stuck.batches:
			case r := <-w:
				answered = true
				if r.status == http.StatusNoContent {
					written++
				} else if r.status != http.StatusTooManyRequests {
					t.Errorf("answer %+v", r)
				}
			case <-time.After(patience):
				t.Fatal("no answer")
			}
		}
	}
	if written != 2 {
		t.Errorf("%d written, want 2", written)
	}
}

func TestASourceAndASinkOverHTTP(t *testing.T) {
	const n = 500
	for _, mode := range []string{"binary", "batched"} {
		t.Run(mode, func(t *testing.T) {
			sink := listenAt(t, "http+listen://me:c4n4ry@127.0.0.1:0/in", "--max-in-flight", "64")
			ended := make(chan outcome, 1)
			go func() {
				ended <- invoke(t.Context(), counter(), setting{args: []string{
					"--topic", "in", "--upto", strconv.Itoa(n), "--state", "none", "--cloudevents-mode", mode, "--log-level", "error",
				}, env: map[string]string{"PATCHBAY_BROKER": strings.Replace(sink.url, "//", "//me:c4n4ry@", 1)}})
			}()
			var values []string
			for {
				select {
				case batch := <-stuck.batches:
					values = append(values, batch...)
					stuck.done <- nil
					continue
				case got := <-ended:
					if got.status != 0 {
						t.Fatalf("%+v", got)
					}
				case <-time.After(patience):
					t.Fatal("it does not end")
				}
				break
			}
			if !slices.Equal(values, numbers(n)) {
				t.Errorf("%d records arrived, out of order or not all: %q", len(values), values)
			}
		})
	}
}

func TestAnAnswerThatGetsLostCostsADuplicateAndNoRecord(t *testing.T) {
	const n = 20
	sink := listenAt(t, "http+listen://127.0.0.1:0/in")
	var mu sync.Mutex
	ids := map[string]int{}
	lost := 0
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		forward, err := http.NewRequestWithContext(req.Context(), http.MethodPost, sink.url, req.Body)
		if err != nil {
			t.Error(err)
			return
		}
		forward.Header = req.Header.Clone()
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(forward)
		if err != nil {
			t.Error(err)
			return
		}
		_ = resp.Body.Close()
		mu.Lock()
		id := req.Header.Get("Ce-Id")
		ids[id]++
		swallow := ids[id] == 1 && len(ids)%5 == 0 && resp.StatusCode == http.StatusNoContent
		if swallow {
			lost++
		}
		mu.Unlock()
		if swallow {
			panic(http.ErrAbortHandler) // written, but nobody hears of it
		}
		w.WriteHeader(resp.StatusCode)
	}))
	defer between.Close()
	ended := make(chan outcome, 1)
	go func() {
		ended <- invoke(t.Context(), counter(), setting{args: []string{
			"--topic", "in", "--broker", between.URL, "--upto", strconv.Itoa(n), "--state", "none", "--retry-max-wait", "1ms",
		}})
	}()
	var values []string
	for over := false; !over; {
		select {
		case batch := <-stuck.batches:
			values = append(values, batch...)
			stuck.done <- nil
		case got := <-ended:
			over = true
			if got.status != 0 {
				t.Errorf("%+v", got)
			}
		case <-time.After(patience):
			t.Fatal("it does not end")
		}
	}
	if want := n / 5; lost != want || len(values) != n+want || len(ids) != n {
		t.Errorf("%d answers were lost, want %d; %d records with %d ids were written: %q", lost, want, len(values), len(ids), values)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	if got := slices.Compact(values); !slices.Equal(got, numbers(n)) {
		t.Errorf("written: %q", got)
	}
}
