package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

// A file that changes while it is compiled may have been digested before or after: the program must be of the digest's.
func TestPrepareBuildsAgainWhatChangedMeanwhile(t *testing.T) {
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	root, bin, first := t.TempDir(), t.TempDir(), t.TempDir()
	if err := (fake.Folder{Path: "connectors/sources/a-source", Makefile: "test:\n"}).Write(root); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(root, "connectors/sources/a-source/main.go")
	for path, text := range map[string]string{
		filepath.Join(root, "go.mod"): "module example.com/m\n\ngo 1.26\n",
		main:                          "package main\n\nfunc main() { print(\"old\") }\n",
		filepath.Join(first, "go"): "#!/bin/sh\n'" + compiler + "' \"$@\" || exit\n" +
			"[ \"$1\" != build ] || sed -i s/old/new/ '" + main + "'\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", first+string(filepath.ListSeparator)+os.Getenv("PATH"))
	folders, _, err := discover.Folders(root)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Config: Config{Root: root, Bin: bin, Watch: new(steps), untested: true}}
	if broken, err := r.prepare(t.Context(), folders); err != nil || len(broken) > 0 {
		t.Fatalf("%v, %v", broken, err)
	}
	said, err := exec.Command(filepath.Join(bin, "a-source")).CombinedOutput()
	if err != nil || strings.TrimSpace(string(said)) != "new" {
		t.Errorf("the program is that of before: %q, %v", said, err)
	}
}
