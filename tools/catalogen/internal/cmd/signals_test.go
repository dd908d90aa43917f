package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A suite that does not end when it is asked would keep somebody who presses Ctrl-C twice for as long as its grace.
func TestOnSignalsKillsWithTheSecond(t *testing.T) {
	ctx := OnSignals(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	ended := make(chan error, 1)
	go func() {
		_, err := proc.Run(ctx, proc.Spec{
			Argv:     []string{"/bin/sh", "-c", "trap '' TERM; touch " + ready + "; while :; do sleep 0.05; done"},
			Env:      []string{"PATH=" + os.Getenv("PATH")},
			Deadline: time.Hour, Grace: time.Hour, MaxStdout: 1, MaxStderr: 1 << 10,
		})
		ended <- err
	}()
	for _, err := os.Stat(ready); errors.Is(err, fs.ErrNotExist); _, err = os.Stat(ready) {
		if t.Context().Err() != nil {
			t.Fatal("it does not start")
		}
	}
	interrupt := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	<-ctx.Done()
	interrupt()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it lives on")
	}
}
