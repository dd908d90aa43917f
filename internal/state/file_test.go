package state

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// open returns a store in the file at path that holds the lease until the test ends.
func open(t *testing.T, path string) *File {
	t.Helper()
	f := NewFile(path)
	if err := f.Acquire(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// names lists a folder.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func mustSave(t *testing.T, f *File, position string) {
	t.Helper()
	if err := f.Save(t.Context(), &State{Connector: "c", Positions: map[string]string{"": position}}); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t *testing.T, path, position string) {
	t.Helper()
	s, err := NewFile(path).Load(t.Context())
	if err != nil || s == nil || s.Positions[""] != position {
		t.Errorf("Load = %+v, %v; want position %q", s, err, position)
	}
}

func TestFileGivesBackWhatWasSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on", "demand", "state.json")
	if s, err := NewFile(path).Load(t.Context()); s != nil || err != nil {
		t.Fatalf("Load before any save = %v, %v", s, err)
	}
	f := open(t, path)
	for _, position := range []string{"1", "2"} {
		want := &State{Connector: "c", Identity: "i", Epoch: "e", Positions: map[string]string{"": position, "p": "x"}}
		if err := f.Save(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		got, err := NewFile(path).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"state.json", "state.json.lock"}) {
		t.Errorf("the folder holds %v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v; want 0600", info.Mode(), err)
	}
}

func TestADamagedFileIsAnErrorAndStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := open(t, path)
	mustSave(t, f, "1")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := f.Load(t.Context())
		if !errors.Is(err, ErrDamaged) || s != nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Load = %v, %v; want ErrDamaged that names the file", s, err)
		}
		if now, _ := os.ReadFile(path); string(now) != string(whole[:n]) {
			t.Error("Load changed the file")
		}
	}
}

func TestASaveThatFailsLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil { // no file can be renamed over it
		t.Fatal(err)
	}
	if err := open(t, path).Save(t.Context(), &State{Connector: "c"}); err == nil {
		t.Fatal("Save over a folder succeeded")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"state.json", "state.json.lock"}) {
		t.Errorf("the folder holds %v; want no temporary file", got)
	}
}

// A fullFile takes half of what is written to it, or nothing any more at one of the later steps.
type fullFile struct {
	*os.File
	step string
}

func (f fullFile) Write(p []byte) (int, error) {
	if f.step != "write" {
		return f.File.Write(p)
	}
	n, _ := f.File.Write(p[:len(p)/2])
	return n, f.full()
}

func (f fullFile) Sync() error {
	if f.step == "sync" {
		return f.full()
	}
	return f.File.Sync()
}

func (f fullFile) Close() error {
	err := f.File.Close()
	if f.step == "close" {
		return f.full()
	}
	return err
}

func (f fullFile) full() error {
	return &os.PathError{Op: f.step, Path: f.Name(), Err: syscall.ENOSPC}
}

func TestOnAFullDiskTheOldStateStays(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "close"} {
		t.Run(step, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state.json")
			f := open(t, path)
			mustSave(t, f, "1")
			real := f.create
			f.create = func(dir, pattern string) (temporary, error) {
				if step == "create" {
					return nil, &os.PathError{Op: "open", Path: dir, Err: syscall.ENOSPC}
				}
				file, err := os.CreateTemp(dir, pattern)
				return fullFile{file, step}, err
			}
			err := f.Save(t.Context(), &State{Connector: "c", Positions: map[string]string{"": "2"}})
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
				t.Errorf("Save = %v; want that there is no space, and for which file", err)
			}
			mustLoad(t, path, "1")
			if got := names(t, dir); !slices.Equal(got, []string{"state.json", "state.json.lock"}) {
				t.Errorf("the folder holds %v", got)
			}
			f.create = real // there is room again
			mustSave(t, f, "3")
			mustLoad(t, path, "3")
		})
	}
}

func TestTheNextStartRemovesWhatAKilledSaveLeft(t *testing.T) {
	dir := t.TempDir()
	kept := []string{"other.json.12.tmp", "state.json", "state.json.notes.tmp", "state.json.tmp"}
	for _, name := range append(kept, "state.json.4711.tmp") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, filepath.Join(dir, "state.json"))
	want := append(kept, "state.json.lock")
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

func TestOnlyTheHolderOfTheLeaseSaves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	first, second := NewFile(path), NewFile(path)
	if err := first.Save(t.Context(), &State{}); !errors.Is(err, ErrNotAcquired) {
		t.Errorf("Save before Acquire = %v", err)
	}
	if err := first.Acquire(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	err := second.Acquire(t.Context(), nil)
	if !errors.As(err, &held) || !held.Alive || held.Holder.PID != os.Getpid() {
		t.Errorf("Acquire while it is held = %+v, %v", held, err)
	}
	info, err := second.Inspect(t.Context())
	if err != nil || info.Held == nil || info.Held.Holder.PID != os.Getpid() {
		t.Errorf("Inspect = %+v, %v", info, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := second.Inspect(t.Context()); err != nil || info.Held != nil {
		t.Errorf("Inspect after the end = %+v, %v", info, err)
	}
	if err := second.Acquire(t.Context(), nil); err != nil {
		t.Errorf("Acquire once it is free = %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestALookAtTheLeaseDoesNotKeepAnybodyFromIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	look, err := os.Create(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := flock(look, unix.LOCK_SH); err != nil { // as Inspect has it for a moment
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { _ = look.Close() })
	open(t, path)
}

func TestALockFileThatIsRemovedIsALostLease(t *testing.T) {
	for name, remove := range map[string]func(string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			f := open(t, path)
			mustSave(t, f, "1")
			if err := remove(path + ".lock"); err != nil {
				t.Fatal(err)
			}
			if err := f.Save(t.Context(), &State{Connector: "c"}); !errors.Is(err, ErrLost) {
				t.Errorf("Save = %v; want ErrLost", err)
			}
			mustLoad(t, path, "1")
		})
	}
}
