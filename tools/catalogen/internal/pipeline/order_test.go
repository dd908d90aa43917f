package pipeline

import (
	"slices"
	"testing"
	"time"
)

func TestSlowestFirst(t *testing.T) {
	known := map[string]time.Duration{"a": time.Second, "c": time.Minute, "d": time.Second, "gone": time.Hour}
	if got, want := slowestFirst([]string{"a", "b", "c", "d", "e"}, known), []int{1, 4, 2, 0, 3}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}
