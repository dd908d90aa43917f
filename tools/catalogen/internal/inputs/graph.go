package inputs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A Graph is the Go import graph of every connector and its tests. It is never changed after Load.
type Graph struct {
	language string              // go.mod's go line
	packages map[string]pkg      // by import path, test variants included
	folders  map[string]string   // import path by folder, relative to the root with slashes
	sums     map[string][]string // go.sum's lines by "path version"
}

type pkg struct {
	files   []string // relative to the root, with slashes; only for packages of the main module and of folders that stand for others
	imports []string
	module  string // "path version" for a package of another module
	broken  string // why the go command cannot tell what it is made from
}

// listed is what go list says of one package; the fields are named in its command line, which spares half its time.
type listed struct {
	Dir, ImportPath, Name string
	Standard              bool
	Module                *struct {
		Path, Version string
		Main          bool
		Replace       *struct{ Path, Version, Dir string }
	}
	GoFiles, CgoFiles, CFiles, HFiles, SFiles, SysoFiles, EmbedFiles []string
	Imports                                                          []string
	Error                                                            *struct{ Pos, Err string }
}

const fields = "Dir,ImportPath,Name,Standard,Module,GoFiles,CgoFiles,CFiles,HFiles,SFiles,SysoFiles,EmbedFiles,Imports,Error"

// ErrGo means that the go command cannot tell what a connector and its tests are made from.
var ErrGo = errors.New("go list")

// Load asks go list for everything that the packages in the given folders and their tests are made from; a folder that ends in
// /... stands for all below it too. The platform is fixed, so that a digest is the same on every machine. Programs are built
// without cgo and tests with it, so both are asked for.
func Load(ctx context.Context, root string, folders []string) (*Graph, error) {
	module, err := moduleRoot(root)
	if err != nil {
		return nil, err
	}
	g := &Graph{packages: map[string]pkg{}, folders: map[string]string{}, sums: map[string][]string{}}
	if err := g.readModule(module); err != nil {
		return nil, err
	}
	cgo := []string{"CGO_ENABLED=0", "CGO_ENABLED=1"}
	lists := make([][]listed, len(cgo))
	err = parallel.Each(ctx, len(cgo), len(cgo), func(ctx context.Context, i int) error {
		var err error
		lists[i], err = goList(ctx, root, folders, cgo[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, l := range slices.Concat(lists...) {
		if err := g.add(root, l); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// goList asks the go command about the packages in folders, their tests and everything that they import.
func goList(ctx context.Context, root string, folders []string, cgo string) ([]listed, error) {
	// Without -buildvcs=false it would ask git what to stamp on programs that it does not build.
	argv := []string{"go", "list", "-e", "-deps", "-test", "-mod=readonly", "-buildvcs=false", "-json=" + fields}
	for _, folder := range folders {
		argv = append(argv, "./"+folder)
	}
	result, err := proc.Run(ctx, proc.Spec{
		Argv: argv, Dir: root, Env: proc.Environ(cgo, "GOOS=linux", "GOARCH=amd64"),
		Deadline: 2 * time.Minute, MaxStdout: 256 << 20, MaxStderr: 1 << 20,
	})
	if err == nil && result.Status != 0 {
		err = errors.New(proc.Tail(result.Stderr, 10))
	}
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(result.Stdout)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, l)
	}
}

// add takes one package up, beside what is known of it already. The standard library is left out: it comes with the Go
// release.
func (g *Graph) add(root string, l listed) error {
	p, known := g.packages[l.ImportPath]
	switch {
	case l.Error == nil:
		p.broken = "" // all of its files may need cgo
	case !known:
		p.broken = l.Error.Err
		if l.Error.Pos != "" {
			p.broken = l.Error.Pos + ": " + p.broken
		}
	}
	if l.Standard && p.broken == "" {
		return nil
	}
	p.imports = append(p.imports, l.Imports...)
	// A module that is replaced by a folder has no version that stands for its files.
	if m := l.Module; m != nil && !m.Main && (m.Replace == nil || m.Replace.Version != "") {
		p.module = m.Path + " " + m.Version
		if m.Replace != nil {
			p.module = m.Replace.Path + " " + m.Replace.Version
		}
		g.packages[l.ImportPath] = p
		return nil
	}
	if l.Dir != "" && !strings.ContainsRune(l.ImportPath, ' ') && !strings.HasSuffix(l.ImportPath, ".test") {
		folder, err := filepath.Rel(root, l.Dir)
		if err != nil {
			return err
		}
		g.folders[filepath.ToSlash(folder)] = l.ImportPath
	}
	for _, list := range [][]string{l.GoFiles, l.CgoFiles, l.CFiles, l.HFiles, l.SFiles, l.SysoFiles, l.EmbedFiles} {
		for _, file := range list {
			if filepath.IsAbs(file) {
				continue // the main package that go test makes up lies in the build cache
			}
			relative, err := filepath.Rel(root, filepath.Join(l.Dir, file))
			if err != nil {
				return err
			}
			p.files = append(p.files, filepath.ToSlash(relative))
		}
	}
	g.packages[l.ImportPath] = p
	return nil
}

// moduleRoot finds the folder of the main module, which may lie above root, as it does for test data.
func moduleRoot(root string) (string, error) {
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no go.mod at %s or above", root)
		}
	}
}

// readModule reads the main module's language and the checksums of the others.
func (g *Graph) readModule(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == "go" {
			g.language = words[1]
		}
	}
	sums, err := os.Open(filepath.Join(root, "go.sum"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer sums.Close()
	lines := bufio.NewScanner(sums)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 3 {
			key := words[0] + " " + strings.TrimSuffix(words[1], "/go.mod")
			g.sums[key] = append(g.sums[key], words[2])
		}
	}
	return lines.Err()
}

// Of returns the main module's files from which the packages in the tested folder, if there is one, and below it are made, with
// their tests, and the packages in the other folders without their tests. It also returns a line for the language and for each
// other module. Both are sorted.
func (g *Graph) Of(tested string, folders ...string) (files, modules []string, err error) {
	var queue []string
	for _, folder := range append([]string{tested}, folders...) {
		if folder == "" {
			continue
		}
		path, ok := g.folders[folder]
		if !ok {
			return nil, nil, fmt.Errorf("%s: go list does not know the package", folder)
		}
		queue = append(queue, path)
	}
	for _, folder := range slices.Sorted(maps.Keys(g.folders)) {
		if path := g.folders[folder]; tested != "" && (folder == tested || strings.HasPrefix(folder, tested+"/")) {
			queue = append(queue, path, path+".test") // it imports p [p.test] and p_test [p.test], as go list names them
		}
	}
	seen := map[string]bool{}
	for len(queue) > 0 {
		path := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		p, ok := g.packages[path]
		if seen[path] || !ok {
			continue
		}
		seen[path] = true
		if p.broken != "" {
			return nil, nil, fmt.Errorf("%w: %s", ErrGo, p.broken)
		}
		if p.module != "" {
			modules = append(modules, "module "+p.module+" "+strings.Join(g.sums[p.module], " "))
		}
		files = append(files, p.files...)
		queue = append(queue, p.imports...)
	}
	modules = append(modules, "go "+g.language)
	slices.Sort(files)
	slices.Sort(modules)
	return slices.Compact(files), slices.Compact(modules), nil
}
