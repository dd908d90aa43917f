package publish

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/replace"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
)

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
