package inputs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// coarse is more than the clock may lag that a file system takes its times from.
const coarse = 50 * time.Millisecond

// Since makes Untouched look back to an earlier time than that at which the Digester was made, for what somebody has read
// since then. It must not be called while the Digester is used.
func (d *Digester) Since(began time.Time) { d.began = began }

// Untouched reports whether nothing that the digests so far depend on has been changed since the Digester was made. It costs
// next to nothing: the system notes when a file, or the list of a folder, was last changed in any way, and no program sets that
// time. False means that the digests may be others by now.
func (d *Digester) Untouched(ctx context.Context) (bool, error) {
	now, err := list(ctx, d.root)
	if err != nil {
		return false, err
	}
	if !slices.Equal(now, d.listed) {
		return false, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	looked := map[string]bool{}
	for file := range d.files {
		for p := file; !looked[p]; p = path.Dir(p) { // a folder that was moved here brings files that nobody touched
			looked[p] = true
			if touched, err := d.touched(p); touched || err != nil {
				return false, err
			}
			if p == "." || p == "/" {
				break
			}
		}
	}
	for dir := d.root; ; dir = filepath.Dir(dir) { // go.mod may lie above, and a go.work
		for _, name := range []string{"go.mod", "go.sum", "go.work"} {
			if touched, err := d.since(filepath.Join(dir, name)); touched || err != nil {
				return false, err
			}
		}
		if dir == filepath.Dir(dir) {
			return true, nil
		}
	}
}

// touched looks at what a path is, and at what it leads to.
func (d *Digester) touched(p string) (bool, error) {
	name := filepath.Join(d.root, filepath.FromSlash(p))
	target, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	for _, name := range []string{name, target} {
		if touched, err := d.since(name); touched || err != nil {
			return true, err
		}
	}
	return false, nil
}

// since tells whether something was changed since the beginning. What is not there was not.
func (d *Digester) since(name string) (bool, error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	changed, known := changeTime(info)
	return !known || changed.After(d.began.Add(-coarse)), nil
}
