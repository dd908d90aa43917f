package vanus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// receive starts a receiver, which is closed with the test, and returns its address.
func receive(t *testing.T, within time.Duration) (*receiver, string) {
	t.Helper()
	r, err := listen(t.Context(), 0, within, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	_, port, _ := strings.Cut(r.listener.Addr().String(), "]:")
	return r, "http://127.0.0.1:" + port
}

// post sends an event with an id, in the background.
func post(url, id string) <-chan string {
	answers := make(chan string, 1)
	go func() {
		header := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
		answers <- request(http.MethodPost, url, header, strings.NewReader("value"))
	}()
	return answers
}

func request(method, url string, header http.Header, body io.Reader) string {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return err.Error()
	}
	req.Header = header
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}).Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return strconv.Itoa(resp.StatusCode) + " " + string(text)
}

// next reads one event.
func next(t *testing.T, r *receiver) transport.Message {
	t.Helper()
	messages, err := r.Read(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return messages[0]
}

func TestARequestThatHoldsNoEventIsRefused(t *testing.T) {
	_, url := receive(t, time.Minute)
	tests := []struct {
		name, method string
		header       http.Header
		body         io.Reader
		want         string
	}{
		{"no POST", http.MethodGet, nil, nil, "405 "},
		{"no event", http.MethodPost, http.Header{"Content-Type": {"application/json"}}, strings.NewReader("{}"), "400 "},
		{"an event that is broken", http.MethodPost, http.Header{"Content-Type": {"application/cloudevents+json"}}, strings.NewReader("{"), "400 "},
		{"a format that is not known", http.MethodPost, http.Header{"Content-Type": {"application/cloudevents+avro"}}, strings.NewReader("x"), "400 "},
		{"a body that is too large", http.MethodPost, http.Header{"Expect": {"100-continue"}}, strings.NewReader(strings.Repeat("x", maxBody+1)), "413 "},
		{"one of unknown length", http.MethodPost, nil, io.MultiReader(strings.NewReader(strings.Repeat("x", maxBody)), strings.NewReader("x")), "413 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := request(tt.method, url, tt.header, tt.body); !strings.HasPrefix(got, tt.want) {
				t.Errorf("the answer is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnEventThatComesAgainIsWrittenOnce(t *testing.T) {
	r, url := receive(t, time.Minute)
	one := post(url, "7")
	m := next(t, r)
	two := post(url, "7")
	hosttest.Await(t, "the second request", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.pending[identity{"/s", "7"}].waiting == 2
	})
	if err := m.Ack(); err != nil {
		t.Fatal(err)
	}
	for _, answers := range []<-chan string{one, two} {
		if got := <-answers; got != "200 accepted" {
			t.Errorf("the answer is %q", got)
		}
	}
	if len(r.pending) != 0 || len(r.queue) != 0 || r.bytes != 0 {
		t.Errorf("%d pending, %d queued, %d bytes are left", len(r.pending), len(r.queue), r.bytes)
	}
}

func TestAnEventThatNobodyHasReadInTimeIsForgotten(t *testing.T) {
	r, url := receive(t, 20*time.Millisecond)
	if got := <-post(url, "7"); !strings.HasPrefix(got, "503 the sink has not written the event within 20ms") {
		t.Errorf("the answer is %q", got)
	}
	if len(r.pending) != 0 || len(r.queue) != 0 || r.bytes != 0 {
		t.Errorf("%d pending, %d queued, %d bytes are left", len(r.pending), len(r.queue), r.bytes)
	}
	r.status("retrying", errors.New("the disk is full"))
	if got := <-post(url, "7"); got != "503 the disk is full" {
		t.Errorf("the answer is %q", got)
	}
	r.status("ready", nil)
	if got := <-post(url, "7"); strings.Contains(got, "disk") {
		t.Errorf("the answer is %q", got)
	}
}

func TestARefusalIsTheAnswer(t *testing.T) {
	r, url := receive(t, time.Minute)
	answers := post(url, "7")
	m := next(t, r)
	letter := m.Record
	letter.Headers[delivery.HeaderID], letter.ID = letter.ID, "another"
	letter.Headers[delivery.HeaderReason] = "no such table"
	if err := r.refuse(letter); err != nil {
		t.Fatal(err)
	}
	_ = m.Ack()
	if got := <-answers; got != "422 no such table" {
		t.Errorf("the answer is %q", got)
	}
	if err := r.refuse(record.Record{ID: "8"}); err == nil {
		t.Error("a letter that no event belongs to is lost without a word")
	}
}

func TestTooMuchIsRefusedAndACloseAnswersEverybody(t *testing.T) {
	r, url := receive(t, time.Minute)
	waiting := post(url, "7")
	next(t, r)
	if !r.reserve(maxReceived - 100) {
		t.Fatal("there is no room")
	}
	if got := request(http.MethodPost, url, nil, strings.NewReader(strings.Repeat("x", 200))); !strings.HasPrefix(got, "429 ") {
		t.Errorf("the answer is %q", got)
	}
	_ = r.Close()
	if got := <-waiting; !strings.HasPrefix(got, "503 this program is stopping") {
		t.Errorf("the answer is %q", got)
	}
	var broken *transport.Broken
	if _, err := r.Read(context.Background(), 1, 0); !errors.As(err, &broken) {
		t.Errorf("Read returned %v after Close", err)
	}
}
