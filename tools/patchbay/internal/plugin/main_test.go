package plugin_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1test"
)

// partVariable makes the test binary play a part: the host, `patchbay plugin`, or a connector. Their processes start each
// other, and each sets the part of the next.
const partVariable = "PLUGIN_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(partVariable) {
	case "host":
		os.Setenv(partVariable, "plugin")
		os.Exit(c1test.Main(os.Args[1:]))
	case "plugin":
		os.Exit(serve())
	case "source":
		common.RunSource(common.Info{
			Name: "numbers-source", Version: "0.1.0", Category: "Testing", Description: "Sends numbers.", Resumes: true,
		}, &numbers{})
	case "sink":
		common.RunSink(common.Info{
			Name: "lines-sink", Version: "0.1.0", Category: "Testing", Description: "Takes anything.",
		}, &nothing{})
	}
	goleak.VerifyTestMain(m)
}

// serve is `patchbay plugin`, with its settings in the environment.
func serve() int {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	part := os.Getenv("PLUGIN_CONNECTOR")
	if part == "" {
		part = "source"
	}
	size, err := strconv.Atoi(os.Getenv("PLUGIN_PAGE"))
	if err != nil {
		size = 100
	}
	err = plugin.Run(context.Background(), plugin.Config{
		Connector: self, Args: os.Args[1:], Env: append(os.Environ(), partVariable+"="+part, "GORACE=atexit_sleep_ms=0"),
		Settings: plugin.Settings{PageSize: size, RemoteID: os.Getenv("PLUGIN_ID")}, State: os.Getenv("PLUGIN_STATE"), Stderr: os.Stderr,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// numbers sends the numbers up to Count; those that Drop divides are deletes.
type numbers struct {
	Count int    `help:"The last number." default:"5" min:"0"`
	Drop  int    `help:"What divides the numbers to delete; 0 for none." default:"0"`
	Fail  string `help:"Fail with this text at the end." default:""`
	Stay  bool   `help:"Do not end."`
	Pid   string `help:"File that gets the process id." default:""`
	Large int    `help:"Bytes to add to each value." default:"0"`
}

func (n *numbers) Run(ctx context.Context, out common.Output) error {
	out.Ready()
	if n.Pid != "" {
		if err := os.WriteFile(n.Pid, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return common.Permanent(err)
		}
	}
	at, _ := strconv.Atoi(out.Position(""))
	for at < n.Count {
		at++
		text := strconv.Itoa(at)
		rec := common.Record{
			Key: "k" + text, Position: text, Subject: "number", Headers: map[string]string{"h": text},
			Value: []byte(`{"n": ` + text + `,"pad":"` + strings.Repeat("x", n.Large) + `"}`),
		}
		if n.Drop > 0 && at%n.Drop == 0 {
			rec.Op, rec.Value = record.Delete, nil
		}
		if err := out.Send(ctx, rec); err != nil {
			return err
		}
	}
	if n.Fail != "" {
		return common.Permanent(errors.New(n.Fail))
	}
	if n.Stay {
		<-ctx.Done()
	}
	return nil
}

// nothing is a sink.
type nothing struct{}

func (*nothing) Run(context.Context, common.Input) error { return nil }

// A peer is a host in a process of its own.
type peer struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr *bytes.Buffer
	temp   string
}

// start starts a host with flags of its own, and further variables.
func start(t *testing.T, env []string, args ...string) *peer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(args, "--") {
		args = append(args, "--", self)
	}
	p := &peer{t: t, cmd: exec.Command(self, args...), stderr: &bytes.Buffer{}, temp: t.TempDir()}
	p.cmd.Env = append(os.Environ(), partVariable+"=host", "TMPDIR="+p.temp, "GORACE=atexit_sleep_ms=0")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("the host's log:\n%s", p.stderr)
		}
	})
	return p
}

// line returns the next line of the host; ok is false at the end.
func (p *peer) line() (l c1test.Line, ok bool) {
	p.t.Helper()
	text, err := p.out.ReadBytes('\n')
	if err == io.EOF {
		return l, false
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &l); err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
	return l, true
}

// result is all that a host was given.
type result struct {
	pages    []int // their sizes
	ids      []string
	contents []string
	cleans   int // and whether they came first, as first says
	first    string
	end      map[string]any
	err      string
	code     string
}

// run makes one sync.
func run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	p := start(t, env, args...)
	var r result
	for l, ok := p.line(); ok; l, ok = p.line() {
		switch {
		case l.Clean:
			r.cleans++
			if r.first == "" {
				r.first = "clean"
			}
		case l.Page != nil:
			if r.first == "" {
				r.first = "page"
			}
			r.pages = append(r.pages, len(l.Page))
			for _, o := range l.Page {
				r.ids = append(r.ids, o.RemoteId)
				r.contents = append(r.contents, o.ResourceName+" "+o.Metadata)
			}
		case l.End != nil:
			if err := json.Unmarshal(l.End, &r.end); err != nil {
				t.Fatal(err)
			}
		default:
			r.err, r.code = l.Error, l.Code
		}
	}
	left, err := filepath.Glob(filepath.Join(p.temp, "patchbay-plugin-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
	return r
}

// number reads a process id.
func number(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func kill(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Kill(number(t, path), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// alive reports whether a process runs.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

func parentOf(t *testing.T, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	parent, err := strconv.Atoi(strings.Fields(rest)[1])
	if err != nil {
		t.Fatal(err)
	}
	return parent
}
