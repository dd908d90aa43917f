package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	for _, split := range []string{"none", "lines"} {
		t.Run(split, func(t *testing.T) {
			p := newPeer(t)
			made := 0
			commontest.Contract[S3Source](t, commontest.Promise{
				Args: p.args("--split", split), Resumes: true,
				More: func(n int) {
					if split == "none" {
						for range n {
							made++
							p.put(fmt.Sprintf("%05d", made), fmt.Sprint("value-", made))
						}
						return
					}
					var lines strings.Builder
					for range n {
						made++
						fmt.Fprintf(&lines, "value-%d\n", made)
					}
					p.put(fmt.Sprintf("%05d", made), lines.String())
				},
			})
		})
	}
}

func TestWhatARecordHolds(t *testing.T) {
	p := newPeer(t)
	p.put("logs/a.txt", "one\ntwo", "Content-Type", "text/plain")
	whole, _, err := p.once("")
	if err != nil || len(whole) != 1 {
		t.Fatalf("%d records, %v", len(whole), err)
	}
	got := whole[0]
	headers := map[string]string{
		"bucket": "test", "etag": got.Headers["etag"], "last-modified": got.Time.Format(time.RFC3339Nano), "content-type": "text/plain",
	}
	want := common.Record{
		ID: got.ID, Key: "logs/a.txt", Subject: "logs/a.txt", Time: got.Time, Position: got.Position, Headers: headers, Value: []byte("one\ntwo"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Headers["etag"]) != 32 || time.Since(got.Time) > time.Minute {
		t.Errorf("etag %q, time %v", got.Headers["etag"], got.Time)
	}
	lines, _, _ := p.once("", "--split", "lines")
	if len(lines) != 2 || lines[1].Key != "logs/a.txt" || lines[0].Position == lines[1].Position {
		t.Errorf("got %+v", lines)
	}
}

// documents are objects by how they are split, and what becomes of them.
var documents = []struct {
	name, split, content, want string
}{
	{"lines", "lines", "one\ntwo\r\n\nfour", "one|two||four"},
	{"lines with an end", "lines", "one\ntwo\n", "one|two"},
	{"lines of nothing", "lines", "", ""},
	{"JSON values", "json", " {\"a\":1} [2]\n\"x\"3 4\n", `{"a":1}|[2]|"x"|3|4`},
	{"JSON values without an end", "json", `{"a": [1, 2]}{}`, `{"a": [1, 2]}|{}`},
	{"no JSON value", "json", " \n", ""},
	{"an array", "json-array", " [ {\"a\": 1} , null,[2],\"]\" ] ", `{"a": 1}|null|[2]|"]"`},
	{"an empty array", "json-array", "[]", ""},
	{"an empty object", "json-array", "", ""},
}

var compressions = []struct {
	name, ending string
	compress     func(string) string
	headers      []string
}{
	{"plain", "", func(text string) string { return text }, nil},
	{"gzip by ending", ".gz", gzipped, nil},
	{"zstd by ending", ".zst", zstandard, nil},
	{"gzip by encoding", "", gzipped, []string{"Content-Encoding", "gzip"}},
	{"two gzip members", ".gz", func(text string) string { return gzipped(text[:len(text)/2]) + gzipped(text[len(text)/2:]) }, nil},
}

// Every record of every kind of object is one to resume at: what follows is what was not sent, no more and no less.
func TestObjectsAreSplitAndResumedAtEachRecord(t *testing.T) {
	for _, doc := range documents {
		for _, c := range compressions {
			t.Run(doc.name+", "+c.name, func(t *testing.T) {
				p := newPeer(t)
				p.put("a"+c.ending, c.compress(doc.content), c.headers...)
				p.put("b"+c.ending, c.compress(doc.content), c.headers...)
				recs, saved, err := p.once("", "--split", doc.split)
				want := doc.want
				if want != "" {
					want += "|" + want
				}
				if err != nil || text(recs) != want {
					t.Fatalf("got %q, %v, want %q", text(recs), err, want)
				}
				for i, rec := range recs {
					rest, end, err := p.once(rec.Position, "--split", doc.split)
					if err != nil || text(rest) != text(recs[i+1:]) {
						t.Errorf("after record %d: got %q, %v", i, text(rest), err)
					}
					if end != saved {
						t.Errorf("after record %d: ended at %s, not at %s", i, end, saved)
					}
				}
				if more, _, err := p.once(saved, "--split", doc.split); err != nil || len(more) > 0 {
					t.Errorf("after the end: got %q, %v", text(more), err)
				}
			})
		}
	}
}

func TestWhichObjectsAreRead(t *testing.T) {
	p := newPeer(t)
	for _, key := range []string{"a/1.txt", "a/2.txt", "a/2.csv", "a/b/3.txt", "a/empty/", "b/4.txt", "sp ace+%25é&.txt"} {
		p.put(strings.NewReplacer("%", "%25", " ", "%20", "é", "%C3%A9", "&", "%26", "+", "%2B").Replace(key), key)
	}
	tests := []struct {
		args []string
		want string
	}{
		{nil, "a/1.txt|a/2.csv|a/2.txt|a/b/3.txt|b/4.txt|sp ace+%25é&.txt"},
		{[]string{"--prefix", "a/"}, "a/1.txt|a/2.csv|a/2.txt|a/b/3.txt"},
		{[]string{"--prefix", "a/", "--suffix", ".txt"}, "a/1.txt|a/2.txt|a/b/3.txt"},
		{[]string{"--prefix", "nothing"}, ""},
		{[]string{"--settle", "1h"}, ""},
	}
	for _, tt := range tests {
		recs, _, err := p.once("", tt.args...)
		if err != nil || text(recs) != tt.want {
			t.Errorf("%v: got %q, %v", tt.args, text(recs), err)
		}
	}
}

func TestNewObjectsAreFound(t *testing.T) {
	p := newPeer(t)
	run := commontest.StartSource[S3Source](t, commontest.Config{}, p.args()...)
	for _, key := range []string{"a", "b", "b/c", "c"} {
		p.put(key, key)
		if rec := run.Next(); string(rec.Value) != key {
			t.Errorf("got %q, want %q", rec.Value, key)
		}
	}
}

func TestAnObjectThatIsOverwrittenIsReadFromItsStart(t *testing.T) {
	p := newPeer(t)
	p.put("a", "1\n2\n3\n")
	p.put("b", "4\n")
	recs, _, _ := p.once("", "--split", "lines")
	p.put("a", "x\ny\n") // shorter than where the third line begins
	rest, _, err := p.once(recs[1].Position, "--split", "lines")
	if err != nil || text(rest) != "x|y|4" {
		t.Errorf("shorter: got %q, %v", text(rest), err)
	}
	p.put("a", "x\ny\nz\nlonger\n")
	rest, _, err = p.once(recs[1].Position, "--split", "lines")
	if err != nil || text(rest) != "x|y|z|longer|4" {
		t.Errorf("longer: got %q, %v", text(rest), err)
	}
	rest, _, err = p.once(recs[1].Position, "--split", "json")
	if err == nil || !strings.Contains(err.Error(), `object "a"`) {
		t.Errorf("split otherwise: got %q, %v", text(rest), err)
	}
	p.remove("a")
	if rest, _, err = p.once(recs[1].Position, "--split", "lines"); err != nil || text(rest) != "4" {
		t.Errorf("removed: got %q, %v", text(rest), err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"an address with a bucket", []string{"--endpoint", "https://s3.example.com/test"}, "--endpoint:"},
		{"an access key without its secret", []string{"--access-key-id", "a"}, "--secret-access-key"},
		{"two ways to log in", []string{"--access-key-id", "a", "--secret-access-key", "b", "--anonymous"}, "--anonymous"},
		{"a token alone", []string{"--session-token", "b"}, "--session-token:"},
		{"a bucket with a slash", []string{"--bucket", "a/b"}, "--bucket:"},
		{"no room for a record", []string{"--max-record", "0"}, "--max-record:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := commontest.Parse[S3Source](t, append([]string{"--bucket", "test"}, tt.args...)...)
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), strings.TrimSuffix(strings.TrimPrefix(tt.want, "--"), ":")) {
				t.Errorf("got %v, want one with %s", errs, tt.want)
			}
		})
	}
}

func TestAForeignPositionIsRefused(t *testing.T) {
	p := newPeer(t)
	for _, position := range []string{"7", "{}", `{"v":2,"order":"key","key":"a"}`, `{"v":1,"order":"modified","key":"a"}`} {
		if _, _, err := p.once(position); err == nil || !strings.Contains(err.Error(), "choose another --name") {
			t.Errorf("%s: got %v", position, err)
		}
	}
}

func TestPositionsOfThisVersionStayReadable(t *testing.T) {
	const text = `{"v":1,"order":"key","key":"a/b","etag":"e","modified":"2026-01-02T03:04:05.006Z","offset":7,"form":"lines none"}`
	want := position{1, "key", "a/b", "e", time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), 7, "lines none"}
	if got, err := parsePosition(text, "key"); err != nil || got != want || got.String() != text {
		t.Errorf("got %+v, %v", got, err)
	}
}
