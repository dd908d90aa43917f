package delivery

import (
	"testing"
	"time"
)

func TestBackoffStaysShortForFiveSecondsAndGrowsToItsCap(t *testing.T) {
	b := Backoff{Cap: 10 * time.Second}
	var total, longest time.Duration
	for total < 5*time.Second {
		wait := b.Next()
		total, longest = total+wait, max(longest, wait)
	}
	if longest > briefWait {
		t.Errorf("waited %v within the first five seconds, %v at most is wanted", longest, briefWait)
	}
	for range 50 {
		longest = b.Next()
	}
	if longest < 5*time.Second || longest > 10*time.Second {
		t.Errorf("waited %v after many failures, with a cap of 10s", longest)
	}
	b.Reset()
	if wait := b.Next(); wait > firstWait {
		t.Errorf("waited %v after a success", wait)
	}
	short := Backoff{Cap: time.Millisecond}
	for range 50 {
		if wait := short.Next(); wait > time.Millisecond {
			t.Errorf("waited %v with a cap of 1ms", wait)
		}
	}
}
