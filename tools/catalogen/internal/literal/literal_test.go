package literal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
)

// folder makes a connector's folder of files.
func folder(t *testing.T, files map[string]string) discover.Folder {
	t.Helper()
	f := discover.Folder{Name: "a-source", Path: "connectors/sources/a-source", Dir: t.TempDir()}
	for name, text := range files {
		path := filepath.Join(f.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

const program = `package main

// Version: "0.1.0" is no literal here.
var info = common.Info{
	Name: "a-source", Version: "0.1.0", Category: "Web", // kept   as it is
}

var other = common.Other{Version: "0.1.0"}
`

func TestSetChangesOneLiteral(t *testing.T) {
	f := folder(t, map[string]string{"main.go": program, "main_test.go": program, "odd.go": "package"})
	place, err := Find(f, "0.1.0")
	if err != nil || place.String() != "connectors/sources/a-source/main.go:5" {
		t.Fatalf("%v, %v", place, err)
	}
	if err := place.Set("0.2.0"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(f.Dir, "main.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `package main

// Version: "0.1.0" is no literal here.
var info = common.Info{
	Name: "a-source", Version: "0.2.0", Category: "Web", // kept   as it is
}

var other = common.Other{Version: "0.1.0"}
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := place.Set("0.3.0"); err == nil {
		t.Error("a place that has changed is written over")
	}
}

func TestFindTakesNoLiteralForAnother(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a foreign connector":  {"main.py": `VERSION = "0.1.0"`},
		"another version":      {"main.go": `package main; var i = Info{Version: "0.1.1"}`},
		"a constant":           {"main.go": `package main; const v = "0.1.0"; var i = common.Info{Version: v}`},
		"two of them":          {"main.go": program, "more.go": program},
		"a file that is no Go": {"main.go": "Version: \"0.1.0\""},
	} {
		t.Run(name, func(t *testing.T) {
			if place, err := Find(folder(t, files), "0.1.0"); !errors.Is(err, ErrNone) {
				t.Errorf("%v, %v", place, err)
			}
		})
	}
	if _, err := Find(folder(t, map[string]string{"main.go": "package main; var i = Info{Version: `0.1.0`}"}), "0.1.0"); err != nil {
		t.Errorf("a raw literal: %v", err)
	}
}

// A build may make a pipe that is called like a file, and nobody would ever write into it.
func TestFindWaitsForNoPipe(t *testing.T) {
	f := folder(t, map[string]string{"main.go": program})
	if err := syscall.Mkfifo(filepath.Join(f.Dir, "pipe.go"), 0o600); err != nil {
		t.Fatal(err)
	}
	if place, err := Find(f, "0.1.0"); err != nil || place.Line != 5 {
		t.Errorf("%v, %v", place, err)
	}
}

func TestFindConst(t *testing.T) {
	f := folder(t, map[string]string{
		"shared.go": "package common\n\nconst sdkVersion = \"7\" // kept\n\nvar other = sdkVersion\n", "odd.go": "package",
	})
	place, said, err := FindConst(f.Dir, "shared.go", "sdkVersion")
	if err != nil || said != "7" || place.String() != "shared.go:3" {
		t.Fatalf("%v %q %v", place, said, err)
	}
	if err := place.Set("8"); err != nil {
		t.Fatal(err)
	}
	if _, said, err := FindConst(f.Dir, "shared.go", "sdkVersion"); err != nil || said != "8" {
		t.Errorf("%q, %v", said, err)
	}
	for _, tt := range [][2]string{{"shared.go", "other"}, {"shared.go", "absent"}, {"odd.go", "sdkVersion"}, {"none.go", "sdkVersion"}} {
		if _, _, err := FindConst(f.Dir, tt[0], tt[1]); !errors.Is(err, ErrNone) {
			t.Errorf("%v: %v", tt, err)
		}
	}
}

func TestMentionsTellPeopleWhereToLook(t *testing.T) {
	f := folder(t, map[string]string{
		"README.md": "0.1.0", ".cache/x": "0.1.0", ".hidden": "0.1.0",
		"a.toml": "# 10.1.0 0.1.01 0.1.0.3 0.1.0-rc 2.0.1.0\nversion = \"0.1.0\"\n", "src/b.py": "print('v0.1.0.')\n", "c": "none",
	})
	places, err := Mentions(f, "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range places {
		got = append(got, p.String())
	}
	if diff := cmp.Diff([]string{"connectors/sources/a-source/a.toml:2", "connectors/sources/a-source/src/b.py:1"}, got); diff != "" {
		t.Error(diff)
	}
	if places, err := Mentions(folder(t, map[string]string{"a": "0.1.0\n0.1.0\n0.1.0\n0.1.0\n"}), "0.1.0"); err != nil || len(places) != maxMentions {
		t.Errorf("%v, %v", places, err)
	}
}
