package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/localbroker"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"patchbay": main, "locate": locate})
}

// locate stands for a connector: it finds or starts the broker and prints where it is.
func locate() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	e, err := broker.Locate(ctx, broker.SystemEnv())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(e.URL, e.PID)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await-broker": awaitBroker,
			"await-end":    awaitEnd,
		},
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "TMPDIR"} {
				dir := filepath.Join(env.WorkDir, "."+name)
				if err := os.Mkdir(dir, 0o700); err != nil {
					return err
				}
				env.Setenv(name, dir)
			}
			path, err := program(env.Getenv("PATH"), "patchbay")
			if err != nil {
				return err
			}
			env.Setenv("PATCHBAY_BIN", path)
			env.Defer(func() { endBroker(t, env.Getenv) })
			return nil
		},
	})
}

// program finds where testscript has put a program.
func program(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if p := filepath.Join(dir, name); exists(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s", name, path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func surroundings(getenv func(string) string) broker.Env {
	return broker.Env{Getenv: getenv, UID: os.Getuid(), TempDir: getenv("TMPDIR")}
}

func storeOf(getenv func(string) string) string {
	return filepath.Join(getenv("XDG_DATA_HOME"), "patchbay", "broker")
}

// endBroker ends what a script has left running.
func endBroker(t *testing.T, getenv func(string) string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	e, err := broker.Find(ctx, surroundings(getenv))
	if err != nil {
		return
	}
	p, err := os.FindProcess(e.PID)
	if err != nil {
		t.Error(err)
		return
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	if err := localbroker.AwaitEnd(ctx, e); err != nil {
		t.Error(err)
	}
}

// awaitBroker blocks until a broker started in the background can be found.
func awaitBroker(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: await-broker")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		_, err := broker.Find(ctx, surroundings(ts.Getenv))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			ts.Fatalf("no broker: %v", err)
		}
	}
}

// awaitEnd blocks until no broker holds the data.
func awaitEnd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: await-end")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	lock, err := broker.WaitLock(ctx, filepath.Join(storeOf(ts.Getenv), "lock"))
	ts.Check(err)
	ts.Check(lock.Unlock())
}
