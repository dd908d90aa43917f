package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

// refusal answers like S3 does when it refuses a request.
func refusal(status int, code, more string) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message>%s</Error>", code, more)
		return true
	}
}

func TestWhatTheServerRefusesEndsTheRunAndSaysWhatToDo(t *testing.T) {
	keys := []string{"--access-key-id", "ann", "--secret-access-key", "hush-hush", "--session-token", "hush-token"}
	tests := []struct {
		status     int
		code, more string
		args       []string
		want       string
	}{
		{403, "AccessDenied", "", nil, "it is not open to everybody"},
		{403, "AccessDenied", "", keys, "s3:ListBucket"},
		{403, "InvalidAccessKeyId", "", keys, "check --access-key-id"},
		{403, "SignatureDoesNotMatch", "", keys, "check --access-key-id"},
		{400, "ExpiredToken", "", keys, "--session-token"},
		{403, "RequestTimeTooSkewed", "", keys, "clock"},
		{404, "NoSuchBucket", "", keys, "check --bucket"},
		{301, "PermanentRedirect", "<Region>eu-west-1</Region>", keys, "--region eu-west-1"},
		{405, "MethodNotAllowed", "", keys, "check --endpoint"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.code, len(tt.args)), func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.answer(refusal(tt.status, tt.code, tt.more))
			args := tt.args
			if args == nil {
				args = []string{"--anonymous"}
			}
			args = append([]string{"--endpoint", p.url, "--bucket", "test", "--region", "us-east-1"}, args...)
			err := commontest.StartSource[S3Source](t, commontest.Config{}, args...).Wait() // no retry
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err := commontest.Options[S3Source](t, args...).Check(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("check: got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAnOutageIsWaitedFor(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-t.Context().Done():
		}
		return true
	}
	faults := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"a server that is busy":            refusal(503, "SlowDown", ""),
		"a server that fails":              refusal(500, "InternalError", ""),
		"a server that says nothing":       hang,
		"a server that drops a connection": func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
		"an object that stops half-way": func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/test/a" {
				return false
			}
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "1\n2")
			_ = http.NewResponseController(w).Flush()
			return hang(w, r)
		},
		"an object that is cut": func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/test/a" {
				return false
			}
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "1\n2")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.put("a", "1\n2\n3\n4\n")
			var met atomic.Int32
			p.answer(func(w http.ResponseWriter, r *http.Request) bool { // twice, for the library tries again at once
				return r.URL.Query().Has("list-type") == !strings.Contains(name, "object") && met.Add(1) <= 2 && fault(w, r)
			})
			run := commontest.StartSource[S3Source](t, commontest.Config{}, p.args("--split", "lines", "--timeout", "500ms")...)
			got := map[string]bool{}
			for len(got) < 4 {
				got[string(run.Next().Value)] = true
			}
			for n := 1; n <= 4; n++ {
				if !got[strconv.Itoa(n)] {
					t.Errorf("got %v", got)
				}
			}
			if met.Load() < 2 {
				t.Errorf("met the fault %d times", met.Load())
			}
		})
	}
}

func TestBadObjects(t *testing.T) {
	tests := []struct {
		name, key, content string
		headers, args      []string
		told, skipped      string // the error, and what is sent when the object is skipped
	}{
		{"a line too long", "a", "1\n22222\n3\n", nil, []string{"--split", "lines", "--max-record", "4B"}, "the line at byte 2 is larger than 4B", "1|7"},
		{"a long line over many reads", "a", "1\n" + strings.Repeat("2", 300_000), nil, []string{"--split", "lines", "--max-record", "4KiB"}, "larger than 4KiB", "1|7"},
		{"an object too large", "a", "12345", nil, []string{"--max-record", "4B"}, "larger than 4B", "7"},
		{"a value too large", "a", `1 "22222"`, nil, []string{"--split", "json", "--max-record", "4B"}, "the JSON value at byte 2 is larger than 4B", "1|7"},
		{"a value without an end", "a", `1 "` + strings.Repeat("2", 300_000), nil, []string{"--split", "json", "--max-record", "4KiB"}, "larger than 4KiB", "1|7"},
		{"no JSON", "a", "1 no", nil, []string{"--split", "json"}, "invalid character", "1|7"},
		{"JSON that is cut", "a", `1 {"a":`, nil, []string{"--split", "json"}, "ends in the middle", "1|7"},
		{"no array", "a", "{}", nil, []string{"--split", "json-array"}, "no JSON array", "7"},
		{"an array that is cut", "a", "[1,2", nil, []string{"--split", "json-array"}, "ends in the middle", "1|2|7"},
		{"something after an array", "a", "[1] 2", nil, []string{"--split", "json-array"}, "follows the JSON array", "1|7"},
		{"no gzip", "a.gz", "text and more", nil, nil, "invalid header", "7"},
		{"gzip that is cut", "a.gz", gzipped("12345")[:15], nil, nil, "ends in the middle", "7"},
		{"no zstd", "a.zst", "text and more", nil, nil, "magic number", "7"},
		{"an unknown encoding", "a", "text", []string{"Content-Encoding", "br"}, nil, "--compression none", "7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t)
			p.put(tt.key, tt.content, tt.headers...)
			_, saved, err := p.once("", tt.args...)
			if err == nil || !strings.Contains(err.Error(), tt.told) || !strings.Contains(err.Error(), "--bad-objects skip") {
				t.Errorf("got %v, want %q", err, tt.told)
			}
			end := "7"
			if slices.Contains(tt.args, "json-array") {
				end = "[7]"
			}
			p.put("b", end)
			recs, _, err := p.once("", append(tt.args, "--bad-objects", "skip")...)
			if err != nil || text(recs) != tt.skipped {
				t.Errorf("skipped: got %q, %v", text(recs), err)
			}
			if sent := strings.TrimSuffix(strings.TrimSuffix(tt.skipped, "7"), "|"); sent != "" && saved == "" {
				t.Errorf("%q was sent, and no position is saved", sent)
			}
		})
	}
}

func TestAnArchivedObjectIsBad(t *testing.T) {
	p := newPeer(t)
	p.put("a", "1")
	archived := refusal(403, "InvalidObjectState", "")
	p.answer(func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/test/a" && archived(w, r) })
	if _, _, err := p.once(""); err == nil || !strings.Contains(err.Error(), "archived") {
		t.Errorf("got %v", err)
	}
	if recs, _, err := p.once("", "--bad-objects", "skip"); err != nil || len(recs) != 0 {
		t.Errorf("skipped: got %q, %v", text(recs), err)
	}
}

func TestAServerThatKnowsNoRanges(t *testing.T) {
	p := newPeer(t)
	p.put("a", "1\n2\n3\n")
	recs, _, _ := p.once("", "--split", "lines")
	p.answer(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false })
	if rest, _, err := p.once(recs[0].Position, "--split", "lines"); err != nil || text(rest) != "2|3" {
		t.Errorf("got %q, %v", text(rest), err)
	}
	client, err := commontest.Options[S3Source](t, p.args()...).connect()
	if err != nil {
		t.Fatal(err)
	}
	defer client.close()
	if _, _, err := client.get(t.Context(), "a", 7); !errors.Is(err, errShort) {
		t.Errorf("beyond the end: got %v", err)
	}
}

func TestALongWaitIsToldWithTheOptionThatHelps(t *testing.T) {
	p := newPeer(t)
	p.answer(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	ctx, cancel := context.WithTimeout(t.Context(), commontest.Patience)
	defer cancel()
	err := commontest.Options[S3Source](t, p.args("--timeout", "50ms")...).Check(ctx)
	if err == nil || !strings.Contains(err.Error(), "--timeout") || strings.Contains(err.Error(), "list-type") {
		t.Errorf("got %v", err)
	}
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { stop(stopped) })
	if err := commontest.Options[S3Source](t, p.args()...).Check(ctx); !errors.Is(err, stopped) {
		t.Errorf("a stop: got %v", err)
	}
}

func TestCheckMakesSureThatObjectsCanBeRead(t *testing.T) {
	p := newPeer(t)
	check := func() error { return commontest.Options[S3Source](t, p.args()...).Check(t.Context()) }
	if err := check(); err != nil {
		t.Errorf("an empty bucket: %v", err)
	}
	p.put("a", "1")
	if err := check(); err != nil {
		t.Error(err)
	}
	denied := refusal(403, "AccessDenied", "")
	p.answer(func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/test/a" && denied(w, r) })
	if err := check(); err == nil || !strings.Contains(err.Error(), `object "a"`) {
		t.Errorf("got %v", err)
	}
}
