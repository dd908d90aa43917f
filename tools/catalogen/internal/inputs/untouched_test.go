package inputs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
)

func TestUntouched(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the time of a change is known on Linux only")
	}
	root, put := repository(t)
	in := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	if err := os.Mkdir(in("elsewhere"), 0o700); err != nil {
		t.Fatal(err)
	}
	folders, _, err := discover.Folders(root)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDigester(t.Context(), root, folders[:1], []string{"tools/driver"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Digest(folders[0]); err != nil {
		t.Fatal(err)
	}
	const dir = "connectors/sources/a-source/"
	write := func(name string) func() error { return func() error { put(name, "// other\n", 0o600); return nil } }
	past := time.Now().Add(-time.Hour)
	for _, tt := range []struct {
		name  string
		touch func() error
		want  bool
	}{
		{"nothing", func() error { return nil }, true},
		{"a file that is no input", write("unused/unused.go"), true},
		{"a file that git ignores", write(dir + "bin/out"), true},
		{"a source file", write(dir + "main.go"), false},
		{"its time, set back after", func() error { return os.Chtimes(in("common/common.go"), past, past) }, false},
		{"a mode", func() error { return os.Chmod(in(dir+"a.bats"), 0o755) }, false},
		{"the modules", write("go.sum"), false},
		{"a new file of a package", write("common/more.go"), false},
		{"a folder in place of another", func() error {
			return errors.Join(os.RemoveAll(in("inner")), os.Rename(in("elsewhere"), in("inner")))
		}, false},
		{"a file that is gone", func() error { return os.Remove(in("test/helper.bash")) }, false},
	} {
		settle(t, root, d)
		if err := tt.touch(); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Untouched(t.Context()); got != tt.want || err != nil {
			t.Errorf("%s: untouched: %t, %v", tt.name, got, err)
		}
	}
}

// settle makes a Digester begin right after the last change in root, and waits until the clock of the file system goes on.
func settle(t *testing.T, root string, d *Digester) {
	t.Helper()
	changed := func(name string) time.Time {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := changeTime(info)
		return at
	}
	var last time.Time
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if at := changed(name); err == nil && at.After(last) {
			last = at
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Since(last.Add(coarse))
	probe := filepath.Join(t.TempDir(), "probe")
	for {
		if err := os.WriteFile(probe, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if changed(probe).After(last) {
			return
		}
	}
}
