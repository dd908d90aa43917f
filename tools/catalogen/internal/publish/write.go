package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/replace"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
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

// Compare tells how a catalog's folder differs from what it should hold, sorted by path. The site and the documents for hosts
// are compared only on request, because they are not committed.
func Compare(dir string, want map[string][]byte, withRendered bool) ([]Change, error) {
	var changes []Change
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if !withRendered && rendered(path) {
			continue
		}
		have, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			changes = append(changes, Change{path, "missing"})
		case err != nil:
			return nil, err
		case !bytes.Equal(have, want[path]):
			changes = append(changes, Change{path, "differs"})
		}
	}
	for _, part := range owned {
		if rendered(part) && !withRendered {
			continue
		}
		err := filepath.WalkDir(filepath.Join(dir, part), func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			path, err := filepath.Rel(dir, name)
			if err != nil {
				return err
			}
			if _, ok := want[filepath.ToSlash(path)]; !ok {
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

// Write makes dir hold the given files. All that is new is written beside dir first, so that a full disk or a crash
// leaves the old catalog whole; then a catalog where there was none is renamed into place as a whole, else each file in
// publishing order. Files that are right already are not touched. It returns what changed.
func Write(dir string, want map[string][]byte) ([]Change, error) {
	changes, err := Compare(dir, want, true)
	if err != nil || len(changes) == 0 {
		return changes, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	staging, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-staging-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(staging)
	fresh := filepath.Join(staging, "catalog") // the folder around it is private, as temporary ones are
	err = parallel.Each(context.Background(), runtime.GOMAXPROCS(0), len(changes), func(_ context.Context, i int) error {
		if changes[i].Kind == "left over" {
			return nil
		}
		return stage(filepath.Join(fresh, filepath.FromSlash(changes[i].Path)), want[changes[i].Path])
	})
	if err != nil {
		return nil, fmt.Errorf("stage the catalog: %w", err)
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return changes, os.Rename(fresh, dir)
	}
	for _, c := range publishingOrder(changes) {
		target := filepath.Join(dir, filepath.FromSlash(c.Path))
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

// WriteReadmes writes the READMEs and changelogs that differ, each by a rename, and returns what changed.
func WriteReadmes(root string, want map[string][]byte) ([]Change, error) {
	changes, err := CompareReadmes(root, want)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		if err := replace.File(filepath.Join(root, filepath.FromSlash(c.Path)), want[c.Path], 0o644); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// CompareReadmes tells which READMEs and changelogs differ from what they should say.
func CompareReadmes(root string, want map[string][]byte) ([]Change, error) {
	var changes []Change
	for _, path := range slices.Sorted(maps.Keys(want)) {
		have, err := rooted.Read(root, path, readme.Max)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a changelog, until it is made
			changes = append(changes, Change{path, "missing"})
		case err != nil:
			return nil, err
		case !bytes.Equal(have, want[path]):
			changes = append(changes, Change{path, "differs"})
		}
	}
	return changes, nil
}

func stage(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
