package proc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func spec(script string) Spec {
	return Spec{
		Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")},
		Deadline: time.Minute, MaxStdout: 1 << 20, MaxStderr: 1 << 20,
	}
}

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		script string
		change func(*Spec)
		status int
		stdout string
		err    error
	}{
		{name: "returns what is printed", script: "echo out; echo err >&2", stdout: "out\n"},
		{name: "returns the status without an error", script: "exit 3", status: 3},
		{name: "gives only the environment that is named", script: "echo ${HOME-none}", stdout: "none\n"},
		{name: "gives an empty input", script: "cat; echo end", stdout: "end\n"},
		{
			name: "ends a program that ignores TERM at the deadline", script: "trap '' TERM; while :; do sleep 1; done",
			change: func(s *Spec) { s.Deadline = 300 * time.Millisecond }, status: -1, err: ErrDeadline,
		},
		{name: "ends a program that prints too much", script: "yes", change: func(s *Spec) { s.MaxStdout = 1000 }, status: -1, err: ErrTooMuch},
		{name: "ends a program that complains too much", script: "yes >&2", change: func(s *Spec) { s.MaxStderr = 1000 }, status: -1, err: ErrTooMuch},
		{name: "accepts output at the limit", script: "printf 12345", change: func(s *Spec) { s.MaxStdout = 5 }, stdout: "12345"},
		{name: "refuses one byte more", script: "printf 123456; sleep 10", change: func(s *Spec) { s.MaxStdout = 5 }, status: -1, err: ErrTooMuch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := spec(tt.script)
			if tt.change != nil {
				tt.change(&s)
			}
			result, err := Run(context.Background(), s)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if result.Status != tt.status {
				t.Errorf("status %d, want %d", result.Status, tt.status)
			}
			if tt.err == nil && string(result.Stdout) != tt.stdout {
				t.Errorf("stdout %q, want %q", result.Stdout, tt.stdout)
			}
		})
	}
}

// A child that is left behind would hold the output open and outlive the build.
func TestRunLeavesNoChild(t *testing.T) {
	start := time.Now()
	result, err := Run(context.Background(), spec("sleep 600 & echo $!"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(result.Stdout)))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("waited %s for the child", took)
	}
	for deadline := time.Now().Add(10 * time.Second); alive(pid); {
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives on", pid)
		}
	}
}

// alive tells whether a process runs; one that is dead and not yet collected does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, spec("sleep 600")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
}

// A suite has servers to stop and folders to remove. Its own process ends at once here, and what it started a little later.
func TestRunGivesTheWholeGroupAGrace(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s := spec(`(trap 'sleep 0.3; echo clean >` + mark + `; exit' TERM; echo ready; while :; do sleep 0.05; done) >&2 & trap 'exit 1' TERM; wait`)
	s.Deadline, s.Grace = 500*time.Millisecond, time.Minute
	started := time.Now()
	if _, err := Run(context.Background(), s); !errors.Is(err, ErrDeadline) {
		t.Errorf("error %v, want %v", err, ErrDeadline)
	}
	if text, err := os.ReadFile(mark); err != nil || string(text) != "clean\n" {
		t.Errorf("the child was not let end: %q, %v", text, err)
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("waited %s although all had ended", took)
	}
}

func TestRunKillsWhatOutlivesItsGrace(t *testing.T) {
	s := spec("trap '' TERM; while :; do sleep 1; done")
	s.Deadline, s.Grace = 100*time.Millisecond, 200*time.Millisecond
	if _, err := Run(context.Background(), s); !errors.Is(err, ErrDeadline) {
		t.Errorf("error %v, want %v", err, ErrDeadline)
	}
}

func TestRunIsHurried(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	hurry, now := context.WithCancel(context.Background())
	dir := t.TempDir()
	s := spec("trap 'touch " + dir + "/asked' TERM; touch " + dir + "/ready; while :; do sleep 0.05; done")
	s.Grace = time.Hour
	ended := make(chan error)
	go func() {
		_, err := Run(WithHurry(ctx, hurry), s)
		ended <- err
	}()
	await(t, dir+"/ready")
	cancel()
	await(t, dir+"/asked")
	now()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// await waits for a file.
func await(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(groupPoll) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

func TestEnvironKeepsWhatIsForUsAlone(t *testing.T) {
	t.Setenv("MAKEFLAGS", "-j8")
	t.Setenv("PATCHBAY_BIN_DIR", "/elsewhere")
	t.Setenv("GOFLAGS", "-tags=mine")
	s := spec(`echo "${MAKEFLAGS-none} ${PATCHBAY_BIN_DIR-none} $GOFLAGS $MORE ${HOME+home}"`)
	t.Setenv("HOME", "/")
	s.Env = Environ("MORE=more")
	result, err := Run(context.Background(), s)
	if want := "none none -mod=readonly more home\n"; err != nil || string(result.Stdout) != want {
		t.Errorf("got %q, %v; want %q", result.Stdout, err, want)
	}
}

func TestRunNamesAProgramThatIsNotThere(t *testing.T) {
	_, err := Run(context.Background(), Spec{Argv: []string{"/no/such/program"}, Deadline: time.Second, MaxStdout: 1, MaxStderr: 1})
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("error %v", err)
	}
}

func TestRunPassesOnWhatItHears(t *testing.T) {
	var heard strings.Builder
	s := spec("echo silence >&2; echo one; echo two")
	s.Tee = &heard
	if result, err := Run(t.Context(), s); err != nil || heard.String() != "one\ntwo\n" || string(result.Stdout) != heard.String() {
		t.Errorf("heard %q, %v", heard.String(), err)
	}
}

func TestRunAsksWithTheGivenSignal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := spec("trap 'exit 7' INT; echo ready; while :; do sleep 0.05; done")
	s.Grace, s.Ask, s.Tee = time.Minute, syscall.SIGINT, writer(func([]byte) { cancel() })
	if result, err := Run(ctx, s); !errors.Is(err, context.Canceled) || result.Status != 7 {
		t.Errorf("status %d, %v", result.Status, err)
	}
}

// A writer is a function that takes what is written.
type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestRunHandsOverADescriptor(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s := spec("echo three >&3")
	s.Extra = w
	if _, err := Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 10)
	if n, err := r.Read(text); err != nil || string(text[:n]) != "three\n" {
		t.Errorf("%q, %v", text[:n], err)
	}
}

func TestRunTellsTheCost(t *testing.T) {
	result, err := Run(t.Context(), spec("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"))
	if err != nil || result.CPU <= 0 {
		t.Errorf("%v of CPU, %v", result.CPU, err)
	}
}

func TestAnIsolatedProgramHasNoNetworkAndNoPowers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	s := spec("tail -n +3 /proc/net/dev | cut -d: -f1; touch file 2>/dev/null && echo written; exit 0")
	s.Offline, s.Powerless, s.Dir = true, true, dir
	result, err := Run(t.Context(), s)
	if errors.Is(err, ErrIsolation) {
		t.Skip(err)
	}
	if err != nil || strings.Trim(string(result.Stdout), " \n") != "lo" {
		t.Errorf("%q %q, %v", result.Stdout, result.Stderr, err)
	}
}
