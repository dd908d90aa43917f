package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestNextLink(t *testing.T) {
	tests := []struct {
		name, header, want string
	}{
		{"the usual form", `<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"`, "https://a/x?page=2"},
		{"not the first link", `</first>; rel=first, </2>; rel=next`, "/2"},
		{"one of several relations", `</2>; rel="last  NEXT"`, "/2"},
		{"other parameters", `</2> ; title="a, \"b\"; <c>" ;rel = "next"; x`, "/2"},
		{"a comma in the address", `</1,2>; rel=prev,</2,3>;rel=next`, "/2,3"},
		{"an empty address", `<>; rel=next`, ""},
		{"only the first rel counts", `</2>; rel=prev; rel=next`, "-"},
		{"a link about another page", `</2>; rel=next; anchor="#x"`, "-"},
		{"a relation that begins alike", `</2>; rel=next-archive`, "-"},
		{"no rel", `</2>`, "-"},
		{"nothing", ``, "-"},
		{"no end", `</2; rel=next`, "-"},
		{"an open string", `</2>; rel="next`, "/2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := nextLink(tt.header)
			if !ok {
				got = "-"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzNextLink(f *testing.F) {
	for _, seed := range []string{`<a>; rel=next`, `<a>; rel="\`, `<a>;;,=`, `<<>>,<`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if target, ok := nextLink(header); ok && !strings.Contains(header, "<") {
			t.Errorf("found %q", target)
		}
		plain := `<https://a/?x=1>; rel=next`
		if target, ok := nextLink(plain + "," + header); !ok || target != "https://a/?x=1" {
			t.Errorf("what follows changes the first link to %q", target)
		}
	})
}

func TestPagesAreRead(t *testing.T) {
	// The endpoint has three pages, and names the next one in every way that there is.
	list := func(w http.ResponseWriter, r *http.Request) {
		n := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n)
		next := "null"
		if n < 3 {
			w.Header().Set("Link", fmt.Sprintf(`</list?page=1>; rel=first, <?page=%d>; rel="next"`, n+1))
			w.Header().Set("X-Next", fmt.Sprint(n+1))
			next = fmt.Sprintf(`"?page=%d"`, n+1)
		}
		answer(fmt.Sprintf(`{"n":%d,"next":%s,"id":90071992547409930%d}`, n, next, n))(w, r)
	}
	tests := []struct {
		name string
		args []string
		want int // pages
	}{
		{"not without being asked", nil, 1},
		{"by link", []string{"--pagination", "link"}, 3},
		{"by what the body says", []string{"--next-url", ".next"}, 3},
		{"by a whole address", []string{"--next-url", `if .next then ($url | split("?")[0]) + .next else empty end`}, 3},
		{"by number", []string{"--next-url", `if $page < 3 then "?page=\($page + 1)" else false end`}, 3},
		{"by a header", []string{"--next-url", `$headers["x-next"] | if . and $status == 200 then "?page=" + . else "" end`}, 3},
		{"numbers keep all their digits", []string{"--next-url", `"?page=\(.id)" | if endswith("9301") then "?page=2" else null end`}, 2},
		{"as many as allowed", []string{"--pagination", "link", "--max-pages", "3"}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.args) > 0 && tt.args[0] == "--next-url" {
				tt.args = append(tt.args, "--pagination", "jq")
			}
			server := serve(t, list)
			got, err := once(t, server.URL+"/list", tt.args...)
			if err != nil || len(got) != tt.want || server.count() != tt.want {
				t.Errorf("%d requests gave %q, %v; want %d pages", server.count(), got, err, tt.want)
			}
		})
	}
}

func TestPagesThatCannotBeFollowed(t *testing.T) {
	tests := []struct {
		name string
		step step
		args []string
		want string
	}{
		{"a circle", answer("{}", "Link", "</other>; rel=next"), []string{"--pagination", "link"}, "leads back to"},
		{"too many", func(w http.ResponseWriter, r *http.Request) {
			answer("{}", "Link", "<"+r.URL.Path+"x>; rel=next")(w, r)
		}, []string{"--pagination", "link", "--max-pages", "5"}, "more than 5 pages"},
		{"no web address", answer("{}", "Link", "<file:///hush>; rel=next"), []string{"--pagination", "link"}, "no http or https address"},
		{"no address", answer("{}", "Link", "<http://hush%zz>; rel=next"), []string{"--pagination", "link"}, "no http or https address"},
		{"a number", answer("{}"), []string{"--pagination", "jq", "--next-url", "7"}, "type number"},
		{"an error of jq", answer("{}"), []string{"--pagination", "jq", "--next-url", ".[0]"}, "--next-url: "},
		{"a body that is no JSON", answer("x"), []string{"--pagination", "jq", "--next-url", "."}, "needs a body that is JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := newPoller(commontest.Options[HTTPSource](t, append(tt.args, "--interval", "1ms", "--endpoint",
				serve(t, tt.step).URL)...), discard{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.client.Close()
			if err := p.poll(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAPageThatFailsIsTriedAgain(t *testing.T) {
	server := serve(t, answer("1", "Link", "<?2>; rel=next"), answerStatus(500, ""), answerStatus(429, "", "Retry-After", "0"), answer("2"))
	got, err := once(t, server.URL, "--pagination", "link", "--interval", "10s")
	if diff := cmp.Diff([]string{"1", "2"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAPollThatNeverEndsWellIsRepeatedAtTheInterval(t *testing.T) {
	var polls []time.Time
	steps := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusGone)
			return
		}
		polls = append(polls, time.Now())
		answer("1", "Link", "<?2>; rel=next")(w, r)
	}
	args := []string{"--pagination", "link", "--emit", "changed", "--interval", "400ms"}
	t.Run("in a single pass it fails after one", func(t *testing.T) {
		run := start(t, commontest.Config{Once: true}, serve(t, steps).URL, args...)
		err := run.Wait()
		if err == nil || !strings.Contains(err.Error(), "410 Gone") || len(run.Records()) != 1 {
			t.Errorf("got %v after %d records", err, len(run.Records()))
		}
		if len(run.Positions()) != 0 {
			t.Errorf("a poll that was not completed moved the position to %v", run.Positions())
		}
	})
	t.Run("else it begins anew, not faster than polls are wanted", func(t *testing.T) {
		polls = nil
		run := start(t, commontest.Config{}, serve(t, steps).URL, args...)
		run.Next()
		run.Next()
		if err := run.Stop(); err != nil {
			t.Error(err)
		}
		if apart := polls[1].Sub(polls[0]); apart < 400*time.Millisecond {
			t.Errorf("the first page came again after %s", apart)
		}
	})
}

func TestCredentialsDoNotFollowAPageToAnotherOrigin(t *testing.T) {
	other := serve(t, answer("2"))
	server := serve(t, answer("1", "Link", "<"+other.URL+"/?x>; rel=next"))
	got, err := once(t, server.URL, "--pagination", "link", "--secret-header", "X-Key: hush", "--bearer-token", "hush",
		"--secret-query", "key=hush")
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	first, second := server.seen(t, 0), other.seen(t, 0)
	if first.Header.Get("X-Key") == "" || first.Header.Get("Authorization") == "" || first.URL.Query().Get("key") == "" {
		t.Errorf("the endpoint saw %v %v", first.URL, first.Header)
	}
	if second.Header.Get("X-Key") != "" || second.Header.Get("Authorization") != "" || second.URL.RawQuery != "x" {
		t.Errorf("the other origin saw %v %v", second.URL, second.Header)
	}
}

func TestResolveDropsWhatIsNotSent(t *testing.T) {
	base, err := url.Parse("https://a/x/y?z=1")
	if err != nil {
		t.Fatal(err)
	}
	next, err := (&page{url: base}).resolve("//ann:pw@b/c?d#e")
	if err != nil || next.String() != "https://b/c?d" {
		t.Errorf("got %v, %v", next, err)
	}
}
