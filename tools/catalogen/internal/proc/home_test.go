package proc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestHomeShowsWhatIsListed(t *testing.T) {
	user := t.TempDir()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	places := goPlaces() // as they are before this test moves the home
	if !slices.Contains(places, "GOCACHE="+strings.TrimSpace(string(cache))) {
		t.Errorf("the go command keeps its cache in %s, not %q", cache, places)
	}
	if err := os.Mkdir(filepath.Join(user, ".cargo"), 0o755); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"HOME": user, "CANARY": "canary", "GOOGLE_APPLICATION_CREDENTIALS": "canary", "PATCHBAY_BROKER": "canary", "BASH_ENV": "canary", "TZ": "UTC",
		"CARGO_HOME": "", "RUSTUP_HOME": "/else",
	} {
		t.Setenv(key, value)
	}
	os.Unsetenv("CARGO_HOME")
	home, err := NewHome()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Remove()
	env := home.In("MORE=more")
	for _, want := range []string{"HOME=" + home.Dir, "TZ=UTC", "CARGO_HOME=" + user + "/.cargo", "RUSTUP_HOME=/else", goFlags, "MORE=more", "PATH=" + os.Getenv("PATH")} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing in %q", want, env)
		}
	}
	if i := slices.IndexFunc(env, func(entry string) bool { return strings.Contains(entry, "canary") }); i >= 0 {
		t.Errorf("it shows %s", env[i])
	}
}

// The go command would leave a process behind in each new home, which is where it remembers that it did.
func TestHomeKeepsGoFromGatheringFigures(t *testing.T) {
	home, err := NewHome()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Remove()
	run := spec("go env GOTELEMETRY")
	run.Env = home.In()
	if result, err := Run(t.Context(), run); err != nil || string(result.Stdout) != "off\n" {
		t.Errorf("%q, %v", result.Stdout, err)
	}
}

func TestHomeRemovesWhatIsReadOnly(t *testing.T) {
	home, err := NewHome()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home.Dir, "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(dir, 0); err != nil {
			t.Fatal(err)
		}
	}
	home.Remove()
	if _, err := os.Lstat(home.Dir); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// A home may serve the next program only if nothing tells it that there was one before.
func TestHomesAreHandedOnAsNewOnly(t *testing.T) {
	in := func(h Home, name string) string { return filepath.Join(h.Dir, filepath.FromSlash(name)) }
	for _, tt := range []struct {
		name  string
		touch func(Home) error
		want  bool // it is handed on
	}{
		{"nothing", func(Home) error { return nil }, true},
		{"a file that is gone again", func(h Home) error {
			return errors.Join(os.WriteFile(in(h, "x"), nil, 0o600), os.Remove(in(h, "x")))
		}, true},
		{"a file", func(h Home) error { return os.WriteFile(in(h, "x"), nil, 0o600) }, false},
		{"a hidden folder, first in order", func(h Home) error { return os.Mkdir(in(h, ".a"), 0o700) }, false},
		{"a file further in", func(h Home) error { return os.WriteFile(in(h, ".config/go/env"), nil, 0o600) }, false},
		{"a file last of all", func(h Home) error { return os.WriteFile(in(h, "z"), nil, 0o600) }, false},
		{"other words", func(h Home) error { return os.WriteFile(in(h, ".config/go/telemetry/mode"), []byte("on\n"), 0o600) }, false},
		{"a mode", func(h Home) error { return os.Chmod(in(h, ".config"), 0o755) }, false},
		{"a link", func(h Home) error {
			return errors.Join(os.RemoveAll(in(h, ".config/go")), os.Symlink("..", in(h, ".config/go")))
		}, false},
		{"a removal", func(h Home) error { return os.RemoveAll(in(h, ".config/go/telemetry")) }, false},
		{"its own removal", func(h Home) error { return os.RemoveAll(h.Dir) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var homes Homes
			first, err := homes.Take()
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.touch(first); err != nil {
				t.Fatal(err)
			}
			homes.Return(first)
			second, err := homes.Take()
			if err != nil {
				t.Fatal(err)
			}
			if again := second == first; again != tt.want {
				t.Errorf("handed on: %t", again)
			}
			if !second.untouched() {
				t.Error("it is not as a new one is")
			}
			homes.Return(second)
			homes.Remove()
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
