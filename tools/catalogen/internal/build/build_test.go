package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
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

func TestTestsIsSilentAboutWhatDoesNotCompile(t *testing.T) {
	root := module(t, map[string]string{
		"a-source/main.go":      "package main\n\nfunc main() {}\n",
		"a-source/main_test.go": "package main\n\nvar _ = undefined\n",
	})
	if err := Tests(t.Context(), root, []discover.Folder{folder(root, "a-source")}); err != nil {
		t.Error(err)
	}
}
