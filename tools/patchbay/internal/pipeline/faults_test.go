package pipeline

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// compare checks what a sink has written against what was to be sent: nothing lost, at most so many written twice, and in
// order but for steps back to where something was sent again.
func compare(t *testing.T, got []string, count, most, stepsBack int) {
	t.Helper()
	seen := make([]int, count+1)
	last, steps := 0, 0
	for _, text := range got {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > count {
			t.Fatalf("the sink has %q", text)
		}
		if seen[n]++; n != last+1 {
			if n > last {
				t.Errorf("%d comes after %d", n, last)
			}
			steps++
		}
		last = n
	}
	lost, twice := 0, 0
	for _, times := range seen[1:] {
		if times == 0 {
			lost++
		} else {
			twice += times - 1
		}
	}
	if lost > 0 || twice > most || steps > stepsBack {
		t.Errorf("lost %d, duplicates %d (at most %d), steps back %d (at most %d)", lost, twice, most, steps, stepsBack)
	}
	t.Logf("lost %d, duplicates %d", lost, twice)
}

// saveStep is how far the fake source goes between two saves, at the most: what it waits for and what it has in flight.
const saveStep = 20

func TestKilledChildrenLoseNothing(t *testing.T) {
	const count, window, sinkWindow = 3000, 64, 16
	tests := []struct {
		side, at string
		most     int // duplicates
	}{
		{"source", "after-send", 2*window + saveStep},
		{"source", "after-ack", 2*window + saveStep},
		{"source", "before-save", 2*window + saveStep},
		{"source", "after-save", 2*window + saveStep},
		{"sink", "before-write", sinkWindow},
		{"sink", "after-write", sinkWindow},
		{"sink", "after-ack", sinkWindow},
	}
	for _, tt := range tests {
		t.Run(tt.side+" "+tt.at, func(t *testing.T) {
			t.Parallel()
			from := 1 + rand.IntN(count-100)
			fault := fmt.Sprintf("-die %s -from %d", tt.at, from)
			flags := map[string]string{"source": "-count " + strconv.Itoa(count), "sink": ""}
			flags[tt.side] += " " + fault
			d := pipe(t, flags["source"], flags["sink"]).acquired(t)
			if err := d.drive(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, d.logs)
			}
			if _, err := os.Stat(filepath.Join(d.dir, "died-"+tt.at)); err != nil {
				t.Fatalf("the %s did not die at %d: %v", tt.side, from, err)
			}
			t.Logf("died from %d on", from)
			compare(t, d.written(t), count, tt.most, 1)
		})
	}
}

func TestAKilledDriverLosesNothingAndLeavesNobody(t *testing.T) {
	const count, window = 4000, 64
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kills := 0
	for done := false; !done; {
		before := len((&driven{out: filepath.Join(dir, "out")}).written(t))
		cmd := exec.Command(self, "fake-driver", "-dir", dir, "-source", "-count "+strconv.Itoa(count), "-sink", "")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if kills == 3 {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			done = true
			continue
		}
		target := before + 100 + rand.IntN(700)
		hosttest.Await(t, "progress", func() bool {
			return len((&driven{out: filepath.Join(dir, "out")}).written(t)) >= min(target, count)
		})
		cmd.Process.Kill()
		if err := <-ended; err == nil {
			t.Fatal("the driver had ended before it was killed")
		}
		kills++
		hosttest.Await(t, "the end of the children", func() bool { return !runs(t, dir) })
	}
	compare(t, (&driven{out: filepath.Join(dir, "out")}).written(t), count, kills*(2*window+saveStep), kills)
}

// runs reports whether a process runs that has dir among its arguments.
func runs(t *testing.T, dir string) bool {
	t.Helper()
	lists, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if text, err := os.ReadFile(list); err == nil && bytes.Contains(text, []byte("\x00"+dir+"\x00")) {
			return true
		}
	}
	return false
}
