package discover

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes files below root.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFolders(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"connectors/connector.mk":              "include $(UP)/more.mk\n-include maybe.mk\ntest: unit ## run\n\t@true\nbuild:\n",
		"connectors/README.md":                 "x",
		"connectors/sources/.git/x":            "hidden",
		"connectors/sources/a-source/main.go":  "package main",
		"connectors/sources/a-source/Makefile": "include ../../connector.mk\n",
		"connectors/sinks/b-sink/Makefile":     "NEEDS := x:y\n-include own.mk gone.mk\ntest: prepare\n\ttest:\n# build: no\n",
		"connectors/sinks/b-sink/own.mk":       "first build second:: x\n",
		"connectors/sinks/c-sink/x_test.go":    "package main",
		"connectors/sinks/c-sink/Makefile":     "test:\nbuild := 5\n",
	})
	folders, findings, err := Folders(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Folder{
		{
			Name: "a-source", Direction: "source", Path: "connectors/sources/a-source", Go: true,
			Makefiles: []string{"connectors/sources/a-source/Makefile", "connectors/connector.mk"},
		},
		{
			Name: "b-sink", Direction: "sink", Path: "connectors/sinks/b-sink", OwnRules: []string{"test", "build"},
			Makefiles: []string{"connectors/sinks/b-sink/Makefile", "connectors/sinks/b-sink/own.mk"},
		},
	}
	for i := range folders {
		folders[i].Dir = ""
	}
	if diff := cmp.Diff(want, folders); diff != "" {
		t.Error(diff)
	}
	if len(findings) != 1 || findings[0].Connector != "c-sink" || findings[0].Rule != "build-target" {
		t.Errorf("findings %v", findings)
	}
}

func TestFoldersRefuses(t *testing.T) {
	good := "build test:\n"
	tests := []struct {
		name  string
		files map[string]string
		want  []string // rules
	}{
		{"a name in upper case", map[string]string{"connectors/sources/A-source/Makefile": good}, []string{"folder-name"}},
		{"a shell command for a name", map[string]string{"connectors/sources/x;id-source/Makefile": good}, []string{"folder-name"}},
		{"a terminal escape for a name", map[string]string{"connectors/sources/x\x1b-source/Makefile": good}, []string{"folder-name"}},
		{
			"names that differ by case",
			map[string]string{"connectors/sources/A-source/Makefile": good, "connectors/sources/a-source/Makefile": good},
			[]string{"folder-name", "folder-unique"},
		},
		{"a sink among the sources", map[string]string{"connectors/sources/a-sink/Makefile": good}, []string{"folder-direction"}},
		{"a folder beside those of the directions", map[string]string{"connectors/source/a-source/Makefile": good}, []string{"folder-place"}},
		{"a connector without a direction", map[string]string{"connectors/a-source/Makefile": good, "connectors/README.md": ""}, []string{"folder-place"}},
		{"a metadata rule for a program", map[string]string{"connectors/sources/a-source/Makefile": "metadata test:\n"}, []string{"build-target"}},
		{"an own include by variable", map[string]string{
			"connectors/sources/a-source/Makefile": "include own.mk\n" + good, "connectors/sources/a-source/own.mk": "include $(X)\n",
		}, []string{"makefile-include"}},
		{"no Makefile", map[string]string{"connectors/sources/a-source/main.go": ""}, []string{"makefile"}},
		{"a makefile that make prefers", map[string]string{
			"connectors/sources/a-source/Makefile": good, "connectors/sources/a-source/GNUmakefile": "x:\n",
		}, []string{"makefile"}},
		{"another makefile that make prefers", map[string]string{
			"connectors/sources/a-source/Makefile": good, "connectors/sources/a-source/makefile": "x:\n",
		}, []string{"makefile"}},
		{"no test rule", map[string]string{"connectors/sources/a-source/Makefile": "build:\n"}, []string{"test-target"}},
		{"an include that is not there", map[string]string{"connectors/sources/a-source/Makefile": "include x.mk\n" + good}, []string{"makefile-include"}},
		{"an include that leaves the repository", map[string]string{"connectors/sources/a-source/Makefile": "include ../../../../x.mk\n" + good}, []string{"makefile-include"}},
		{"an include by variable", map[string]string{"connectors/sources/a-source/Makefile": "include $(X)\n" + good}, []string{"makefile-include"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tt.files)
			_, findings, err := Folders(root)
			if err != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, f := range findings {
				rules = append(rules, f.Rule)
			}
			slices.Sort(rules)
			if diff := cmp.Diff(tt.want, rules); diff != "" {
				t.Errorf("%s\n%v", diff, findings)
			}
		})
	}
}

func TestFoldersNeedsFoldersForTheDirections(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"elsewhere/a-source/Makefile": "build test:\n", "connectors/README.md": ""})
	if err := os.Symlink(filepath.Join(root, "elsewhere"), filepath.Join(root, "connectors/sources")); err != nil {
		t.Fatal(err)
	}
	_, findings, err := Folders(root)
	if err != nil || len(findings) != 1 || findings[0].Rule != "folder-place" {
		t.Errorf("findings %v, error %v", findings, err)
	}
}

func TestFoldersRefusesSourcesThatAreNoFiles(t *testing.T) {
	root := t.TempDir()
	const folder = "connectors/sources/a-source/"
	write(t, root, map[string]string{
		folder + "Makefile": "test:\n", folder + "main.go": "package main", folder + "inner/x.go": "package inner",
		"connectors/sinks/b-sink/Makefile": "build test:\n", "connectors/sinks/b-sink/x_test.go": "",
	})
	for name, target := range map[string]string{
		"y.go": "main.go", "x.h": "/dev/stdout", "inner/y.go": "/dev/stdout", "data.txt": "main.go",
	} {
		if err := os.Symlink(target, filepath.Join(root, folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, folder, "pipe.go"), 0o600); err != nil {
		t.Fatal(err)
	}
	folders, findings, err := Folders(root)
	if err != nil || len(folders) != 1 {
		t.Fatalf("folders %v, error %v", folders, err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Rule+" "+f.Message)
	}
	want := []string{"go-files inner/y.go is no file", "go-files pipe.go is no file", "go-files x.h is no file", "go-files y.go is no file"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFoldersDoesNotFollowLinks(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"elsewhere/Makefile": "build test:\n", "connectors/sources/x": ""})
	if err := os.Symlink(filepath.Join(root, "elsewhere"), filepath.Join(root, "connectors/sources/a-source")); err != nil {
		t.Fatal(err)
	}
	folders, findings, err := Folders(root)
	if err != nil || len(folders) != 0 || len(findings) != 1 || findings[0].Rule != "folder-is-folder" {
		t.Errorf("folders %v, findings %v, error %v", folders, findings, err)
	}
}
