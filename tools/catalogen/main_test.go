package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/cmd"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"catalogen":  func() { os.Exit(cmd.Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		fake.Program: func() { os.Exit(fake.Main(os.Args[1:])) },
	})
}

// TestScripts runs the command line on folders of connectors that are made up on the spot.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each catalogen rests for a second before it ends
			env.Setenv("CANARY_OF_THE_PARENT", "canary-of-the-parent")
			return os.MkdirAll(env.WorkDir+"/repo", 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"connector": connector, "edit": edit},
	})
}

// connector makes a connector's folder: connector PATH [program] [quirk=WORD] [test=LINE] [makefile=FILE] [metadata=FILE].
func connector(ts *testscript.TestScript, _ bool, args []string) {
	f := fake.Folder{Path: args[0]}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "program":
			f.Program = true
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
