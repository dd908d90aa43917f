// Package inputs computes what a connector's program and tests are made from, as one digest. Evidence belongs to that
// digest: the same inputs need no second run, and other inputs make old evidence worthless.
//
// The digest is the same on every machine. What differs between machines (the Go release, the platform) is part of the
// key of the local cache, not of the digest, because the digest is committed.
package inputs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// Gate is the version of the gate's own rules and black-box suites. Raise it when a rule begins to see more, and every
// connector is examined again.
const Gate = "1"

// A Digester computes input digests for the connectors of one repository. It reads every file once. It may be used
// concurrently.
type Digester struct {
	root    string
	graph   *Graph
	drivers []string
	mu      sync.Mutex
	files   map[string]string // path relative to root, with slashes, to content digest
}

// NewDigester returns a Digester for a repository with a given import graph, which is nil if there is no Go connector.
// Drivers are the folders of programs that the tests of every Go connector use; the graph must hold them.
func NewDigester(root string, graph *Graph, drivers []string) *Digester {
	return &Digester{root: root, graph: graph, drivers: drivers, files: map[string]string{}}
}

// Digest returns sha256:<hex> over everything the connector and its tests are made from.
func (d *Digester) Digest(f discover.Folder) (string, error) {
	lines := []string{"gate " + Gate}
	paths := slices.Clone(f.Makefiles)
	for _, dir := range []string{f.Path, "test"} {
		found, err := walk(d.root, dir)
		if err != nil {
			return "", err
		}
		paths = append(paths, found...)
	}
	shared, err := filepath.Glob(filepath.Join(d.root, "connectors", "*.mk"))
	if err != nil {
		return "", err
	}
	for _, file := range shared {
		paths = append(paths, "connectors/"+filepath.Base(file))
	}
	if f.Go {
		files, modules, err := d.graph.Of(append([]string{f.Path}, d.drivers...)...)
		if err != nil {
			return "", err
		}
		paths = append(paths, files...)
		lines = append(lines, modules...)
	}
	slices.Sort(paths)
	for _, p := range slices.Compact(paths) {
		digest, err := d.file(p)
		if err != nil {
			return "", err
		}
		lines = append(lines, "file "+p+" "+digest)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n") + "\n"))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// file returns the digest of a file's content and of whether it may be run. The generated block of a README is left out,
// because the catalog writes it.
func (d *Digester) file(p string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if digest, ok := d.files[p]; ok {
		return digest, nil
	}
	name := filepath.Join(d.root, filepath.FromSlash(p))
	info, err := os.Lstat(name)
	if err != nil {
		return "", err
	}
	var text []byte
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(name)
		if err != nil {
			return "", err
		}
		text = []byte(target)
	} else if text, err = os.ReadFile(name); err != nil {
		return "", err
	}
	if path.Base(p) == "README.md" {
		text = readme.Strip(text)
	}
	sum := sha256.Sum256(text)
	kind := "data"
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		kind = "link"
	case info.Mode()&0o100 != 0:
		kind = "program"
	}
	digest := kind + ":" + hex.EncodeToString(sum[:])
	d.files[p] = digest
	return digest, nil
}

// outputs are folder names that hold what a build or a test run makes, in any language the catalog has met.
var outputs = []string{"bin", "build", "node_modules", "__pycache__", "target"}

// walk lists the files under a folder, without hidden ones and without build outputs. A folder that is not there has none.
func walk(root, dir string) ([]string, error) {
	var files []string
	base := filepath.Join(root, filepath.FromSlash(dir))
	err := filepath.WalkDir(base, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) && name == base {
				return nil
			}
			return err
		}
		if name != base && strings.HasPrefix(entry.Name(), ".") || entry.IsDir() && slices.Contains(outputs, entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		files = append(files, filepath.ToSlash(relative))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list inputs of %s: %w", dir, err)
	}
	return files, nil
}
