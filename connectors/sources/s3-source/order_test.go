package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// A shelf answers listings with objects of any age, and their content with their key and ETag.
type shelf struct {
	objects []object
	now     time.Time
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Date", s.now.Format(http.TimeFormat))
	if key, found := strings.CutPrefix(r.URL.Path, "/test/"); found && key != "" {
		i := slices.IndexFunc(s.objects, func(o object) bool { return o.key == key })
		w.Header().Set("ETag", `"`+s.objects[i].etag+`"`)
		w.Header().Set("Last-Modified", s.objects[i].modified.Format(http.TimeFormat))
		fmt.Fprint(w, key, s.objects[i].etag)
		return true
	}
	after := max(r.URL.Query().Get("start-after"), r.URL.Query().Get("continuation-token"))
	var page strings.Builder
	n, last, more := 0, "", false
	for _, o := range s.objects {
		if o.key <= after {
			continue
		}
		if n == 1000 {
			more = true
			break
		}
		n++
		last = o.key
		fmt.Fprintf(&page, `<Contents><Key>%s</Key><ETag>"%s"</ETag><LastModified>%s</LastModified><Size>1</Size></Contents>`,
			o.key, o.etag, o.modified.Format("2006-01-02T15:04:05.000Z"))
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<ListBucketResult><Name>test</Name><IsTruncated>%t</IsTruncated><NextContinuationToken>%s</NextContinuationToken>%s</ListBucketResult>`,
		more, last, page.String())
	return true
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestTheOrderOfModificationFindsWhatIsOverwritten(t *testing.T) {
	p, s := newPeer(t), &shelf{now: noon}
	p.answer(s.serve)
	position := ""
	pass := func(want string) {
		t.Helper()
		recs, saved, err := p.once(position, "--order", "modified")
		if err != nil || text(recs) != want {
			t.Errorf("got %q, %v, want %q", text(recs), err, want)
		}
		position = saved
	}
	s.objects = []object{
		{"a", "1", noon.Add(-10 * time.Second)},
		{"b", "1", noon.Add(-20 * time.Second)},
		{"c", "1", noon.Add(-10 * time.Second)},
		{"d", "1", noon.Add(-time.Second)}, // not settled
	}
	pass("b1|a1|c1")
	pass("")
	s.objects[1] = object{"b", "2", noon}
	s.now = noon.Add(5 * time.Second)
	pass("d1|b2")
	pass("")
}

func TestWhatIsOverwrittenAfterItIsListedIsLeftToTheNextListing(t *testing.T) {
	p, s := newPeer(t), &shelf{now: noon, objects: []object{{"a", "1", noon.Add(-time.Minute)}, {"b", "1", noon.Add(-time.Minute)}}}
	p.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/test/a" && s.objects[0].etag == "1" {
			s.objects[0] = object{"a", "2", noon.Add(-10 * time.Second)}
		}
		return s.serve(w, r)
	})
	recs, saved, err := p.once("", "--order", "modified")
	if err != nil || text(recs) != "b1" {
		t.Errorf("got %q, %v", text(recs), err)
	}
	if recs, _, err = p.once(saved, "--order", "modified"); err != nil || text(recs) != "a2" {
		t.Errorf("got %q, %v", text(recs), err)
	}
}

func TestABadStateOfAnObjectIsSkippedOnce(t *testing.T) {
	p, s := newPeer(t), &shelf{now: noon, objects: []object{{"a", "1", noon.Add(-time.Minute)}}}
	p.answer(s.serve)
	args := []string{"--order", "modified", "--max-record", "2B", "--bad-objects", "skip"}
	recs, saved, err := p.once("", args...)
	if err != nil || text(recs) != "a1" {
		t.Errorf("got %q, %v", text(recs), err)
	}
	s.objects[0] = object{"a", "22", noon.Add(-time.Second * 10)}
	if recs, saved, err = p.once(saved, args...); err != nil || len(recs) != 0 || !strings.Contains(saved, `"22"`) {
		t.Errorf("got %q, %v, position %s", text(recs), err, saved)
	}
}

func TestKeysWaitForThoseBeforeThemToSettle(t *testing.T) {
	p, s := newPeer(t), &shelf{now: noon}
	p.answer(s.serve)
	s.objects = []object{
		{"a", "1", noon.Add(-20 * time.Second)}, {"b", "1", noon.Add(-5 * time.Second)}, {"c", "1", noon.Add(-20 * time.Second)},
	}
	recs, saved, err := p.once("", "--settle", "10s")
	if err != nil || text(recs) != "a1" {
		t.Errorf("got %q, %v", text(recs), err)
	}
	s.objects = slices.Insert(s.objects, 1, object{"aa", "1", noon}) // late
	s.now = noon.Add(time.Minute)
	if recs, _, err = p.once(saved, "--settle", "10s"); err != nil || text(recs) != "aa1|b1|c1" {
		t.Errorf("got %q, %v", text(recs), err)
	}
}

func TestABoundedPassEndsThoughObjectsKeepComing(t *testing.T) {
	p, s := newPeer(t), &shelf{now: noon}
	p.answer(s.serve)
	s.objects = []object{{"0-new", "1", noon.Add(time.Minute)}, {"1-old", "1", noon.Add(-time.Minute)}}
	for n := range 3 * mostNewer {
		s.objects = append(s.objects, object{fmt.Sprintf("2-%05d", n), "1", noon.Add(time.Minute)})
	}
	recs, _, err := p.once("")
	if err != nil || len(recs) != 2+mostNewer {
		t.Errorf("%d records, %v", len(recs), err)
	}
}

// The most recent objects stand first among the keys, so that what is remembered of a listing changes to its end.
func TestManyObjectsAreReadInOrderWithoutRememberingAll(t *testing.T) {
	const total = 3*mostPending + 5
	p, s := newPeer(t), &shelf{now: noon}
	p.answer(s.serve)
	for n := range total {
		s.objects = append(s.objects, object{fmt.Sprintf("%06d", n), "1", noon.Add(-time.Hour - time.Duration((n*7919)%total)*time.Millisecond)})
	}
	options := commontest.Options[S3Source](t, p.args("--order", "modified")...)
	client, err := options.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer client.close()
	r := &reader{S3Source: options, out: bounded{}, client: client, log: slog.New(slog.DiscardHandler)}
	r.last, _ = parsePosition("", "modified")
	var got []object
	for more := true; more; {
		var pending []object
		if pending, more, err = r.oldest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if more && len(pending) != mostPending {
			t.Errorf("%d objects at once", len(pending))
		}
		got = append(got, pending...)
		r.last = r.at(got[len(got)-1], 0, "")
	}
	if len(got) != total {
		t.Fatalf("%d objects of %d", len(got), total)
	}
	for i := range got[1:] {
		if !got[i+1].modified.After(got[i].modified) {
			t.Fatalf("object %d is not after the one before", i+1)
		}
	}
}

// bounded is the output of a bounded pass that sends nothing.
type bounded struct{ common.Output }

func (bounded) Once() bool { return true }
