package vanus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// fileStore is a JSON object in a file, whose values are bytes in base64, as the development kit writes it. Several
// processes may share the file: each change is made under a lock on a file beside it, and replaces the whole in one step.
type fileStore struct{ path string }

func (f *fileStore) get(_ context.Context, key string) ([]byte, error) {
	values, err := f.read()
	return values[key], err
}

func (f *fileStore) read() (map[string][]byte, error) {
	values := map[string][]byte{}
	data, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return values, nil
	case err != nil:
		return nil, fmt.Errorf("read store_file: %w", err)
	}
	if err := json.Unmarshal(data, &values); err != nil || values == nil {
		return nil, fmt.Errorf("read store_file: %s is no JSON object of values in base64; mend it, or remove it to start over", f.path)
	}
	return values, nil
}

func (f *fileStore) put(_ context.Context, key string, value []byte) (err error) {
	lock, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock store_file: %w", err)
	}
	defer lock.Close() // releases the lock
	for {
		if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("lock store_file: %w", err)
	}
	values, err := f.read()
	if err != nil {
		return err
	}
	values[key] = value
	data, err := json.Marshal(values)
	if err == nil {
		err = state.Replace(f.path, data)
	}
	if err != nil {
		return fmt.Errorf("write store_file: %w", err)
	}
	return nil
}
