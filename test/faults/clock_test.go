package faults_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// wallClocks are the ways to read a clock that jumps. What time.Now returns is compared by a clock that does not.
var wallClocks = []string{".Unix(", ".UnixNano(", ".UnixMilli(", ".UnixMicro(", ".Round(0)", "time.Unix(", ".UTC()", ".Local()"}

// TestNothingWaitsByAClockThatJumps holds what decides about retries, leases, time limits and acknowledgements to the
// monotonic clock: a jump of the wall clock cannot move it. Where a wall clock is read, only people and records see it.
func TestNothingWaitsByAClockThatJumps(t *testing.T) {
	allowed := map[string]string{ // lines that read one
		"internal/delivery/policy.go: time.Now().UTC().Format(":   "the time in a dead letter",
		"internal/state/lease.go: time.Now().UTC().Truncate(":     "since when a lease is held, for people",
		"internal/transport/nats/reader.go: time.Unix(0, d.place": "when the stream took a record",
		"internal/transport/nats/feed.go: .Created.UnixNano()":    "tells one stream from another of the same name",
		"internal/transport/cloudevents/: ":                       "times of events",
		"internal/transport/nats/: rec.Time.UTC().Format(":        "the time of a record",
	}
	found := 0
	for _, dir := range []string{"delivery", "state", "transport/nats", "transport/stdio", "transport/cloudevents"} {
		dir = "../../internal/" + dir
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			data, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(data), "\n") {
				where := strings.TrimPrefix(dir, "../../") + "/" + e.Name() + ": " + strings.TrimSpace(line)
				reads := slices.ContainsFunc(wallClocks, func(clock string) bool { return strings.Contains(line, clock) })
				if !reads {
					continue
				}
				found++
				if !permitted(allowed, where) {
					t.Errorf("%s/%s:%d reads a clock that may jump: %s", dir, e.Name(), i+1, strings.TrimSpace(line))
				}
			}
		}
	}
	if found == 0 {
		t.Error("nothing was found, so nothing was looked at")
	}
}

func permitted(allowed map[string]string, where string) bool {
	for start := range allowed {
		file, part, _ := strings.Cut(start, ": ")
		if strings.HasPrefix(where, file) && strings.Contains(where, part) {
			return true
		}
	}
	return false
}
