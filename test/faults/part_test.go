package faults_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// connector is what this process plays; nil where it tests.
var connector func()

// play makes this process a connector and does not return. The connector ends the process itself, where nobody could look at what
// it leaves behind: so it runs in a test, where a call of os.Exit(0) panics first.
func play(m *testing.M, run func()) {
	connector = run
	if err := flag.CommandLine.Parse([]string{"-test.paniconexit0", "-test.run=^TestPart$"}); err != nil {
		panic(err)
	}
	m.Run()
	panic("the part has returned")
}

// exit0 is what os.Exit(0) panics with in a test.
const exit0 = "unexpected call to os.Exit(0) during test"

// TestPart does nothing but in the processes that other tests start. There it runs the connector, and turns a clean end into
// status 1 if a goroutine or a file is left.
func TestPart(*testing.T) {
	if connector == nil {
		return
	}
	goroutines, before := goleak.IgnoreCurrent(), files()
	defer func() {
		if r := recover(); r != exit0 {
			panic(r)
		}
		err := goleak.Find(goroutines,
			goleak.IgnoreAnyFunction("github.com/patchbay-dev/patchbay/common.main.func1"),        // hears signals until the end
			goleak.IgnoreAnyFunction("github.com/patchbay-dev/patchbay/common/link.(*Conn).read")) // reads standard input, which nothing breaks off
		awaitFor(time.Second, func() bool { return len(more(before, files())) == 0 }) // a connection takes a moment to close
		if left := more(before, files()); len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("found unexpected files: %s", left))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
		syscall.Exit(0)
	}()
	connector()
}

// files returns what the descriptors of this process are open for; nil where the system does not say.
func files() map[string]string {
	entries, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		panic(err)
	}
	open := map[string]string{}
	for _, e := range entries {
		what, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil && !strings.HasPrefix(what, "anon_inode:") { // of the runtime, which keeps its own
			open[e.Name()] = what
		}
	}
	return open
}

// more returns what is open after and was not before.
func more(before, after map[string]string) (left []string) {
	for name, what := range after {
		if before[name] != what {
			left = append(left, what)
		}
	}
	return left
}

// leak leaves something behind.
func leak(what string) {
	switch what {
	case "goroutine":
		go func() { select {} }()
	case "file":
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		leaked = append(leaked, r, w) // else they are closed with the garbage
	}
}

var leaked []*os.File

func TestWhatIsLeftBehindIsFound(t *testing.T) {
	t.Parallel()
	for what, says := range map[string]string{"goroutine": "found unexpected goroutines", "file": "found unexpected files"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onNATS, seed())
			r.end(10)
			source := r.source("--leak", what)
			source.wait(1)
			if source.said(says) == 0 {
				t.Errorf("it does not say %q: %s", says, source.output.String())
			}
		})
	}
}
