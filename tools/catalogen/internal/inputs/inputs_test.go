package inputs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// module is a repository with a connector in Go and one that is not, whose tests use the same driver.
var module = map[string]string{
	"go.mod":                                   "module example.com/m\n\ngo 1.26\n",
	"common/common.go":                         "package common\n\nimport _ \"embed\"\n\n//go:embed text.txt\nvar Text string\n",
	"common/text.txt":                          "hello",
	"common/common_test.go":                    "package common\n",
	"helper/helper.go":                         "package helper\n",
	"native/cgo.go":                            "package native\n\n/*\n*/\nimport \"C\"\n\nimport _ \"example.com/m/inner\"\n",
	"inner/inner.go":                           "package inner\n",
	"unused/unused.go":                         "package unused\n",
	"native/native.go":                         "package native\n",
	"test/helper.bash":                         "# shared\n",
	"test/servers/pond.bash":                   "# a server\n",
	"test/own.bats":                            "# not of a connector\n",
	".gitignore":                               "bin/\n*.swp\n",
	"tools/driver/main.go":                     "package main\n\nfunc main() {}\n",
	"connectors/connector.mk":                  "test:\n",
	"connectors/sources/a-source/main.go":      "package main\n\nimport (\n\t_ \"example.com/m/common\"\n\t_ \"example.com/m/native\"\n)\n\nfunc main() {}\n",
	"below/below.go":                           "package below\n",
	"deep/deep.go":                             "package deep\n",
	"tools/driver/part/part_test.go":           "package part\n\nimport _ \"example.com/m/unused\"\n",
	"connectors/sources/a-source/part/part.go": "package part\n\nimport _ \"example.com/m/below\"\n",
	"connectors/sources/a-source/p/p_test.go":  "package p\n\nimport _ \"example.com/m/deep\"\n",
	"connectors/sources/a-source/main_test.go": "package main\n\nimport _ \"example.com/m/helper\"\n",
	"connectors/sources/a-source/a.bats":       "# test\n",
	"connectors/sources/a-source/README.md":    "# a\n\n<!-- options:begin -->\nold\n<!-- options:end -->\n",
	"connectors/sources/a-source/Makefile":     "include ../../connector.mk\n",
	"connectors/sources/a-source/bin/out":      "built",
	"connectors/sinks/b-sink/Makefile":         "include ../../connector.mk\n-include ../../../local.mk\nbuild:\n",
}

// digests computes the digest of each connector in a root.
func digests(t *testing.T, root string) (a, b string) {
	t.Helper()
	folders, findings, err := discover.Folders(root)
	if err != nil || len(findings) > 0 || len(folders) != 2 {
		t.Fatalf("%v, %v, %v", folders, findings, err)
	}
	d, err := NewDigester(t.Context(), root, folders, []string{"tools/driver"})
	if err != nil {
		t.Fatal(err)
	}
	if a, err = d.Digest(folders[0]); err != nil {
		t.Fatal(err)
	}
	if b, err = d.Digest(folders[1]); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// repository makes module a git repository, and returns its folder and what puts a file there.
func repository(t *testing.T) (root string, put func(name, text string, mode os.FileMode)) {
	t.Helper()
	root = t.TempDir()
	put = func(name, text string, mode os.FileMode) {
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
	if output, err := exec.Command("git", "init", "--quiet", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return root, put
}

func TestDigest(t *testing.T) {
	root, put := repository(t)
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
		{"its changelog", folder + "CHANGELOG.md", "# other\n", 0o644, false, false},
		{"a changelog further down", folder + "testdata/CHANGELOG.md", "# other\n", 0o644, true, false},
		{"what git ignores", folder + "bin/out", "other", 0o644, false, false},
		{"a hidden file", folder + ".settings", "x", 0o644, true, false},
		{"a folder that is called build", folder + "build/x", "x", 0o644, true, false},
		{"a file of a package that needs cgo", "native/cgo.go", "package native\n\nimport \"C\"\n\n// x\n", 0o644, true, false},
		{"a package that only needs cgo imports", "inner/inner.go", "package inner\n\n// x\n", 0o644, true, false},
		{"a package it imports", "common/common.go", module["common/common.go"] + "// x\n", 0o644, true, false},
		{"a file that such a package embeds", "common/text.txt", "other", 0o644, true, false},
		{"the tests of such a package", "common/common_test.go", "package common\n\n// x\n", 0o644, false, false},
		{"a package that its tests import", "helper/helper.go", "package helper\n\n// x\n", 0o644, true, false},
		{"a package that one below it imports", "below/below.go", "package below\n\n// x\n", 0o644, true, false},
		{"a package that tests below it import", "deep/deep.go", "package deep\n\n// x\n", 0o644, true, false},
		{"a package that nothing imports", "unused/unused.go", "package unused\n\n// x\n", 0o644, false, false},
		{"the shared makefile", "connectors/connector.mk", "test: x\nx:\n", 0o644, true, true},
		{"the shared test helpers", "test/helper.bash", "# other\n", 0o644, true, true},
		{"a server", "test/servers/pond.bash", "# other\n", 0o644, true, true},
		{"tests that are not a connector's", "test/own.bats", "# other\n", 0o644, false, false},
		{"a file that a Makefile includes where it is there", "local.mk", "X := 1\n", 0o644, false, true},
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

func TestDigestRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, root, folder string) error
		want string
	}{
		{"a link out of the folder", func(_ *testing.T, root, folder string) error {
			return os.Symlink(filepath.Join(root, "common"), filepath.Join(folder, "testdata"))
		}, "testdata: the link leaves the connector's folder"},
		{"a changelog elsewhere", func(_ *testing.T, root, folder string) error {
			return os.Symlink(filepath.Join(root, "go.mod"), filepath.Join(folder, "CHANGELOG.md"))
		}, "CHANGELOG.md: the link leaves the connector's folder"},
		{"a link to nothing", func(_ *testing.T, _, folder string) error {
			return os.Symlink("nowhere", filepath.Join(folder, "x"))
		}, "x: the link leads nowhere"},
		{"an import that is not there", func(_ *testing.T, _, folder string) error {
			return os.WriteFile(filepath.Join(folder, "x.go"), []byte("package main\n\nimport _ \"example.com/m/gone\"\n"), 0o600)
		}, "a-source/x.go:3:8: cannot find module providing package example.com/m/gone"},
		{"a folder that git ignores", func(t *testing.T, root, _ string) error {
			t.Helper()
			if err := exec.Command("git", "init", "--quiet", root).Run(); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(root, ".gitignore"), []byte("connectors/sources\n"), 0o600)
		}, "git ignores connectors/sources/a-source/Makefile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range module {
				path := filepath.Join(root, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			const folder = "connectors/sources/a-source"
			if err := tt.make(t, root, filepath.Join(root, folder)); err != nil {
				t.Fatal(err)
			}
			folders, _, err := discover.Folders(root)
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewDigester(t.Context(), root, folders, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range folders {
				_, err := d.Digest(f)
				if f.Path != folder {
					if err != nil {
						t.Errorf("another connector: %v", err)
					}
				} else if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
			}
		})
	}
}

// git does not list a pipe, so only what is named elsewhere, as a Makefile is, can be one. To read it would be to wait for ever.
func TestDigestReadsNoPipe(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "x.mk"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := NewDigester(t.Context(), root, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.file("x.mk"); err == nil || err.Error() != "x.mk is no file" {
		t.Errorf("error %v", err)
	}
}

// A link inside the folder counts with what it leads to.
func TestDigestFollowsLinksInside(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "connectors", "sources", "a-source")
	if err := os.MkdirAll(filepath.Join(folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("Makefile", "build test:\n")
	put(".gitignore", "bin/\n")
	put("bin/x", "one")
	put("bin/y", "one")
	if err := os.Symlink("bin/x", filepath.Join(folder, "x")); err != nil {
		t.Fatal(err)
	}
	f := discover.Folder{Name: "a-source", Path: "connectors/sources/a-source", Dir: folder}
	digest := func() string {
		t.Helper()
		d, err := NewDigester(t.Context(), root, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := d.Digest(f)
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	before := digest()
	put("bin/x", "two")
	if digest() == before {
		t.Error("what the link leads to may change unseen")
	}
	before = digest()
	put("bin/y", "two")
	if digest() != before {
		t.Error("what .gitignore names counts where there is no repository")
	}
}

// A hook of git names its repository to whatever it runs.
func TestListIsOfTheFolderAndNotOfAHook(t *testing.T) {
	root, put := repository(t)
	put("connectors/sources/a-source/more.txt", "more", 0o644)
	want, err := list(t.Context(), root)
	if err != nil || len(want) < 3 {
		t.Fatal(want, err)
	}
	other, _ := repository(t)
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	t.Setenv("GIT_WORK_TREE", other)
	got, err := list(t.Context(), root)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
