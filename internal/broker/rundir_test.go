package broker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

func TestRuntimeDir(t *testing.T) {
	// dir is where the folder is expected; prepare puts something there first.
	tests := []struct {
		name    string
		xdg     bool
		prepare func(dir string, env *broker.Env) error
		want    string // part of the error; empty means that the folder is accepted
	}{
		{"is made below XDG_RUNTIME_DIR", true, nil, ""},
		{"is made in the temp folder", false, nil, ""},
		{"is used again", false, func(dir string, _ *broker.Env) error { return os.Mkdir(dir, 0o700) }, ""},
		{
			"is refused when it is a file", false,
			func(dir string, _ *broker.Env) error { return os.WriteFile(dir, nil, 0o600) }, "is not a folder",
		},
		{"is refused when it is a link, even to a good folder", false, func(dir string, _ *broker.Env) error {
			return os.Symlink(os.Getenv("HOME"), dir)
		}, "is not a folder"},
		{"is refused when others may read it", true, func(dir string, _ *broker.Env) error {
			return mkdirMode(dir, 0o750)
		}, "open to other users (mode 0750)"},
		{"is refused when others may write to it", false, func(dir string, _ *broker.Env) error {
			return mkdirMode(dir, 0o707)
		}, "open to other users (mode 0707)"},
		{"is refused when it is another user's", true, func(dir string, env *broker.Env) error {
			env.UID++
			return os.Mkdir(dir, 0o700)
		}, "belongs to another user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env, vars := sandbox(t)
			dir := filepath.Join(vars["XDG_RUNTIME_DIR"], "patchbay")
			if !tt.xdg {
				delete(vars, "XDG_RUNTIME_DIR")
				dir = filepath.Join(env.TempDir, "patchbay-"+itoa(env.UID))
			}
			if tt.prepare != nil {
				if err := tt.prepare(dir, &env); err != nil {
					t.Fatal(err)
				}
			}
			got, err := broker.RuntimeDir(env)
			switch {
			case tt.want == "" && (err != nil || got != dir):
				t.Errorf("RuntimeDir = %q, %v; want %q", got, err, dir)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir)):
				t.Errorf("error %v does not say %q of %s", err, tt.want, dir)
			}
		})
	}
}

func TestRuntimeDirFallsBackWhereTheSessionFolderIsMissing(t *testing.T) {
	for _, value := range []string{"/nowhere/run", "relative"} {
		env, vars := sandbox(t)
		vars["XDG_RUNTIME_DIR"] = value
		got, err := broker.RuntimeDir(env)
		if err != nil || filepath.Dir(got) != env.TempDir {
			t.Errorf("XDG_RUNTIME_DIR=%s: RuntimeDir = %q, %v; want a folder in %s", value, got, err, env.TempDir)
		}
	}
}

func TestStoreDir(t *testing.T) {
	tests := []struct{ name, data, home, want string }{
		{"below XDG_DATA_HOME", "/data", "/home/me", "/data/patchbay/broker"},
		{"below the home folder", "", "/home/me", "/home/me/.local/share/patchbay/broker"},
		{"a relative XDG_DATA_HOME is ignored", "data", "/home/me", "/home/me/.local/share/patchbay/broker"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env, vars := sandbox(t)
			vars["XDG_DATA_HOME"], vars["HOME"] = tt.data, tt.home
			if got, err := broker.StoreDir(env); err != nil || got != tt.want {
				t.Errorf("StoreDir = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// mkdirMode makes a folder with exactly this mode, whatever the umask.
func mkdirMode(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}
