package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

// conditional answers like a server that knows the validators of its body.
func conditional(body, etag, modified string) step {
	return func(w http.ResponseWriter, r *http.Request) {
		if etag != "" && r.Header.Get("If-None-Match") == etag || modified != "" && r.Header.Get("If-Modified-Since") == modified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		for name, value := range map[string]string{"ETag": etag, "Last-Modified": modified} {
			if value != "" {
				w.Header().Set(name, value)
			}
		}
		answer(body)(w, r)
	}
}

func TestWhatIsEmitted(t *testing.T) {
	const day = "Fri, 02 Jan 2026 10:00:00 GMT"
	etagged := []step{conditional("a", `"1"`, ""), conditional("a", `"1"`, ""), conditional("b", `"2"`, "")}
	tests := []struct {
		name  string
		steps []step // the last one is endless, and tells the end of the test
		args  []string
		want  string
	}{
		{"what was not modified is left out, by ETag", etagged, nil, "a b end"},
		{"what was not modified is left out, by date", []step{conditional("a", "", day), conditional("a", "", day)}, nil, "a end"},
		{"without validators all is emitted", []step{answer("a"), answer("a")}, nil, "a a end"},
		{"always means always", etagged, []string{"--emit", "always"}, "a a b end"},
		{"the same body is left out", []step{answer("a"), answer("a"), answer("b"), answer("a")}, []string{"--emit", "changed"}, "a b a end"},
		{
			"no condition goes with a POST",
			[]step{conditional("a", `"1"`, ""), conditional("a", `"1"`, "")},
			[]string{"--method", "POST"},
			"a a end",
		},
		{
			"with pages, modified is always",
			[]step{conditional("a", `"1"`, ""), conditional("a", `"1"`, "")},
			[]string{"--pagination", "link"},
			"a a end",
		},
		{
			"with pages, changed goes by the first",
			[]step{
				conditional(`{"next":"?2"}`, `"1"`, ""), answer("{}"), conditional(`{"next":"?2"}`, `"1"`, ""), answer(`{"next":"?2"}`),
			},
			[]string{"--pagination", "jq", "--next-url", ".next?", "--emit", "changed"},
			`{"next":"?2"} {} "end"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			last := tt.want[strings.LastIndex(tt.want, " ")+1:]
			run := start(t, commontest.Config{}, serve(t, append(tt.steps, answer(last))...).URL, tt.args...)
			var got []string
			for len(got) == 0 || got[len(got)-1] != last {
				got = append(got, string(run.Next().Value))
			}
			if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARestartGoesOnFromThePosition(t *testing.T) {
	tests := []struct {
		name string
		step step
		args []string
	}{
		{"with an ETag", conditional("a", `"1"`, ""), nil},
		{"with the body alone", answer("a"), []string{"--emit", "changed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, tt.step)
			first := start(t, commontest.Config{Once: true}, server.URL, tt.args...)
			if err := first.Wait(); err != nil || len(first.Records()) != 1 {
				t.Fatalf("the first run ended with %v and sent %q", err, values(first.Records()))
			}
			second := start(t, commontest.Config{Once: true, Positions: first.Positions()}, server.URL, tt.args...)
			if err := second.Wait(); err != nil || len(second.Records()) != 0 {
				t.Errorf("the second run ended with %v and sent %q", err, values(second.Records()))
			}
			if diff := cmp.Diff(first.Positions(), second.Positions()); diff != "" {
				t.Errorf("the position moved (-first +second):\n%s", diff)
			}
		})
	}
}

// quiet is an output that resumes from a position and notices that the source is connected.
type quiet struct {
	discard
	position string
	ready    bool
}

func (q *quiet) Position(string) string { return q.position }
func (q *quiet) Ready()                 { q.ready = true }

func TestASourceWithNothingNewIsReady(t *testing.T) {
	out := &quiet{position: position{Version: positionVersion, ETag: `"1"`, SHA256: "x"}.String()}
	p, err := newPoller(commontest.Options[HTTPSource](t, "--endpoint", serve(t, conditional("a", `"1"`, "")).URL), out)
	if err != nil {
		t.Fatal(err)
	}
	defer p.client.Close()
	if err := p.poll(t.Context()); err != nil || !out.ready {
		t.Errorf("got %v, ready %t", err, out.ready)
	}
}

func TestAlwaysKeepsNoPosition(t *testing.T) {
	run := start(t, commontest.Config{Once: true}, serve(t, conditional("a", `"1"`, "")).URL, "--emit", "always")
	if err := run.Wait(); err != nil || run.Records()[0].Position != "" || len(run.Positions()) != 0 {
		t.Errorf("ended with %v and the positions %v", err, run.Positions())
	}
}

func TestPositionIsReadAgain(t *testing.T) {
	pg := page{header: http.Header{"Etag": {`W/"1"`}, "Last-Modified": {"then"}}, body: []byte("a")}
	want := pg.position()
	const text = `{"v":1,"etag":"W/\"1\"","last_modified":"then","sha256":"ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs"}`
	if want.String() != text {
		t.Errorf("got %s, want %s: earlier versions could not read it", want, text)
	}
	if got, err := parsePosition(text); err != nil || got != want {
		t.Errorf("read back: %+v, %v", got, err)
	}
}

func TestAForeignPositionIsRefused(t *testing.T) {
	for _, text := range []string{"7", "{}", `{"v":2,"sha256":"x"}`, "\x00"} {
		run := start(t, commontest.Config{Positions: map[string]string{"": text}}, serve(t, answer("a")).URL)
		if err := run.Wait(); err == nil || !strings.Contains(err.Error(), "choose another --name") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
