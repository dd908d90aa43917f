package pipeline

import (
	"slices"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
)

func TestSlowestFirst(t *testing.T) {
	known := map[string]time.Duration{"a": time.Second, "c": time.Minute, "d": time.Second, "gone": time.Hour}
	if got, want := slowestFirst([]string{"a", "b", "c", "d", "e"}, known), []int{1, 4, 2, 0, 3}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

// What is proved takes next to no time, however long it took to prove it.
func TestInOrderTakesWhatIsProvedLast(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	cache, err := evidence.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	passed := []evidence.Test{{TestResult: metadata.TestResult{Suite: "s", Name: "n", Status: metadata.Passed}}}
	for digest, parts := range map[string][]evidence.Part{"proved": {evidence.Suites, evidence.BlackBox}, "half": {evidence.Suites}} {
		for _, part := range parts {
			if err := cache.Store(digest, part, passed); err != nil {
				t.Fatal(err)
			}
		}
	}
	cache.KeepDurations(map[string]time.Duration{"proved": time.Hour, "half": time.Second, "none": time.Minute})
	r := &run{Config: Config{Cache: cache}, digests: map[string]string{"proved": "proved", "half": "half", "none": "none"}}
	folders := []discover.Folder{{Name: "proved"}, {Name: "half"}, {Name: "none"}}
	if got, want := r.inOrder(folders), []int{2, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}
