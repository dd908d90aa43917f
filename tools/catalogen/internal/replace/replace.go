// Package replace writes files so that nobody ever finds half of one.
package replace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// File makes text the content of a file, which need not be there, by a rename, and gives it a mode. The name that it is written
// under first is new, for one that is known might be a link to anywhere. Its folder must be there.
func File(path string, text []byte, mode fs.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Chmod(mode), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}
