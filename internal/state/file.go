package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File keeps a state in a file of its own. A save writes a temporary file beside it, syncs it, renames it and syncs the
// directory, so that a crash leaves either the old state or the new one.
type File struct{ path string }

// NewFile returns a store in the file at path. The directory is made on the first save.
func NewFile(path string) *File { return &File{path} }

// Load implements Store.
func (f *File) Load(context.Context) (*State, error) {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return s, nil
}

// Save implements Store.
func (f *File) Save(_ context.Context, s *State) error {
	data, err := Encode(s)
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, filepath.Base(f.path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // nothing to remove once it is renamed
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", temporary.Name(), err)
	}
	if err := os.Rename(temporary.Name(), f.path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Close implements Store.
func (f *File) Close() error { return nil }

var _ Store = (*File)(nil)
