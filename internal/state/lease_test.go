package state

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// holdVariable makes this test binary a process that holds the lease on the file that it names, until it is killed.
const holdVariable = "PATCHBAY_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdVariable); path != "" {
		if err := NewFile(path).Acquire(context.Background(), nil); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test is gone
	}
	os.Exit(m.Run())
}

func TestTheLeaseOfAKilledProcessIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	f := NewFile(path)
	var told []HeldError
	err = Acquire(t.Context(), f, time.Second, nil, func(held *HeldError) error {
		if told = append(told, *held); len(told) == 2 {
			return cmd.Process.Kill()
		}
		return nil
	})
	_ = cmd.Wait() // it was killed
	if err != nil || len(told) < 2 || told[0].Holder.PID != cmd.Process.Pid {
		t.Errorf("Acquire = %v, told of %+v", err, told)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestAcquireEndsWithItsContextAndWithTheErrorOfItsCaller(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	open(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	err := Acquire(ctx, NewFile(path), time.Second, nil, func(*HeldError) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire = %v after its context has ended", err)
	}
	var held *HeldError
	if err := Acquire(t.Context(), NewFile(path), time.Second, nil, IfDead); !errors.As(err, &held) {
		t.Errorf("Acquire = %v; want that it is held by one that is alive", err)
	}
}

func TestHolderNamesTheProcess(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name, in, want string
	}{
		{"all of it", `{"host":"h","pid":7,"since":"2026-01-02T03:04:05Z"}`, "process 7 on h, since " + since.Format(time.RFC3339)},
		{"damage", `{"host":`, "a process that did not say its name"},
		{"nothing", ``, "a process that did not say its name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReadHolder([]byte(tt.in)).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
