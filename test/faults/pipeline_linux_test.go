package faults_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// parameters are those of a source or a sink in a pipeline file.
type parameters map[string]any

// A pipeline is one that a test runs, more than once perhaps.
type pipeline struct {
	*rig
	source, sink parameters
	transforms   []map[string]string // of the source
	folder       string              // of the state
}

// pipeline makes a pipeline whose source and sink are like those that the rig starts. It ends with the test, and so do its
// connectors.
func (r *rig) pipeline() *pipeline {
	r.Helper()
	r.Cleanup(func() { r.deserted() })
	return &pipeline{
		rig: r, folder: r.path("positions"),
		source: parameters{"ledger": r.sent.path, "until": r.path("until"), "max-in-flight": inFlight},
		sink: parameters{
			"ledger": r.written.path, "hold": r.path("hold"), "stall": r.path("stall"), "max-in-flight": inFlight, "idempotent": false,
		},
	}
}

// start starts patchbay with the pipeline.
func (p *pipeline) start() *process {
	p.Helper()
	file := map[string]any{
		"name": "numbers", "dead_letter": map[string]string{"file": p.path("dead")},
		"source": map[string]any{"type": p.program(linkedSource), "parameters": p.source, "transforms": p.transforms},
		"sink":   map[string]any{"type": p.program(linkedSink), "parameters": p.sink},
	}
	if len(p.transforms) == 0 {
		delete(file["source"].(map[string]any), "transforms")
	}
	text, err := json.Marshal(file)
	if err != nil {
		p.Fatal(err)
	}
	p.write("numbers.json", text)
	cmd := exec.Command(patchbay(p.T), "run", "--state", p.folder, "--shutdown-timeout", p.grace.String(),
		"--max-in-flight", strconv.Itoa(inFlight), p.path("numbers.json"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // as outlive for a part
	return launch(p.T, p.dir, "patchbay", cmd)
}

// program is a path at which the test binary plays a part by its name.
func (p *pipeline) program(name string) string {
	p.Helper()
	exe, err := os.Executable()
	if err == nil {
		err = os.Symlink(exe, p.path(name))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		p.Fatal(err)
	}
	return p.path(name)
}

// finish lets the source come to its end, which ends the pipeline, and judges.
func (p *pipeline) finish(running *process) outcome {
	p.Helper()
	last := 0
	for _, n := range p.sent.read(p.T).highest("sent") {
		last = max(last, n)
	}
	p.end(last + 100)
	running.wait(0)
	p.deserted()
	return compare(p.sent.read(p.T), p.written.read(p.T))
}

// connector returns the process that has begun last to write to a ledger. It fails the test unless patchbay has started it.
func (p *pipeline) connector(l *ledger, running *process) int {
	p.Helper()
	var pid int
	for _, line := range l.read(p.T).lines {
		if text, ok := strings.CutPrefix(line, "runs "); ok {
			pid = number(text)
		}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		p.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name are the state and the parent
	if parent := strings.Fields(rest)[1]; number(parent) != running.pid() {
		p.Fatalf("process %d is a child of %s, not of patchbay, which is %d", pid, parent, running.pid())
	}
	return pid
}

// killConnector kills the process that writes to a ledger as kill -9 does, and waits until patchbay knows.
func (p *pipeline) killConnector(l *ledger, side string, running *process) {
	p.Helper()
	notice := "the " + side + " has ended, starting it again"
	before := running.said(notice)
	if err := syscall.Kill(p.connector(l, running), syscall.SIGKILL); err != nil {
		p.Fatal(err)
	}
	running.says(notice, before+1)
}

// deserted waits until no process of the pipeline is left.
func (r *rig) deserted() {
	r.Helper()
	var left []byte
	if !awaitFor(patience, func() bool { left = argumentsOf(r.T, r.dir); return left == nil }) {
		r.Errorf("a process is left: %q", left)
	}
}

// argumentsOf returns the arguments of a process that has a path below a folder among them; nil where there is none.
func argumentsOf(t *testing.T, folder string) []byte {
	t.Helper()
	lists, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if text, err := os.ReadFile(list); err == nil && bytes.Contains(text, []byte(folder+"/")) {
			return text
		}
	}
	return nil
}

// patchbay returns the path of the program, built as the test is.
func patchbay(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("patchbay is built by the go command, which is not in PATH")
	}
	path, err := buildPatchbay()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildPatchbay = sync.OnceValues(func() (string, error) {
	const source = "../../tools/patchbay"
	// What a test asks about files is what go test compares before it takes a result from its cache.
	err := filepath.WalkDir(source, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if programs, err = os.MkdirTemp("", "faults-"); err != nil {
		return "", err
	}
	path := filepath.Join(programs, "patchbay")
	args := []string{"build", "-ldflags=-s", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, source)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build patchbay: %w\n%s", err, out)
	}
	return path, nil
})

// with returns the parameters and some more.
func (p parameters) with(more parameters) parameters {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}
