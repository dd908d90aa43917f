package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A lock is a lock on a file among processes. The system releases it when the process ends, however it ends.
type lock struct{ file *os.File }

// errLocked says that another process has the lock.
var errLocked = errors.New("locked")

// openLock takes the lock on a file, which is made if need be and stays: a lock on a file that others remove excludes nobody.
func openLock(ctx context.Context, path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	// Somebody who only looks has it for a moment; some more tries tell that from a process that keeps it.
	for range 10 {
		if err = flock(file, unix.LOCK_EX); !errors.Is(err, errLocked) {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if err != nil {
		holder := readLock(file)
		_ = file.Close() // nothing was written
		if errors.Is(err, errLocked) {
			return nil, &HeldError{Holder: holder, Alive: true}
		}
		return nil, err
	}
	l := &lock{file}
	l.sign()
	return l, nil
}

// sign writes whose the lock is. It is the lock that counts: on a full disk nobody knows the name.
func (l *lock) sign() {
	name, _ := json.Marshal(ThisProcess()) // never fails
	if l.file.Truncate(0) == nil {
		_, _ = l.file.WriteAt(append(name, '\n'), 0)
	}
}

// check returns ErrLost if the file that is locked is no longer the one that others would lock.
func (l *lock) check() error {
	mine, err := l.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(l.file.Name()); err != nil || !os.SameFile(mine, there) {
		return fmt.Errorf("%w, or may: the lock file %s was removed while it was in use", ErrLost, l.file.Name())
	}
	return nil
}

func (l *lock) release() error {
	_ = l.file.Truncate(0) // the name is for people only
	return l.file.Close()
}

// lockHolder says who holds the lock on a file, nil for nobody.
func lockHolder(path string) (*HeldError, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() // only read from
	if err := flock(file, unix.LOCK_SH); errors.Is(err, errLocked) {
		return &HeldError{Holder: readLock(file), Alive: true}, nil
	} else if err != nil {
		return nil, err
	}
	return nil, nil
}

func readLock(file *os.File) Holder {
	data, err := io.ReadAll(io.NewSectionReader(file, 0, 4096))
	if err != nil {
		return Holder{}
	}
	return ReadHolder(data)
}

// flock locks a file without waiting.
func flock(file *os.File, how int) error {
	for {
		switch err := unix.Flock(int(file.Fd()), how|unix.LOCK_NB); {
		case err == nil:
			return nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
	}
}
