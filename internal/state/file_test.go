package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFileGivesBackWhatWasSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on", "demand", "state.json")
	f := NewFile(path)
	if s, err := f.Load(t.Context()); s != nil || err != nil {
		t.Fatalf("Load before any save = %v, %v", s, err)
	}
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
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want the state alone", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v; want 0600", info.Mode(), err)
	}
}

func TestADamagedFileIsAnErrorAndStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := NewFile(path)
	if err := f.Save(t.Context(), &State{Connector: "c", Positions: map[string]string{"": "1"}}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := whole[:len(whole)/2]
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := f.Load(t.Context()); !errors.Is(err, ErrDamaged) || s != nil {
		t.Errorf("Load = %v, %v; want ErrDamaged", s, err)
	}
	if now, _ := os.ReadFile(path); string(now) != string(damaged) {
		t.Error("Load changed the file")
	}
}

func TestASaveThatFailsLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil { // no file can be renamed over it
		t.Fatal(err)
	}
	if err := NewFile(path).Save(t.Context(), &State{Connector: "c"}); err == nil {
		t.Fatal("Save over a folder succeeded")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want no temporary file", entries, err)
	}
}
