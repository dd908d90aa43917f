// Package scratch makes folders for what must not outlive a process, such as config files that hold secrets. Not even kill -9
// leaves them for long: whoever makes the next folder removes those of processes that are gone. While a process lives its
// folder stays, however old: what cleans temp folders by age leaves a folder that is locked (systemd-tmpfiles, as tmpfiles.d(5)
// says).
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

const (
	// prefix is what the names of all folders begin with.
	prefix = "patchbay-"
	// inUse is the file in each folder that its process has locked. The system ends the lock with the process.
	inUse = "in-use.lock"
)

// A Folder is a folder in the temp folder that only its owner can read.
type Folder struct {
	Path string
	lock *broker.Lock
	held *os.File // the folder itself, locked for those who clean up
}

// New makes a folder; kind is a part of its name. It removes the folders that processes of the same user have left behind.
func New(kind string) (*Folder, error) {
	temp := os.TempDir()
	sweep(temp)
	path, err := os.MkdirTemp(temp, prefix+kind+"-") // 0700
	if err != nil {
		return nil, fmt.Errorf("make a folder for config files: %w", err)
	}
	// Under another name until it is locked: an unlocked one would be swept.
	fresh := filepath.Join(path, "fresh")
	lock, err := broker.TryLock(fresh)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(path, inUse))
	}
	var held *os.File
	if err == nil {
		held, err = hold(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a folder for config files: %w", err), os.RemoveAll(path))
	}
	return &Folder{Path: path, lock: lock, held: held}, nil
}

// hold opens a folder and locks it. A network file system may lock files only: then what cleans up does as it likes.
func hold(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err == nil {
		_ = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	return f, err
}

// Remove removes the folder with all that it holds.
func (f *Folder) Remove() error {
	return errors.Join(os.RemoveAll(f.Path), f.lock.Unlock(), f.held.Close())
}

// sweep removes the folders whose process is gone. What cannot be removed is left to the next one.
func sweep(temp string) {
	locks, _ := filepath.Glob(filepath.Join(temp, prefix+"*", inUse)) // the pattern is a valid one
	for _, path := range locks {
		folder := filepath.Dir(path)
		if !own(folder) {
			continue
		}
		lock, err := broker.TryLock(path)
		if err != nil || lock == nil { // it has gone meanwhile, or is in use
			continue
		}
		_ = os.RemoveAll(folder)
		_ = lock.Unlock()
	}
}

// own reports whether path is a folder of this user's that is closed to others, and no link to one.
func own(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
