package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestSuccessCodes(t *testing.T) {
	server := serve(t, answer(202, ""), answer(409, "known already"))
	mustSend(t, server.URL, records("1", "2"), "--success-codes", "2xx,409")
	mustEqual(t, "bodies", server.bodies, []string{"1", "2"})
}

func TestWhatIsGoneIsDeleted(t *testing.T) {
	for _, status := range []int{404, 410} {
		server := serve(t, answer(status, ""))
		mustSend(t, server.URL, []common.Record{{Key: "k", Op: "delete"}}, "--delete-method", "DELETE", "--key-in-path")
		_, err := send(t, commontest.Config{}, server.URL, []common.Record{{Key: "k"}}, "--delete-method", "DELETE", "--key-in-path")
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("POST %s/k: the server answered %d", server.URL, status)) {
			t.Errorf("an upsert that is answered %d gave %v", status, err)
		}
	}
}

func TestFailuresThatPassAreWaitedFor(t *testing.T) {
	drop := func(w http.ResponseWriter, _ string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	tests := []struct {
		name    string
		failure step
	}{
		{"408", answer(408, "")},
		{"425", answer(425, "")},
		{"429", answer(429, "")},
		{"500", answer(500, "")},
		{"503", answer(503, "")},
		{"a connection that breaks", drop},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, ok, tt.failure, tt.failure, ok)
			mustSend(t, server.URL, records("1", "2", "3"))
			mustEqual(t, "bodies", server.bodies, []string{"1", "2", "2", "2", "3"})
		})
		t.Run(tt.name+" of a batch", func(t *testing.T) {
			server := serve(t, ok, tt.failure, ok)
			mustSend(t, server.URL, records("1", "2", "3", "4"), "--body", "ndjson", "--max-body", "4")
			mustEqual(t, "bodies", server.bodies, []string{"1\n2\n", "3\n4\n", "3\n4\n"})
		})
	}
}

func TestASlowAnswerIsTriedAgain(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, string) { <-release }, ok)
	defer close(release)
	mustSend(t, server.URL, records("1"), "--timeout", "50ms")
	mustEqual(t, "bodies", server.bodies, []string{"1", "1"})
}

func TestASuccessWhoseBodyBreaksIsASuccess(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "half")
	})
	mustSend(t, server.URL, records("1"))
	mustEqual(t, "requests", len(server.requests), 1)
}

func TestTheServerMayAskToWait(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	tests := []struct{ name, date, after string }{
		{"seconds", "", "1"},
		{"a date", now.Format(http.TimeFormat), now.Add(time.Second).Format(http.TimeFormat)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked, again time.Time
			server := serve(t, func(w http.ResponseWriter, body string) {
				asked = time.Now()
				if tt.date != "" {
					w.Header().Set("Date", tt.date)
				}
				answer(429, "", "Retry-After", tt.after)(w, body)
			}, func(http.ResponseWriter, string) { again = time.Now() })
			mustSend(t, server.URL, records("1"))
			if waited := again.Sub(asked); waited < time.Second { // the back-off in tests is 200 ms at most
				t.Errorf("tried again after %s", waited)
			}
		})
	}
}

func TestAStopDoesNotWaitAsTheServerAsked(t *testing.T) {
	asked := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, body string) {
		close(asked)
		answer(503, "", "Retry-After", "3600")(w, body)
	})
	run := commontest.StartSink[HTTPSink](t, commontest.Config{}, records("1"), "--endpoint", server.URL)
	<-asked
	if err := run.Stop(); err != nil {
		t.Error(err)
	}
	mustEqual(t, "acknowledged", len(run.Acknowledged()), 0)
}

func TestAFailureHaltsAllRequests(t *testing.T) {
	const parallel = 3
	server := serve(t, answer(503, ""), ok)
	mustSend(t, server.URL, records(numbers(300)...), "--parallel", "3")
	sent := map[string]int{}
	for _, body := range server.bodies {
		sent[body]++
	}
	if len(sent) != 300 || len(server.bodies) > 300+parallel {
		t.Errorf("%d requests for %d records", len(server.bodies), len(sent))
	}
}

func TestTheErrorPolicyDecidesOnRefusedRecords(t *testing.T) {
	tests := []struct {
		name, on, args string
		acked, bodies  []string
		fails          bool
	}{
		{"fail", "fail", "", []string{"1", "2"}, []string{"1", "2", "3"}, true},
		{"skip", "skip", "", []string{"1", "2", "3", "4"}, []string{"1", "2", "3", "4"}, false},
		{"fail, in batches", "fail", "--body ndjson --max-body 4", []string{"1", "2"}, []string{"1\n2\n", "3\n4\n"}, true},
		{"skip, in batches", "skip", "--body ndjson --max-body 4", []string{"1", "2", "3", "4", "5"}, []string{"1\n2\n", "3\n4\n", "5\n"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, refusing("3"))
			values := numbers(6)[1:]
			if tt.args == "" {
				values = values[:4]
			}
			acked, err := send(t, commontest.Config{OnError: tt.on}, server.URL, records(values...), strings.Fields(tt.args)...)
			want := fmt.Sprintf(`POST %s: the server answered 422 Unprocessable Entity: "not that one"`, server.URL)
			if tt.fails && (err == nil || !strings.Contains(err.Error(), want)) || !tt.fails && err != nil {
				t.Errorf("error = %v, want %s", err, want)
			}
			mustEqual(t, "acknowledged", acked, tt.acked)
			mustEqual(t, "bodies", server.bodies, tt.bodies)
		})
	}
}

func TestWhatNoRecordIsToBlameForEndsTheSinkWhateverThePolicy(t *testing.T) {
	other := serve(t, ok)
	tests := []struct {
		name    string
		refusal step
		want    string
	}{
		{"credentials are refused", answer(401, ""), "401 Unauthorized"},
		{"the proxy wants credentials", answer(407, ""), "407 Proxy Authentication Required"},
		{"a redirect that drops the body", answer(302, "", "Location", "/new"), "it redirects to "},
		{"a redirect to another origin", answer(307, "", "Location", other.URL), "it redirects to " + other.URL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, tt.refusal)
			acked, err := send(t, commontest.Config{OnError: "skip"}, server.URL, records("1", "2"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
			mustEqual(t, "acknowledged", acked, nil)
			mustEqual(t, "requests", len(server.requests)+len(other.requests), 1)
		})
	}
}

func TestARedirectWithinTheOriginIsFollowed(t *testing.T) {
	server := serve(t, answer(308, "", "Location", "/new"), ok)
	mustSend(t, server.URL+"/old", records("1"), "--gzip")
	mustEqual(t, "bodies", server.bodies, []string{"1", "1"})
	mustEqual(t, "path", server.requests[1].URL.Path, "/new")
}

func TestFilesThatCannotBeReadEndTheSink(t *testing.T) {
	_, err := send(t, commontest.Config{}, "https://x.example", records("1"), "--ca-file", t.TempDir()+"/none.pem")
	if err == nil || !strings.Contains(err.Error(), "--ca-file") {
		t.Errorf("error = %v", err)
	}
}

func TestErrorsQuoteTheAnswer(t *testing.T) {
	secrets := []string{"--secret-header", "X-Key: hush-1", "--secret-query", "k=hush-2", "--username", "ann", "--password", "hush-3"}
	tests := []struct {
		name, kind, body, want string
	}{
		{"JSON", "application/json", `{"error":"no name"}`, `: "{\"error\":\"no name\"}"`},
		{"in one line", "text/plain", "a\r\n\tb\x1b[1m\x00c", `: "a b\x1b[1m\x00c"`},
		{"not to its end", "text/plain", strings.Repeat("ä", 300), `: "` + strings.Repeat("ä", 200) + `…"`},
		{"no web pages", "text/html; charset=utf-8", "<h1>Bad</h1>", "400 Bad Request"},
		{"nothing", "text/plain", " \n", "400 Bad Request"},
		{
			"without secrets", "text/plain", "X-Key: hush-1, ?k=hush-2&sig=hush-4, hush-3",
			`: "X-Key: [REDACTED], ?k=[REDACTED]&sig=[REDACTED], [REDACTED]"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, answer(400, tt.body, "Content-Type", tt.kind))
			_, err := send(t, commontest.Config{}, server.URL+"/in?sig=hush-4", records("1"), secrets...)
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") ||
				!strings.Contains(err.Error(), server.URL+"/in: ") {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}
