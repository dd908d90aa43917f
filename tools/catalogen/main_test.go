package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/cmd"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"catalogen": func() { os.Exit(cmd.Run(cmd.OnSignals(context.Background()), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// raced are the scripts in which this test binary is catalogen, under the race detector where that is on: those of signals and
// of what runs at a time, as TestHostile. The others run a hundred times what is raced there and in the packages' own tests;
// their catalogen is the one that users have, which takes a fraction of the time.
var raced = []string{"evidence", "folders", "interrupt", "serve"}

// TestScripts runs the command line on folders of connectors that are made up on the spot.
func TestScripts(t *testing.T) {
	bin, plain := fakeProgram(t), t.TempDir()
	if err := fake.Go(t.Context(), plain, "."); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir() // one for all: connectors that are the same need not be examined in each script
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv("XDG_CACHE_HOME", cache)
			path := []string{bin, plain, env.Getenv("PATH")}
			if slices.Contains(raced, strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")) {
				path = slices.Delete(path, 1, 2)
			}
			env.Setenv("PATH", strings.Join(path, string(filepath.ListSeparator)))
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each catalogen rests for a second before it ends
			env.Setenv("CANARY_OF_THE_PARENT", "canary-of-the-parent")
			return os.MkdirAll(env.WorkDir+"/repo", 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"connector": connector, "edit": edit, "await": await},
	})
}

// fakeProgram builds the program that the connectors call, and returns its folder.
func fakeProgram(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	if err := fake.Build(t.Context(), bin); err != nil {
		t.Fatal(err)
	}
	return bin
}

// connector makes a connector's folder: connector PATH [quirk=WORD] [test=LINE] [makefile=FILE] [metadata=FILE].
func connector(ts *testscript.TestScript, _ bool, args []string) {
	f := fake.Folder{Path: args[0]}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "quirk":
			f.Quirk = value
		case "test":
			f.Test = value
		case "makefile":
			f.Makefile = ts.ReadFile(value)
		case "metadata":
			f.Metadata = ts.ReadFile(value)
		default:
			ts.Fatalf("connector: %q", arg)
		}
	}
	ts.Check(f.Write(ts.MkAbs("repo")))
}

// edit replaces text in a file: edit FILE OLD NEW.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("edit: %s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// await waits for a file: await FILE.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("await: %s does not appear", args[0])
		}
	}
}
