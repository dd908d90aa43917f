package faults_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait.
const patience = 40 * time.Second

// await blocks until ok holds, and fails the test when that takes too long.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !awaitFor(patience, ok) {
		t.Fatalf("in vain for %v: %s", patience, what)
	}
}

func awaitFor(limit time.Duration, ok func() bool) bool {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); !ok(); <-ticker.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// A process plays a part.
type process struct {
	t      *testing.T
	part   string
	cmd    *exec.Cmd
	output output
	ended  chan struct{}
	status int // once ended is closed; -1 for a signal
}

// An output gathers what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// lean is a file in the home of processes whose memory is to be what they hold, and not garbage. Only a test that looks at their
// memory makes it, because they collect garbage most of the time.
const lean = "lean"

// start starts the test binary in a part, at home in a folder. It is killed at the end of the test if it still runs.
func start(t *testing.T, home, part string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, home, part, exec.Command(exe, args...))
}

// launch starts a program as start does. The part means something to the test binary only; for others it is their name.
func launch(t *testing.T, home, part string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, part: part, cmd: cmd, ended: make(chan struct{})}
	p.cmd.Dir = home
	p.cmd.Env = []string{
		partVariable + "=" + part, "HOME=" + home, "PATH=" + os.Getenv("PATH"),
		"GORACE=halt_on_error=1 atexit_sleep_ms=100", // or each process rests for a second before it ends
	}
	if _, err := os.Stat(filepath.Join(home, lean)); err == nil {
		p.cmd.Env = append(p.cmd.Env, "GOGC=10")
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if _, err := p.cmd.StdinPipe(); err != nil { // open until Wait has returned, or this process is gone
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		err := p.cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			p.status = exit.ExitCode()
		} else if err != nil {
			p.status = -2
		}
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() || *logs {
			t.Logf("--- %s %s\n%s", part, strings.Join(cmd.Args[1:], " "), tail(p.output.String(), 4000))
		}
		if strings.Contains(p.output.String(), "WARNING: DATA RACE") {
			t.Errorf("%s: a data race\n%s", part, p.output.String())
		}
	})
	return p
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %v to the %s: %v", s, p.part, err)
	}
}

// kill ends the process as kill -9 does, and waits for its end.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// wait waits for the process to end by itself and wants the status.
func (p *process) wait(status int) {
	p.t.Helper()
	if !awaitFor(patience, func() bool { return !p.running() }) {
		p.t.Fatalf("the %s does not end", p.part)
	}
	if p.status != status {
		p.t.Fatalf("the %s ended with status %d, want %d: %s", p.part, p.status, status, tail(p.output.String(), 2000))
	}
}

// stop asks the process to end, as SIGTERM does, and wants a status within the grace time.
func (p *process) stop(status int, grace time.Duration) {
	p.t.Helper()
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	p.wait(status)
	if took := time.Since(begun); took > grace+time.Second {
		p.t.Errorf("the %s took %v to end", p.part, took)
	}
}

// says waits for the process to print something n times in all.
func (p *process) says(text string, n int) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("the %s says %q %d times", p.part, text, n), func() bool { return p.said(text) >= n })
}

// said counts how often the process has printed something.
func (p *process) said(text string) int { return strings.Count(p.output.String(), text) }

func (p *process) pid() int { return p.cmd.Process.Pid }

// memory returns the resident memory of a process in bytes.
func memory(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatalf("no resident memory: %v", err)
	}
	return kib << 10
}
