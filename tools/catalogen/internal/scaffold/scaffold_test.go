package scaffold

import (
	"encoding/json"
	"errors"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrite(t *testing.T) {
	for _, kind := range []string{"source", "sink"} {
		t.Run(kind, func(t *testing.T) {
			root := t.TempDir()
			name := "my-system-" + kind
			folder, err := Write(root, kind, name)
			if err != nil {
				t.Fatal(err)
			}
			if want := "connectors/" + kind + "s/" + name; folder != want {
				t.Errorf("folder %s, want %s", folder, want)
			}
			dir := filepath.Join(root, folder)
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			if diff := cmp.Diff([]string{"Makefile", "README.md", "main.go", "main_test.go", name + ".bats"}, names); diff != "" {
				t.Error(diff)
			}
			for _, file := range []string{"main.go", "main_test.go"} {
				text, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				formatted, err := format.Source(text)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				if diff := cmp.Diff(string(formatted), string(text)); diff != "" {
					t.Errorf("%s is not formatted:\n%s", file, diff)
				}
			}
			if _, err := Write(root, kind, name); !errors.Is(err, ErrTaken) {
				t.Errorf("a folder that is there: %v", err)
			}
		})
	}
}

func TestWriteRefusesNames(t *testing.T) {
	tooLong := strings.Repeat("x", 65-len("-source")) + "-source"
	if _, err := Write(t.TempDir(), "source", tooLong[1:]); err != nil {
		t.Errorf("the longest name: %v", err)
	}
	for _, name := range []string{tooLong, "", "x", "x-sink", "X-source", "../x-source", "x;id-source", "-o-source", "x--y-source", "x_y-source"} {
		if _, err := Write(t.TempDir(), "source", name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestTemplatesPassTheirTests compiles both templates against common as it is now, through an overlay, so that nothing is
// written into the repository.
func TestTemplatesPassTheirTests(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two connectors; run without -short")
	}
	repository, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	root, overlay := t.TempDir(), map[string]map[string]string{"Replace": {}}
	var packages []string
	for _, kind := range []string{"source", "sink"} {
		folder, err := Write(root, kind, "overlay-of-a-test-"+kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"main.go", "main_test.go"} {
			overlay["Replace"][filepath.Join(repository, folder, file)] = filepath.Join(root, folder, file)
		}
		packages = append(packages, "./"+folder)
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(root, "bin") + string(filepath.Separator)
	// With the flags of what make builds, so that the rest is not compiled once more.
	t.Setenv("CGO_ENABLED", "0")
	run(t, repository, "go", append([]string{"test", "-c", "-vet=off", "-trimpath", "-ldflags=-s", "-o", bin, "-overlay", file}, packages...)...)
	for _, kind := range []string{"source", "sink"} {
		run(t, root, bin+"overlay-of-a-test-"+kind+".test")
	}
}

func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, output)
	}
}
