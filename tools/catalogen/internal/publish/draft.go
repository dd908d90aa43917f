package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// owned are the parts of the catalog's folder that catalogen writes and clears. Everything else there is left alone.
var owned = []string{"connectors", "schemas", "site", "hosts", "index.json"}

// rendered reports whether a path below the catalog's folder is in a part that is not committed.
func rendered(path string) bool {
	return path == "site" || path == "hosts" || strings.HasPrefix(path, "site/") || strings.HasPrefix(path, "hosts/")
}

// A Change is one file that differs from what the catalog should hold.
type Change struct {
	Path string // relative to the folder that was compared, with slashes
	Kind string // missing, differs or left over
}

// A Draft is a catalog in the making. Each file that is put into it is held against the catalog's folder at once and then let
// go of: however many connectors there are, few of their files are in memory. What differs waits beside the folder, so that
// a full disk or a crash leaves the old catalog whole.
type Draft struct {
	dir     string
	publish bool

	mu      sync.Mutex
	kinds   map[string]string // of the change that each file is, by its path; "" if it is right already
	staging string            // a folder of our own, with what differs in catalog; "" until something does
	err     error             // the first
}

// NewDraft returns a draft of the catalog in a folder, which need not be there. One that is not to be published writes nothing
// anywhere, and leaves out the site and the documents for hosts, because they are not committed. It must be closed.
func NewDraft(dir string, publish bool) *Draft {
	return &Draft{dir: dir, publish: publish, kinds: map[string]string{}}
}

// Put takes a file of the catalog, by its path below the catalog's folder, with slashes. It may be called concurrently. What
// goes wrong is told by Changes and Publish.
func (d *Draft) Put(path string, text []byte) {
	if !d.publish && rendered(path) {
		return
	}
	kind, err := "", error(nil)
	switch have, failed := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(path))); {
	case errors.Is(failed, fs.ErrNotExist):
		kind = "missing"
	case failed != nil:
		err = failed
	case !bytes.Equal(have, text):
		kind = "differs"
	}
	if kind != "" && d.publish {
		err = d.stage(path, text)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kinds[path] = kind
	if d.err == nil {
		d.err = err
	}
}

// stage writes a file beside the catalog's folder.
func (d *Draft) stage(path string, text []byte) error {
	fresh, err := d.fresh()
	if err != nil {
		return fmt.Errorf("stage the catalog: %w", err)
	}
	name := filepath.Join(fresh, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("stage the catalog: %w", err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("stage the catalog: %w", err)
	}
	return nil
}

// fresh returns the folder of what differs. It is on the file system on which the catalog will be, for it is moved by renames,
// and in one that is private, as temporary ones are.
func (d *Draft) fresh() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.staging == "" {
		parent := filepath.Dir(d.dir)
		for _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist); _, err = os.Stat(parent) {
			parent = filepath.Dir(parent)
		}
		var err error
		if d.staging, err = os.MkdirTemp(parent, "."+filepath.Base(d.dir)+"-staging-"); err != nil {
			return "", err
		}
	}
	return filepath.Join(d.staging, "catalog"), nil
}

// Changes tells how the catalog's folder differs from the draft when all of it is put, sorted by path.
func (d *Draft) Changes() ([]Change, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	var changes []Change
	for path, kind := range d.kinds {
		if kind != "" {
			changes = append(changes, Change{path, kind})
		}
	}
	for _, part := range owned {
		if rendered(part) && !d.publish {
			continue
		}
		err := filepath.WalkDir(filepath.Join(d.dir, part), func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			path, err := filepath.Rel(d.dir, name)
			if err != nil {
				return err
			}
			if _, ok := d.kinds[filepath.ToSlash(path)]; !ok {
				changes = append(changes, Change{filepath.ToSlash(path), "left over"})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, nil
}

// Publish makes the catalog's folder hold what was put, when all of it is: a catalog where there was none is renamed into
// place as a whole, else each file in publishing order. Files that are right already are not touched. It returns what changed.
func (d *Draft) Publish() ([]Change, error) {
	changes, err := d.Changes()
	if err != nil || len(changes) == 0 {
		return changes, err
	}
	if err := os.MkdirAll(filepath.Dir(d.dir), 0o755); err != nil {
		return nil, err
	}
	fresh := filepath.Join(d.staging, "catalog")
	if _, err := os.Lstat(d.dir); errors.Is(err, fs.ErrNotExist) {
		return changes, os.Rename(fresh, d.dir)
	}
	for _, c := range publishingOrder(changes) {
		target := filepath.Join(d.dir, filepath.FromSlash(c.Path))
		if c.Kind == "left over" {
			if err := os.Remove(target); err != nil {
				return nil, err
			}
			_ = os.Remove(filepath.Dir(target)) // only if that left it empty
			continue
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return nil, err
		}
		if err := os.Rename(filepath.Join(fresh, filepath.FromSlash(c.Path)), target); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// Close throws away what was not published.
func (d *Draft) Close() {
	if d.staging != "" {
		_ = os.RemoveAll(d.staging)
	}
}

// publishingOrder puts new files first, then the index, then removals: whoever reads the catalog in between, or finds it as a
// crash left it, has an index whose files are all there.
func publishingOrder(changes []Change) []Change {
	step := func(c Change) int {
		switch {
		case c.Kind == "left over":
			return 2
		case c.Path == "index.json":
			return 1
		}
		return 0
	}
	ordered := slices.Clone(changes)
	slices.SortStableFunc(ordered, func(a, b Change) int { return step(a) - step(b) })
	return ordered
}
