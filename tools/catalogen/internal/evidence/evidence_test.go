package evidence

import (
	"os"
	"path/filepath"
	"testing"

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

func TestCovers(t *testing.T) {
	less := Publish([]Test{result("a", "x", metadata.Passed)})
	more := Publish([]Test{result("a", "x", metadata.Passed), result("a", "y", metadata.Passed)})
	if !Covers(more, less) || Covers(less, more) || !Covers(more, more) {
		t.Error("a list covers exactly what it holds")
	}
}

func TestCache(t *testing.T) {
	c := Cache{filepath.Join(t.TempDir(), "evidence")}
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
