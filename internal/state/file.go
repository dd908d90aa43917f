package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File keeps a state in a file of its own. A save writes a temporary file beside it, syncs it, renames it and syncs the
// directory, so that a crash leaves either the old state or the new one. The lease is a lock on a file beside it, which the
// system releases when the process ends.
type File struct {
	path string
	lock *lock // nil while the lease is not held
	// create makes a temporary file in a directory; tests make it fail.
	create func(dir, pattern string) (temporary, error)
}

// temporary is what is needed of a temporary file.
type temporary interface {
	Name() string
	Write([]byte) (int, error)
	Sync() error
	Close() error
}

// NewFile returns a store in the file at path. The directory is made by Acquire.
func NewFile(path string) *File {
	return &File{path: path, create: createTemp}
}

func createTemp(dir, pattern string) (temporary, error) { return os.CreateTemp(dir, pattern) }

// Acquire implements Leased. It removes what saves of killed processes have left.
func (f *File) Acquire(ctx context.Context, _ func(error)) error {
	if f.lock != nil {
		return nil
	}
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	l, err := openLock(ctx, f.path+".lock")
	if err != nil {
		return err
	}
	f.lock = l
	f.sweep(dir)
	return nil
}

// sweep removes temporary files. One that cannot be removed does no harm.
func (f *File) sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), filepath.Base(f.path)+".")
		random, isTemporary := strings.CutSuffix(rest, ".tmp")
		if ok && isTemporary && random != "" && strings.Trim(random, "0123456789") == "" && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

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

// Save implements Store. After an error, what was saved before is still there, and saving may be tried again.
func (f *File) Save(_ context.Context, s *State) error {
	data, err := Encode(s)
	if err != nil {
		return err
	}
	if f.lock == nil {
		return ErrNotAcquired
	}
	if err := f.lock.check(); err != nil {
		return err
	}
	if err := replace(f.path, data, f.create); err != nil {
		return fmt.Errorf("save %s: %w", f.path, err)
	}
	return nil
}

// Replace writes a file that only its owner can read, in place of what stands at path: beside it first, synced and renamed, so
// that a crash leaves the old content or the new. It blocks.
func Replace(path string, data []byte) error { return replace(path, data, createTemp) }

func replace(path string, data []byte, create func(dir, pattern string) (temporary, error)) error {
	dir := filepath.Dir(path)
	file, err := create(dir, filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // nothing to remove once it is renamed
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return SyncFolder(dir)
}

// SyncFolder makes the names in a folder survive a crash of the machine. It blocks.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Inspect implements Leased.
func (f *File) Inspect(context.Context) (info Info, err error) {
	stat, err := os.Stat(f.path)
	switch {
	case err == nil:
		info.Written = stat.ModTime()
	case !errors.Is(err, fs.ErrNotExist):
		return info, err
	}
	info.Held, err = lockHolder(f.path + ".lock")
	return info, err
}

// Where implements Leased: it names the file.
func (f *File) Where() string { return "file " + f.path }

// Close implements Store.
func (f *File) Close() error {
	if f.lock == nil {
		return nil
	}
	l := f.lock
	f.lock = nil
	return l.release()
}

var _ Leased = (*File)(nil)
