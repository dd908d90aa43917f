package scratch

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// holdVariable makes this program hold a folder instead of testing.
const holdVariable = "SCRATCH_TEST_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holdVariable) != "" {
		f, err := New("test")
		if err == nil {
			_, err = os.Stdout.WriteString(f.Path)
			_ = os.Stdout.Close()
		}
		if err != nil {
			panic(err)
		}
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

func there(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func newFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := New("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Remove() })
	return f
}

func TestTheNextFolderSweepsThoseOfProcessesThatWereKilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	held := newFolder(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	path := make([]byte, 4096)
	n, err := out.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	left := string(path[:n])
	if err := os.WriteFile(filepath.Join(left, "options.json"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	newFolder(t)
	if !there(t, left) || !there(t, held.Path) {
		t.Fatal("a folder in use was removed")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	newFolder(t)
	if there(t, left) {
		t.Error("the folder of a process that was killed is still there")
	}
	if !there(t, held.Path) {
		t.Error("a folder in use was removed")
	}
}

func TestRemove(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f := newFolder(t)
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", info, err)
	}
	if err := f.Remove(); err != nil || there(t, f.Path) {
		t.Errorf("Remove = %v", err)
	}
}

func TestAFolderInUseIsLocked(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f := newFolder(t)
	dir, err := os.Open(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	lock := func() error { return unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
	if err := lock(); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("what cleans temp folders gets %v", err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := lock(); err != nil {
		t.Errorf("after Remove it is %v", err)
	}
}

func TestWhatIsNoFolderOfOursIsLeft(t *testing.T) {
	temp, outside := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	lock := func(dir string, mode os.FileMode) string {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, inUse), nil, 0o600), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	kept := []string{
		lock(filepath.Join(temp, "patchbay-open"), 0o755),
		lock(filepath.Join(temp, "other"), 0o700),
		lock(outside, 0o700),
		filepath.Join(temp, "patchbay-link"),
		filepath.Join(temp, "patchbay-1000"), // the broker's, which has no such lock
	}
	if err := errors.Join(os.Symlink(outside, kept[3]), os.Mkdir(kept[4], 0o700)); err != nil {
		t.Fatal(err)
	}
	gone := lock(filepath.Join(temp, "patchbay-dead"), 0o700)
	newFolder(t)
	for _, path := range kept {
		if !there(t, path) {
			t.Errorf("%s was removed", path)
		}
	}
	if there(t, gone) {
		t.Errorf("%s is still there", gone)
	}
}
