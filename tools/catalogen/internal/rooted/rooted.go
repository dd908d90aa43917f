// Package rooted reads files that strangers left in a folder: only files, only from that folder, and only up to a size.
package rooted

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Read returns the content of a file below a folder; name is relative to it, with slashes. A link is followed only where it
// stays in the folder. What is no regular file is refused without waiting for it, as a pipe would have it, and so is what
// holds more than a number of bytes. The error wraps fs.ErrNotExist where there is no such file.
func Read(dir, name string, most int64) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// The opened file is looked at, not its name, which may lead elsewhere a moment later.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, plain(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, plain(name, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s holds more than %d bytes", name, most)
	}
	return text, nil
}

// plain says what is wrong with a file without the words of the system call.
func plain(name string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
