package pipeline

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// TestMain runs the tests, or one of the children that they start: the test binary is a source, a sink and a driver, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if child := children[os.Args[1]]; child != nil {
			if err := child(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

var children = map[string]func([]string) error{
	"fake-source": fakeSource, "fake-sink": fakeSink, "fake-driver": fakeDriver,
}

// a driven is a pipeline of fakes under test.
type driven struct {
	engine
	dir  string
	out  string // what the sink has written
	logs *hosttest.Buffer
}

// pipe joins a fake source to a fake sink, each with flags.
func pipe(t *testing.T, source, sink string) *driven {
	t.Helper()
	return pipeIn(t.TempDir(), source, sink)
}

func pipeIn(dir, source, sink string) *driven {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	d := &driven{dir: dir, out: filepath.Join(dir, "out"), logs: &hosttest.Buffer{}}
	command := func(kind, flags string) link.Command {
		args := append([]string{"fake-" + kind, "-dir", dir}, strings.Fields(flags)...)
		// With the race detector, a process would take a second to end.
		env := append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		return link.Command{Path: self, Name: "p", Args: args, Env: env, Stderr: func(line string) { fmt.Fprintln(d.logs, kind+": "+line) }}
	}
	d.engine = engine{
		Limits: Limits{
			Window: 64, MaxBytes: 1 << 20, RetryMaxWait: 20 * time.Millisecond,
			StartTimeout: 20 * time.Second, ShutdownTimeout: 5 * time.Second,
		},
		source: command("source", source), sink: command("sink", sink),
		store:   state.NewFile(filepath.Join(dir, "state")),
		metrics: observe.NewMetrics(observe.Info{Name: "p"}),
		log:     observe.NewLogger(d.logs, "info", "text"),
	}
	return d
}

// acquired takes the lease on the positions for the time of the test.
func (d *driven) acquired(t *testing.T) *driven {
	t.Helper()
	if err := d.store.(state.Leased).Acquire(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.store.Close() })
	return d
}

// written returns what the sink has written so far, whole lines only.
func (d *driven) written(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(d.out)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	return strings.Fields(string(text))
}

// fakeDriver runs a pipeline of fakes, to be killed.
func fakeDriver(args []string) error {
	f := flag.NewFlagSet("driver", flag.ContinueOnError)
	dir := f.String("dir", "", "")
	source := f.String("source", "", "")
	sink := f.String("sink", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	d := pipeIn(*dir, *source, *sink)
	ctx := context.Background()
	if err := state.Acquire(ctx, d.store.(state.Leased), time.Second, nil, func(*state.HeldError) error { return nil }); err != nil {
		return err
	}
	return d.drive(ctx)
}
