package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pollInterval is how often the package looks whether what it waits for has happened.
const pollInterval = 20 * time.Millisecond

// A Lock is an exclusive lock on a file among processes. The system releases it when the process ends, however it ends.
type Lock struct{ file *os.File }

// TryLock takes the lock on path, or returns nil and no error if another process holds it. It creates the file, which
// stays: a lock on a file that others remove excludes nobody.
func TryLock(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return &Lock{file: f}, nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return nil, f.Close()
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
}

// WaitLock takes the lock on path as soon as it is free, or returns the error of ctx.
func WaitLock(ctx context.Context, path string) (*Lock, error) {
	var lock *Lock
	err := poll(ctx, func() (done bool, err error) {
		lock, err = TryLock(path)
		return lock != nil, err
	})
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("wait for the lock on %s: %w", path, err)
	}
	return lock, err
}

// Unlock releases the lock.
func (l *Lock) Unlock() error { return l.file.Close() }

// poll calls ready until it reports true or an error, or ctx ends.
func poll(ctx context.Context, ready func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}
