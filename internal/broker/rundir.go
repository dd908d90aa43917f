package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// RuntimeDir returns the folder in which the broker announces itself, and creates it where it is missing. It is
// patchbay in XDG_RUNTIME_DIR, else patchbay-UID in the temp folder. Whoever can write there can make connectors talk
// to a server of theirs, so a folder that is not the user's own and closed to everyone else is refused.
func RuntimeDir(env Env) (string, error) {
	dir := filepath.Join(env.TempDir, "patchbay-"+strconv.Itoa(env.UID))
	hint := "remove it, or set XDG_RUNTIME_DIR to a folder of your own"
	if base := env.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(base) && isDir(base) {
		dir = filepath.Join(base, "patchbay")
		hint = "remove it, or set XDG_RUNTIME_DIR to a folder of your own, or unset it"
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("create the broker's runtime folder: %w", err)
	}
	// Lstat, because a symbolic link put there by somebody else would lead to a folder that passes the test.
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("look at the broker's runtime folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return "", fmt.Errorf("%s is not a folder: %s", dir, hint)
	case !ok || int(stat.Uid) != env.UID:
		return "", fmt.Errorf("%s belongs to another user: %s", dir, hint)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s is open to other users (mode %04o): chmod 700 it after a look at what it holds",
			dir, info.Mode().Perm())
	}
	return dir, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
