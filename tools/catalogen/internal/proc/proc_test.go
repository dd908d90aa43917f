package proc

import (
	"context"
	"errors"
	"os"
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

func TestRunNamesAProgramThatIsNotThere(t *testing.T) {
	_, err := Run(context.Background(), Spec{Argv: []string{"/no/such/program"}, Deadline: time.Second, MaxStdout: 1, MaxStderr: 1})
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("error %v", err)
	}
}
