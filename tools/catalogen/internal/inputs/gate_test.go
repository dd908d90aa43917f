package inputs

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
)

// What the running gate holds of itself is what is found of it in its repository.
func TestGateIsFoundInItsRepository(t *testing.T) {
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := Gate(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, line := range lines {
		found = append(found, strings.Fields(line)[1])
	}
	want := []string{gateSchema}
	for _, source := range gateSources {
		err := fs.WalkDir(source.files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !strings.HasSuffix(name, "_test.go") {
				want = append(want, source.folder+"/"+name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

// What the gate imports is part of it, or comes with the drivers, or decides nothing.
func TestGateIsWhatDecidesEvidence(t *testing.T) {
	const gate = "tools/catalogen/internal/"
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	var held []string
	for _, source := range gateSources[1:] {
		held = append(held, source.folder)
	}
	folders, err := fs.ReadDir(internal.Gate, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		held = append(held, gate+folder.Name())
	}
	idle := []string{gate + "change", gate + "evidence", gate + "parallel", gate + "pretty", gate + "replace"} // gate.go says why
	imported := closure(t, root, gate+"blackbox", gate+"build", gate+"probe", gate+"rules", gate+"suite")
	driven := closure(t, root, build.Drivers(root)...)
	for _, p := range imported {
		if !slices.Contains(held, p) && !slices.Contains(driven, p) && !slices.Contains(idle, p) {
			t.Errorf("the gate imports %s and does not hold it: embed it in gate.go, or say there why it decides no evidence", p)
		}
	}
	for _, p := range slices.Concat(held, idle) {
		if !slices.Contains(imported, p) {
			t.Errorf("the gate does not import %s", p)
		}
	}
	for _, p := range idle {
		if slices.Contains(held, p) {
			t.Errorf("the gate holds %s", p)
		}
	}
}

// closure lists the repository's packages from which those in some folders are made, by folder.
func closure(t *testing.T, root string, folders ...string) []string {
	t.Helper()
	argv := []string{"list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}"}
	for _, folder := range folders {
		argv = append(argv, "./"+folder)
	}
	command := exec.CommandContext(t.Context(), "go", argv...)
	command.Dir = root
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []string
	for _, p := range strings.Fields(string(output)) {
		packages = append(packages, strings.TrimPrefix(p, "github.com/patchbay-dev/patchbay/"))
	}
	return packages
}
