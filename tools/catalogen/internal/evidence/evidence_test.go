package evidence

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

func result(suite, name string, status metadata.TestStatus) Test {
	return Test{TestResult: metadata.TestResult{Suite: suite, Name: name, Status: status}}
}

func TestPublishIsSortedAndTellsTheWorst(t *testing.T) {
	a := Publish([]Test{result("b", "x", metadata.Passed), result("a", "y", metadata.Skipped), result("a", "y", metadata.Passed), result("a", "x", metadata.Passed)})
	b := Publish([]Test{result("a", "x", metadata.Passed), result("a", "y", metadata.Passed), result("a", "y", metadata.Skipped), result("b", "x", metadata.Passed)})
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("order matters: %s", diff)
	}
	want := []metadata.TestResult{{Suite: "a", Name: "x", Status: metadata.Passed}, {Suite: "a", Name: "y", Status: metadata.Skipped}, {Suite: "b", Name: "x", Status: metadata.Passed}}
	if diff := cmp.Diff(want, a.Tests); diff != "" {
		t.Error(diff)
	}
}

func TestStandsFor(t *testing.T) {
	x, y, z := result("a", "x", metadata.Passed), result("a", "y", metadata.Passed), result("a", "z", metadata.Passed)
	skipped, failed := result("a", "y", metadata.Skipped), result("a", "y", metadata.Failed)
	byHand := Publish([]Test{x})
	byHand.Tests = append(byHand.Tests, y.TestResult)
	turned := Publish([]Test{x, y})
	slices.Reverse(turned.Tests)
	tests := []struct {
		name      string
		committed metadata.Evidence
		want      bool
	}{
		{"the same tests", Publish([]Test{x, y}), true},
		{"more tests than were reached", Publish([]Test{x, y, z}), true},
		{"a test of the run is missing", Publish([]Test{x}), false},
		{"a test was skipped there too", Publish([]Test{x, skipped}), false},
		{"a test failed there", Publish([]Test{x, failed}), false},
		{"a test was added by hand", byHand, false},
		{"the order is not that of Publish", turned, false},
		{"nothing", metadata.Evidence{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := StandsFor(tt.committed, []Test{x, skipped}); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestCache(t *testing.T) {
	c := newCache(filepath.Join(t.TempDir(), "evidence"))
	good := []Test{result("a", "x", metadata.Passed)}
	for name, tests := range map[string][]Test{
		"nothing": nil, "a failure": {result("a", "x", metadata.Failed)}, "a skip": {result("a", "x", metadata.Passed), result("a", "y", metadata.Skipped)},
	} {
		if err := c.Store("digest", Suites, tests); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Load("digest", Suites); ok {
			t.Errorf("%s is kept", name)
		}
	}
	if err := c.Store("digest", Suites, good); err != nil {
		t.Fatal(err)
	}
	got, ok := c.Load("digest", Suites)
	if !ok || cmp.Diff(good, got) != "" {
		t.Errorf("got %v, %v", got, ok)
	}
	if _, ok := c.Load("digest", BlackBox); ok {
		t.Error("one part is taken for the other")
	}
	if !c.Has("digest", Suites) || c.Has("digest", BlackBox) || c.Has("other", Suites) || (Cache{}).Has("digest", Suites) {
		t.Error("Has does not tell what Load finds")
	}
	if _, ok := c.Load("other", Suites); ok {
		t.Error("other inputs have evidence")
	}
	if err := os.WriteFile(c.path("digest", Suites), []byte("["), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Load("digest", Suites); ok {
		t.Error("a damaged entry counts")
	}
	if _, ok := (Cache{}).Load("digest", Suites); ok {
		t.Error("the zero cache holds something")
	}
}

func TestDurations(t *testing.T) {
	c := newCache(filepath.Join(t.TempDir(), "evidence"))
	c.KeepDurations(nil)
	if got := c.Durations(); len(got) > 0 {
		t.Errorf("an empty cache knows %v", got)
	}
	c.KeepDurations(map[string]time.Duration{"a": 1, "b": 2})
	c.KeepDurations(map[string]time.Duration{"b": 3})
	if got := c.Durations(); len(got) != 2 || got["a"] != 1 || got["b"] != 3 {
		t.Errorf("got %v", got)
	}
	if err := os.WriteFile(filepath.Join(c.dir, durationsFile), []byte("what?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := c.Durations(); got == nil || len(got) > 0 {
		t.Errorf("a damaged file tells %v", got)
	}
	(Cache{}).KeepDurations(map[string]time.Duration{"a": 1})
	if got := (Cache{}).Durations(); len(got) > 0 {
		t.Errorf("the zero Cache knows %v", got)
	}
}
