package smartmodule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tetratelabs/wazero"
)

// CacheDir returns the folder that keeps the compiled code of a user's modules: patchbay/smartmodules in $XDG_CACHE_HOME,
// else in the place that the system has for such things. It is empty where there is none.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "patchbay", "smartmodules")
}

// openCache opens the cache of one module. What lies there is machine code that this process will run, so a folder that
// somebody else can write is an error, and so is one that this process cannot write.
func openCache(root, folder string) (wazero.CompilationCache, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	for _, dir := range []string{root, folder} {
		// Lstat, because a symbolic link put there by somebody else would lead to a folder that passes the test.
		info, err := os.Lstat(dir)
		if err != nil {
			return nil, err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
			return nil, fmt.Errorf("%s is not a folder that only its user can write", dir)
		}
	}
	probe, err := os.CreateTemp(folder, "probe")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, err
	}
	return wazero.NewCompilationCacheWithDir(folder)
}
