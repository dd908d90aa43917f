package inputs

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal"
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
		if name, ok := strings.CutPrefix(strings.Fields(line)[1], gatePackages[0]+"/"); ok {
			found = append(found, name)
		}
	}
	want, err := fs.Glob(internal.Gate, "*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	if others := len(lines) - len(found); others < 2 {
		t.Errorf("%d other files, want a schema and what reads reports", others)
	}
}
