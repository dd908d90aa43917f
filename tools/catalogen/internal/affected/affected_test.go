package affected

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// since returns what is affected, each as "NAME: REASON; REASON".
func since(t *testing.T, root, ref string) []string {
	t.Helper()
	connectors, err := Since(t.Context(), root, ref)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, c := range connectors {
		lines = append(lines, c.Folder.Name+": "+strings.Join(c.Reasons, "; "))
	}
	return lines
}

// each is the same reason for connectors.
func each(reason string, names ...string) []string {
	lines := []string{}
	for _, name := range names {
		lines = append(lines, name+": "+reason)
	}
	return lines
}

func TestSince(t *testing.T) {
	root, run := repository(t)
	edit := func(name, text string) func(*testing.T) {
		return func(t *testing.T) { t.Helper(); put(t, root, name, text) }
	}
	remove := func(name string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := func(reason string) []string { return each(reason, "a-source", "b-sink", "c-source") }
	tests := []struct {
		name   string
		change func(*testing.T)
		want   []string
	}{
		{"nothing", func(*testing.T) {}, []string{}},
		{"a connector's program", edit(a+"main.go", sources[a+"main.go"]+"// x\n"), each(a+"main.go has changed", "a-source")},
		{"a file that is new in a connector's folder", edit(c+"x y", ""), each(c+"x y was added", "c-source")},
		{"a file that is gone from there", remove(a + "main_test.go"), []string{
			"a-source: " + a + "main_test.go was removed; common/commontest/commontest.go was removed",
		}},
		{"whether a file may be run", func(t *testing.T) {
			if err := os.Chmod(filepath.Join(root, c, "Makefile"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, each(c+"Makefile has changed", "c-source")},
		{"common", edit("common/common.go", sources["common/common.go"]+"// x\n"), each("common/common.go has changed", "a-source", "b-sink")},
		{"a file that common embeds", edit("common/text.txt", "bye"), each("common/text.txt has changed", "a-source", "b-sink")},
		{"such a file when it loses its tags", edit("common/tagged.go", "package common\n"), each("common/tagged.go was added", "a-source", "b-sink")},
		{"what only a test imports", edit("common/commontest/commontest.go", "package commontest\n\n// x\n"), each("common/commontest/commontest.go has changed", "a-source")},
		{
			"the version of a module that one links", func(*testing.T) { run("go", "get", "example.com/dep@v1.1.0") },
			each("module example.com/dep went from v1.0.0 to v1.1.0", "a-source"),
		},
		{"a module that lies in the repository", edit("near/near.go", "package near\n\n// x\n"), each("near/near.go has changed", "b-sink")},
		{"the language", func(*testing.T) { run("go", "mod", "edit", "-go=1.25") }, all("go went from 1.26 to 1.25")},
		{"the makefile that others include", edit("connectors/connector.mk", "test: x\nx:\n"), all("connectors/connector.mk has changed")},
		{"a makefile that one includes where it is there", edit("local.make", "X := 1\n"), each("local.make was added", "b-sink")},
		{"a helper of tests", edit("test/helper.bash", "# x\n"), all("test/helper.bash has changed")},
		{"a server", edit("test/servers/pond.bash", "# x\n"), all("test/servers/pond.bash has changed")},
		{"a program that tests run", edit("tools/patchbay/main.go", sources["tools/patchbay/main.go"]+"// x\n"), all("tools/patchbay/main.go has changed")},
		{"the gate", edit("tools/catalogen/internal/rules/rules.go", "package rules\n\n// x\n"), all("the gate: tools/catalogen/internal/rules/rules.go has changed")},
		{
			"what validates for the gate", edit("common/metadata/schema/schema.go", sources["common/metadata/schema/schema.go"]+"// x\n"),
			all("the gate: common/metadata/schema/schema.go has changed"),
		},
		{"everything that is no input", func(t *testing.T) {
			for name, text := range map[string]string{
				"docs/guide.md": "# other\n", "README.md": "# other\n", "test/own.bats": "# other\n", // docs, and tests of no connector
				a + "README.md":                               strings.Replace(sources[a+"README.md"], "old", "new", 1), // the generated block
				a + "bin/x":                                   "x",                                                      // git ignores it
				"common/common_test.go":                       "package common\n\n// x\n",
				"common/other_windows.go":                     "package common\n\n// x\n",
				"common/tagged.go":                            sources["common/tagged.go"] + "// x\n",
				"common/metadata/schema/index.v1.json":        "{ }\n", // no program is held against it
				"tools/catalogen/internal/rules/more_test.go": "package rules\n\n// x\n",
				"tools/catalogen/internal/site/site.go":       "package site\n\n// x\n", // it only renders
			} {
				put(t, root, name, text)
			}
			remove(c)(t) // of which nothing is left to test
		}, []string{}},
		{"the prose of a README", edit(a+"README.md", "# x\n"), each(a+"README.md has changed", "a-source")},
		{"a connector that is new", func(t *testing.T) {
			put(t, root, "connectors/sinks/d-sink/Makefile", "test:\nbuild:\n")
		}, each("HEAD has no such connector", "d-sink")},
		{"an import that leads nowhere", edit(b+"x.go", "package main\n\nimport _ \"example.com/m/gone\"\n"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer run("git", "clean", "--quiet", "-dfx")
			defer run("git", "reset", "--quiet", "--hard")
			tt.change(t)
			got := since(t, root, "HEAD")
			if tt.want == nil { // in the words of the go command
				if len(got) != 1 || !strings.HasPrefix(got[0], "b-sink: go list: ") || !strings.Contains(got[0], "example.com/m/gone") {
					t.Errorf("got %q", got)
				}
				return
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// A commit is as good as an edit, and the way back is a change too.
func TestSinceOtherCommits(t *testing.T) {
	root, run := repository(t)
	put(t, root, "common/text.txt", "bye")
	run("git", "commit", "--quiet", "-am", "two")
	for _, ref := range []string{"HEAD~1", "HEAD^"} {
		if got, want := since(t, root, ref), each("common/text.txt has changed", "a-source", "b-sink"); !slices.Equal(got, want) {
			t.Errorf("since %s: got %q, want %q", ref, got, want)
		}
	}
	put(t, root, "common/text.txt", "hello")
	if got := since(t, root, "HEAD~1"); len(got) > 0 {
		t.Errorf("the same files again: %q", got)
	}

	// A hook tells its repository by variables, which must not lead the comparison to that one's index.
	run("git", "reset", "--quiet", "--hard")
	t.Setenv("GIT_DIR", filepath.Join(root, ".git"))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(root, ".git", "index"))
	put(t, root, c+"x", "")
	if got, want := since(t, root, "HEAD"), each(c+"x was added", "c-source"); !slices.Equal(got, want) {
		t.Errorf("in a hook: got %q, want %q", got, want)
	}
	if err := os.Remove(filepath.Join(root, c, "x")); err != nil {
		t.Fatal(err)
	}
	run("git", "diff", "--quiet", "HEAD")
}

func TestSinceWhatCannotBeTold(t *testing.T) {
	root, run := repository(t)
	everyOne := func(t *testing.T, got []string, reason string) {
		t.Helper()
		if len(got) != 3 {
			t.Errorf("got %q, want all", got)
		}
		for _, line := range got {
			if !strings.Contains(line, "what changed cannot be told: "+reason) {
				t.Errorf("got %q, want %q", line, reason)
			}
		}
	}
	everyOne(t, since(t, root, "nope"), `"nope" is no commit that is known here`)
	everyOne(t, since(t, root, "--all"), `"--all" is no commit that is known here`)

	put(t, root, "go.mod", "what?\n")
	everyOne(t, since(t, root, "HEAD"), "go list: ")
	run("git", "checkout", "--quiet", "--", ".")

	run("git", "checkout", "--quiet", "-b", "bad")
	put(t, root, b+"x.go", "package main\n\nimport _ \"example.com/m/gone\"\n")
	run("git", "add", ".")
	run("git", "commit", "--quiet", "-m", "bad")
	run("git", "checkout", "--quiet", "-")
	if got := since(t, root, "bad"); len(got) != 1 || !strings.HasPrefix(got[0], "b-sink: at bad: go list: ") {
		t.Errorf("a commit in which one has no inputs: got %q", got)
	}

	put(t, root, "connectors/sources/Nope/Makefile", "")
	if _, err := Since(t.Context(), root, "HEAD"); err == nil || !strings.Contains(err.Error(), "[folder-name]") {
		t.Errorf("a folder that is no connector: %v", err)
	}
	run("git", "clean", "--quiet", "-df")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Since(ctx, root, "HEAD"); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(root, ".git")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(root))
	everyOne(t, since(t, root, "HEAD"), "there is no git history that can be read here")
}
