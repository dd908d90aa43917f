package smartmodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero/experimental"
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

// A cache keeps the machine code of one module, as the engine stores it, but under the name that the engine gives to the
// module's skeleton. A start that finds it reads the skeleton alone: what the code was compiled from was found valid then.
type cache struct {
	folder   string
	skeleton []byte
}

// openCache opens the cache of a module. What lies there is machine code that this process will run, so a folder that
// somebody else can write is an error, and so is one that this process cannot write.
func openCache(root string, m *Module) (*cache, error) {
	folder := filepath.Join(root, m.Digest())
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
	skeleton, err := m.layout.skeleton(m.digest())
	if err != nil {
		return nil, err
	}
	return &cache{folder, skeleton}, nil
}

// load returns the host of code that is in the cache, nil if there is none.
func (c *cache) load(m *Module, limits Limits) *host {
	h, err := compile(onlyLoad, m, c.skeleton, limits, c.folder)
	if err != nil && !errors.Is(err, context.Canceled) {
		_ = os.RemoveAll(c.folder) // it is damaged
		return nil
	}
	return h
}

// onlyLoad is done already: an engine that compiles in several goroutines then gives up before the first function, and stores
// nothing. What is in the cache it loads all the same. So a skeleton is never taken for its module.
var onlyLoad = func() context.Context {
	ctx, cancel := context.WithCancel(experimental.WithCompilationWorkers(context.Background(), 2))
	cancel()
	return ctx
}()

// compile compiles the code of a module and puts it into the cache. That which cannot be stored is no error, and compiled anew next
// time.
func (c *cache) compile(ctx context.Context, m *Module, code []byte, limits Limits) (*host, error) {
	sweep(filepath.Dir(c.folder))
	scratch, err := os.MkdirTemp(c.folder, scratchName)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	h, err := compile(ctx, m, code, limits, filepath.Join(scratch, "code"))
	if err != nil {
		return nil, err
	}
	_ = c.keep(m, limits, scratch)
	return h, nil
}

const (
	scratchName = "new" // begins the name of a folder in which code is compiled
	// abandoned is how old such a folder is when nobody is at work there any more: the largest module takes seconds.
	abandoned = time.Hour
)

// sweep removes what compilations have left that were killed, of whatever module: up to some 14 MB each, which nobody else would ever
// remove. A folder that cannot be removed is left for the next time.
func sweep(root string) {
	folders, _ := fs.Glob(os.DirFS(root), "*/"+scratchName+"*") // the pattern is right
	for _, folder := range folders {
		path := filepath.Join(root, folder)
		if info, err := os.Lstat(path); err == nil && info.IsDir() && time.Since(info.ModTime()) > abandoned {
			_ = os.RemoveAll(path)
		}
	}
}

// keep moves what the engine has stored in the folder code to the name of the skeleton. The engine alone knows names: it is made to
// compile the skeleton, beside.
func (c *cache) keep(m *Module, limits Limits, scratch string) error {
	beside, err := compile(context.Background(), m, c.skeleton, limits, filepath.Join(scratch, "skeleton"))
	if err != nil {
		return err
	}
	if err := beside.close(); err != nil {
		return err
	}
	code, err := stored(filepath.Join(scratch, "code"))
	if err != nil {
		return err
	}
	name, err := stored(filepath.Join(scratch, "skeleton"))
	if err != nil {
		return err
	}
	return os.Rename(filepath.Join(scratch, "code", code), filepath.Join(c.folder, name))
}

// stored returns the path of the one file that the engine has stored in a folder: in one of its own for each of its versions.
func stored(folder string) (string, error) {
	paths, err := fs.Glob(os.DirFS(folder), "*/*")
	if err == nil && len(paths) != 1 {
		err = fmt.Errorf("%d files in %s", len(paths), folder)
	}
	if err != nil {
		return "", err
	}
	return paths[0], nil
}
