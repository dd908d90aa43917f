// Package inputs computes what a connector's program and tests are made from, as one digest. Evidence belongs to that
// digest: the same inputs need no second run, and other inputs make old evidence worthless.
//
// The digest is the same on every machine. What differs between machines (the Go release, the platform) is part of the
// key of the local cache, not of the digest, because the digest is committed.
package inputs

import (
	"context"
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
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// gate stands for what the gate itself sees and tries: when it begins to see more, every connector is examined again.
var gate = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, source := range gateSources {
		err := fs.WalkDir(source.files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(source.files, name)
			fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
			return err
		})
		if err != nil {
			panic(err) // they are part of this program
		}
	}
	sum.Write(schema.Metadata)
	return hex.EncodeToString(sum.Sum(nil))
})

// A Digester computes input digests for the connectors of one repository, as their files are when it is asked for the first
// time. It reads every file once. It may be used concurrently.
type Digester struct {
	root    string
	began   time.Time // before anything was looked at
	graph   *Graph
	drivers []string
	listed  []string // what is not left out of connectors/ and test/
	mu      sync.Mutex
	files   map[string]string // path relative to root, with slashes, to content digest
}

// NewDigester returns a Digester for connectors of a repository. It asks the go command what those in Go and the drivers
// import, and git what it ignores. Drivers are the folders of Go programs that the tests of every connector may use.
func NewDigester(ctx context.Context, root string, folders []discover.Folder, drivers []string) (*Digester, error) {
	d := &Digester{root: root, began: time.Now(), drivers: drivers, files: map[string]string{}}
	var err error
	if d.listed, err = list(ctx, root); err != nil {
		return nil, err
	}
	wanted := slices.Clone(drivers)
	for _, f := range folders {
		if f.Go {
			wanted = append(wanted, f.Path, f.Path+"/...") // make test runs the tests of the packages below too
		}
	}
	if len(wanted) > 0 {
		slices.Sort(wanted)
		if d.graph, err = Load(ctx, root, slices.Compact(wanted)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Digest returns sha256:<hex> over everything the connector and its tests are made from: its Inputs.
func (d *Digester) Digest(f discover.Folder) (string, error) {
	lines, err := d.Inputs(f)
	if err != nil {
		return "", err
	}
	return evidence.Digest([]byte(strings.Join(lines, "\n") + "\n")), nil
}

// Inputs returns a line for each thing that the connector and its tests are made from: "gate DIGEST", "go VERSION",
// "module PATH VERSION SUM…" and "file PATH DIGEST", in an order that is always the same. The error tells what of that can
// be no input.
func (d *Digester) Inputs(f discover.Folder) ([]string, error) {
	lines := []string{"gate " + gate()}
	paths := slices.Clone(f.Makefiles)
	for _, file := range d.listed {
		switch {
		case strings.HasPrefix(file, f.Path+"/"):
			if err := d.within(f, file); err != nil {
				return nil, err
			}
			if file != f.Path+"/"+readme.ChangelogFile { // which the catalog writes, and no program reads
				paths = append(paths, file)
			}
		case shared(file):
			paths = append(paths, file)
		}
	}
	if !slices.Contains(d.listed, f.Path+"/Makefile") {
		return nil, fmt.Errorf("git ignores %s/Makefile: a connector that cannot be committed has no evidence", f.Path)
	}
	if f.Go || len(d.drivers) > 0 {
		tested := ""
		if f.Go {
			tested = f.Path
		}
		files, modules, err := d.graph.Of(tested, d.drivers...)
		if err != nil {
			return nil, err
		}
		paths = append(paths, files...)
		lines = append(lines, modules...)
	}
	slices.Sort(paths)
	for _, p := range slices.Compact(paths) {
		digest, err := d.file(p)
		if err != nil {
			return nil, err
		}
		lines = append(lines, "file "+p+" "+digest)
	}
	return lines, nil
}

// within refuses a link that leaves the connector's folder: what it leads to may change and nobody would see it.
func (d *Digester) within(f discover.Folder, file string) error {
	name := filepath.Join(d.root, filepath.FromSlash(file))
	info, err := os.Lstat(name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return err
	}
	folder, err := filepath.EvalSymlinks(f.Dir)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return fmt.Errorf("%s: the link leads nowhere", file)
	}
	if !strings.HasPrefix(target, folder+string(filepath.Separator)) {
		return fmt.Errorf("%s: the link leaves the connector's folder", file)
	}
	return nil
}

// maxFile is how many bytes an input may hold: all are read, and one that is mostly a hole is made in no time.
const maxFile = 256 << 20

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
	kind, target := "data", ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(name); err != nil {
			return "", err
		}
		kind = "link"
		if info, err = os.Stat(name); err != nil {
			return "", err
		}
	} else if info.Mode()&0o100 != 0 {
		kind = "program"
	}
	var text []byte
	switch {
	case info.Mode().IsRegular() && info.Size() > maxFile:
		return "", fmt.Errorf("%s holds %d bytes; at most %d", p, info.Size(), maxFile)
	case info.Mode().IsRegular():
		if text, err = os.ReadFile(name); err != nil {
			return "", err
		}
	case info.IsDir() && kind == "link": // its files are listed where they are
	default:
		return "", fmt.Errorf("%s is no file", p) // to read a pipe would be to wait for ever
	}
	if path.Base(p) == "README.md" {
		text = readme.Strip(text)
	}
	sum := sha256.Sum256(slices.Concat([]byte(target), text))
	digest := kind + ":" + hex.EncodeToString(sum[:])
	d.files[p] = digest
	return digest, nil
}
