package blackbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
)

// fakeProgram is a connector whose first argument is the folder that says how it behaves.
var fakeProgram string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the fake connector and runs the tests.
func run(m *testing.M) int {
	bin, err := os.MkdirTemp("", "blackbox-")
	if err == nil {
		defer os.RemoveAll(bin)
		fakeProgram = filepath.Join(bin, fake.Program)
		err = fake.Build(context.Background(), bin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// examine prepares the examination of a fake connector with a quirk.
func examine(t *testing.T, name, quirk string, p Profile) *examiner {
	t.Helper()
	root := t.TempDir()
	if err := (fake.Folder{Path: name, Quirk: quirk}).Write(root); err != nil {
		t.Fatal(err)
	}
	return examineProgram(t, p, fakeProgram, filepath.Join(root, name))
}

// examineProgram prepares the examination of any program.
func examineProgram(t *testing.T, p Profile, argv ...string) *examiner {
	t.Helper()
	scratch := t.TempDir()
	subject, notes, err := introduce(t.Context(), argv, scratch)
	if err != nil || subject.Compiled == nil {
		t.Fatalf("no metadata: %v, %v", err, notes.problems())
	}
	return examineTarget(t, p, Target{Argv: argv, Env: probe.Env(scratch), Subject: subject, Scratch: scratch})
}

// examineTarget prepares the examination of a program whose metadata was read.
func examineTarget(t *testing.T, p Profile, target Target) *examiner {
	t.Helper()
	subject := target.Subject
	x := &examiner{
		Target: target, notebook: notebook{}, tempo: usual, profile: p, doc: subject.Document,
		options: readProperties(subject.Options, subject.Compiled),
	}
	var err error
	if x.nowhere, err = newSilence(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.nowhere.Close() })
	if problem, err := x.findBase(t.Context()); err != nil || problem != "" {
		t.Fatalf("no valid options: %s, %v", problem, err)
	}
	return x
}

// problems are what is said against the program, by the rules' ids.
func (n notebook) problems() map[string]string {
	broken := map[string]string{}
	for id, r := range n {
		for _, p := range r.Problems {
			broken[id] += p.Where + ": " + p.Message + "\n"
		}
	}
	return broken
}
