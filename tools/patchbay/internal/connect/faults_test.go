package connect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

func TestAConnectorThatIsKilledIsReplaced(t *testing.T) {
	t.Run("source", func(t *testing.T) {
		r := newRig(t)
		all := r.stream("S", "s")
		done := make(chan error, 1)
		go func() {
			done <- r.run(t.Context(), "source: {type: numbers, config: {count: 4000}}\nproducer: {stream: {subject: s}}")
		}()
		s, err := r.js.Stream(t.Context(), "S")
		if err != nil {
			t.Fatal(err)
		}
		hosttest.Await(t, "records", func() bool { info, err := s.Info(t.Context()); return err == nil && info.State.Msgs > 10 })
		kill(t, filepath.Join(r.bin, "numbers-source"))
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantNumbers(t, all(), 4000, 1<<20)
	})
	t.Run("sink", func(t *testing.T) {
		r := newRig(t)
		r.stream("S", "s")
		const n = 5000
		for i := 1; i <= n; i++ {
			if _, err := r.js.PublishAsync("s", []byte(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		<-r.js.PublishAsyncComplete()
		stop := r.start(fmt.Sprintf("consumer: {stream: {subject: s}}\nsink: {type: lines, config: {path: %s}}", r.file))
		hosttest.Await(t, "records", func() bool { return len(r.written()) > 10 })
		kill(t, filepath.Join(r.bin, "lines-sink"))
		hosttest.Await(t, "the last record", func() bool { return slices.Contains(r.written(), strconv.Itoa(n)) && distinct(r.written()) == n })
		stop()
		wantNumbers(t, r.written(), n, 4096) // what the first had
	})
}

func TestStepsThatChangeUnderLoadLoseNothing(t *testing.T) {
	r := newRig(t)
	r.stream("S", "s")
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan int)
	go func() {
		n := 0
		for ctx.Err() == nil {
			n++
			if _, err := r.js.Publish(t.Context(), "s", []byte(strconv.Itoa(n))); err != nil {
				t.Error(err)
				break
			}
		}
		sent <- n
	}()
	steps := fmt.Sprintf("consumer: {stream: {subject: s}}\nsink: {type: lines, config: {path: %s}}\n", r.file)
	for i, change := range []string{"", "transformer: {mapping: {sourcecode: '. * 1'}}", "transformer: {explode: {format: lines}}"} {
		stop := r.start(steps + change)
		had := len(r.written())
		hosttest.Await(t, "records of run "+strconv.Itoa(i), func() bool { return len(r.written()) > had+100 })
		stop()
	}
	cancel()
	n := <-sent
	stop := r.start(steps)
	hosttest.Await(t, "the rest", func() bool { return distinct(r.written()) >= n })
	stop()
	wantNumbers(t, r.written(), n, 3*4096)
}

// wantNumbers checks that the numbers up to n are all there, and how many came twice.
func wantNumbers(t *testing.T, values []string, n, twice int) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range values {
		seen[v] = true
	}
	for i := 1; i <= n; i++ {
		if !seen[strconv.Itoa(i)] {
			t.Errorf("%d is lost", i)
		}
	}
	if extra := len(values) - n; extra > twice || extra < 0 {
		t.Errorf("%d records came twice, %d at most are allowed", extra, twice)
	}
}

func distinct(values []string) int {
	values = slices.Clone(values)
	slices.Sort(values)
	return len(slices.Compact(values))
}

// children returns the processes that run a program and serve, rather than answer a question.
func children(t *testing.T, program string) (pids []int) {
	t.Helper()
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		args, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if strings.HasPrefix(string(args), program+"\x00--") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func kill(t *testing.T, program string) {
	t.Helper()
	pids := children(t, program)
	if len(pids) == 0 {
		t.Fatal("there is nothing to kill")
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
