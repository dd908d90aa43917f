package site

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnique(t *testing.T) {
	used := map[string]int{}
	var got []string
	for _, id := range []string{"a", "b", "a", "a-3", "a", "a-2", "a", "b-2", "b"} {
		got = append(got, unique(used, id))
	}
	if diff := cmp.Diff([]string{"a", "b", "a-2", "a-3", "a-4", "a-2-2", "a-5", "b-2", "b-3"}, got); diff != "" {
		t.Error(diff)
	}
}

// A README may repeat a heading as often as it has lines, of which each must cost the same.
func TestUniqueRemembersWhereItWas(t *testing.T) {
	used := map[string]int{}
	for range 1000 {
		unique(used, "a")
	}
	if allocations := testing.AllocsPerRun(1, func() { unique(used, "a") }); allocations > 100 {
		t.Errorf("%g allocations for one more", allocations)
	}
}
