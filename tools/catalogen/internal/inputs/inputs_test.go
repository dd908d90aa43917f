package inputs

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// module is a repository with two Go connectors that share a package.
var module = map[string]string{
	"go.mod":                                   "module example.com/m\n\ngo 1.26\n",
	"common/common.go":                         "package common\n\nimport _ \"embed\"\n\n//go:embed text.txt\nvar Text string\n",
	"common/text.txt":                          "hello",
	"common/common_test.go":                    "package common\n",
	"helper/helper.go":                         "package helper\n",
	"unused/unused.go":                         "package unused\n",
	"test/helper.bash":                         "# shared\n",
	"tools/driver/main.go":                     "package main\n\nfunc main() {}\n",
	"connectors/connector.mk":                  "test:\n",
	"connectors/sources/a-source/main.go":      "package main\n\nimport _ \"example.com/m/common\"\n\nfunc main() {}\n",
	"connectors/sources/a-source/main_test.go": "package main\n\nimport _ \"example.com/m/helper\"\n",
	"connectors/sources/a-source/a.bats":       "# test\n",
	"connectors/sources/a-source/README.md":    "# a\n\n<!-- options:begin -->\nold\n<!-- options:end -->\n",
	"connectors/sources/a-source/Makefile":     "include ../../connector.mk\n",
	"connectors/sources/a-source/bin/out":      "built",
	"connectors/sinks/b-sink/main.go":          "package main\n\nfunc main() {}\n",
	"connectors/sinks/b-sink/Makefile":         "include ../../connector.mk\n",
}

// digests computes the digest of each connector in a root.
func digests(t *testing.T, root string) (a, b string) {
	t.Helper()
	folders, findings, err := discover.Folders(root)
	if err != nil || len(findings) > 0 || len(folders) != 2 {
		t.Fatalf("%v, %v, %v", folders, findings, err)
	}
	graph, err := Load(context.Background(), root, []string{folders[0].Path, folders[1].Path, "tools/driver"})
	if err != nil {
		t.Fatal(err)
	}
	d := NewDigester(root, graph, []string{"tools/driver"})
	if a, err = d.Digest(folders[0]); err != nil {
		t.Fatal(err)
	}
	if b, err = d.Digest(folders[1]); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestDigest(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range module {
		put(name, text, 0o644)
	}
	firstA, firstB := digests(t, root)
	const folder = "connectors/sources/a-source/"
	block := "# a\n\n" + readme.Begin(readme.Options) + "\nnew\n" + readme.End(readme.Options) + "\n"
	tests := []struct {
		name, file, text string
		mode             os.FileMode
		a, b             bool // whose digest changes
	}{
		{"its program", folder + "main.go", module[folder+"main.go"] + "// x\n", 0o644, true, false},
		{"its tests", folder + "a.bats", "# other\n", 0o644, true, false},
		{"a new file", folder + "testdata/x", "x", 0o644, true, false},
		{"whether a file may be run", folder + "a.bats", module[folder+"a.bats"], 0o755, true, false},
		{"the prose of its README", folder + "README.md", "# other\n", 0o644, true, false},
		{"the generated block of its README", folder + "README.md", block, 0o644, false, false},
		{"what a build left", folder + "bin/out", "other", 0o644, false, false},
		{"a hidden file", folder + ".swp", "x", 0o644, false, false},
		{"a package it imports", "common/common.go", module["common/common.go"] + "// x\n", 0o644, true, false},
		{"a file that such a package embeds", "common/text.txt", "other", 0o644, true, false},
		{"the tests of such a package", "common/common_test.go", "package common\n\n// x\n", 0o644, false, false},
		{"a package that its tests import", "helper/helper.go", "package helper\n\n// x\n", 0o644, true, false},
		{"a package that nothing imports", "unused/unused.go", "package unused\n\n// x\n", 0o644, false, false},
		{"the shared makefile", "connectors/connector.mk", "test: x\nx:\n", 0o644, true, true},
		{"the shared test helpers", "test/helper.bash", "# other\n", 0o644, true, true},
		{"the driver", "tools/driver/main.go", module["tools/driver/main.go"] + "// x\n", 0o644, true, true},
		{"the language", "go.mod", "module example.com/m\n\ngo 1.25\n", 0o644, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(root, filepath.FromSlash(tt.file))
			old, existed := module[tt.file]
			put(tt.file, tt.text, tt.mode)
			a, b := digests(t, root)
			if existed {
				put(tt.file, old, 0o644)
			} else if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if (a != firstA) != tt.a || (b != firstB) != tt.b {
				t.Errorf("changes a: %v, b: %v; want %v, %v", a != firstA, b != firstB, tt.a, tt.b)
			}
		})
	}
	if a, b := digests(t, root); a != firstA || b != firstB {
		t.Error("the same files give another digest")
	}
}
