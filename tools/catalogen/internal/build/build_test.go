package build

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// module makes a module of its own with files by path, and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func folder(root, name string) discover.Folder {
	return discover.Folder{Name: name, Path: name, Dir: filepath.Join(root, name), Go: true}
}

func TestAllBlamesOnlyWhatDoesNotBuild(t *testing.T) {
	root := module(t, map[string]string{
		"a-source/main.go": "package main\n\nfunc main() {}\n",
		"b-source/main.go": "package main\n\nfunc main() { undefined() }\n",
	})
	bin := t.TempDir()
	a, b := folder(root, "a-source"), folder(root, "b-source")
	stale := Path(bin, b)
	if err := os.WriteFile(stale, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	broken, err := All(t.Context(), root, bin, []discover.Folder{a, b})
	if err != nil || len(broken) != 1 || !strings.Contains(broken["b-source"].Message, "undefined") {
		t.Errorf("%v, %v", broken, err)
	}
	if err := Executable(Path(bin, a), a); err != nil {
		t.Errorf("the other is not built: %v", err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Error("a stale program is left")
	}
}

func TestRemedyNamesTheMissingModule(t *testing.T) {
	for _, tt := range []struct{ message, want string }{
		{"main.go:8:2: cannot find module providing package example.com/a/b: import lookup disabled by -mod=readonly", "go get example.com/a/b,"},
		{"main.go:8:2: no required module provides package example.com/a; to add it:\n\tgo get example.com/a", "go get example.com/a,"},
		{"main.go:8:2: undefined: x", "go build ./x"},
	} {
		if got := Remedy(tt.message, "go build ./x"); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", tt.message, got)
		}
	}
}

func TestAllBlamesADriverAlone(t *testing.T) {
	root := module(t, map[string]string{
		"connectors/sources/generate-source/main.go": "package main\n\nfunc main() { undefined() }\n",
		"a-source/main.go":                           "package main\n\nfunc main() {}\n",
	})
	driver := discover.Folder{Name: "generate-source", Path: "connectors/sources/generate-source", Go: true}
	broken, err := All(t.Context(), root, t.TempDir(), []discover.Folder{folder(root, "a-source"), driver})
	if err != nil || len(broken) != 1 || broken["generate-source"].Rule != "build" {
		t.Errorf("%v, %v", broken, err)
	}
}

func TestTestsIsSilentAboutWhatDoesNotCompile(t *testing.T) {
	root := module(t, map[string]string{
		"a-source/main.go":      "package main\n\nfunc main() {}\n",
		"a-source/main_test.go": "package main\n\nvar _ = undefined\n",
	})
	if err := Tests(t.Context(), root, []discover.Folder{folder(root, "a-source")}); err != nil {
		t.Error(err)
	}
}

func TestTestsAreCompiledBelowAFolderToo(t *testing.T) {
	root := module(t, map[string]string{
		"a-source/main.go":           "package main\n\nfunc main() {}\n",
		"a-source/part/part_test.go": "package part\n",
		"b-source/run.sh":            "",
	})
	got := testPackages([]discover.Folder{folder(root, "a-source"), folder(root, "b-source")})
	if want := []string{"./a-source/..."}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	makefile, err := os.ReadFile("../../../../connectors/connector.mk")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(makefile), "-- ./...\n") {
		t.Error("connectors/connector.mk runs other tests than those that are compiled")
	}
}

func TestGoBuildsTheDriversToo(t *testing.T) {
	const program = "package main\n\nfunc main() {}\n"
	root := module(t, map[string]string{
		"tools/patchbay/main.go": program, "connectors/sources/generate-source/main.go": program, "a-source/main.go": program,
	})
	bin := t.TempDir()
	if err := Go(t.Context(), root, bin, []discover.Folder{folder(root, "a-source")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"patchbay", "generate-source", "a-source"} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestGoIgnoresTheUsersFlags(t *testing.T) {
	t.Setenv("GOFLAGS", "-tags=mine")
	root := module(t, map[string]string{
		"a-source/main.go": "package main\n\nfunc main() {}\n",
		"a-source/mine.go": "//go:build mine\n\npackage main\n\nfunc init() { undefined() }\n",
	})
	if err := Go(t.Context(), root, t.TempDir(), []discover.Folder{folder(root, "a-source")}); err != nil {
		t.Error(err)
	}
}

func TestOwn(t *testing.T) {
	tests := []struct {
		name, rule string
		want       string // in the error; empty for none
	}{
		{"leaves the program at BIN", "\t@cp Makefile '$(BIN)' && chmod +x '$(BIN)'\n", ""},
		{"does not pass for what an earlier build left", "\t@true\n", "the build left no executable program at $(BIN)"},
		{"knows nothing of a make around it", "\t@echo \"flags $(MAKEFLAGS)\"; false\n", "flags  --no-print-directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("MAKEFLAGS", "k")
			root := module(t, map[string]string{"a-source/Makefile": "build:\n" + tt.rule})
			bin, f := t.TempDir(), folder(root, "a-source")
			if err := os.WriteFile(Path(bin, f), nil, 0o755); err != nil {
				t.Fatal(err)
			}
			home, err := proc.NewHome()
			if err != nil {
				t.Fatal(err)
			}
			defer home.Remove()
			err = Own(t.Context(), bin, f, home)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTestsAreCompiledWithTheFlagsOfTheScriptThatRunsThem(t *testing.T) {
	script, err := os.ReadFile("../../../../test/gotest.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, commands, _ := strings.Cut(string(script), "set -euo pipefail")
	for _, flag := range []string{"-race", "-trimpath", "-tags", "-cover", "-gcflags", "-asan", "-msan"} {
		if slices.Contains(testFlags, flag) != strings.Contains(commands, flag) {
			t.Errorf("one of test/gotest.sh and testFlags has %s, and the other has not", flag)
		}
	}
}
