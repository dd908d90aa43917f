// Package discover finds the connectors of a repository by their folders. It runs nothing.
package discover

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// A Folder is one connector as its folder shows it, before anything is built.
type Folder struct {
	Name      string             // the folder's own name, which must be the connector's
	Direction metadata.Direction // from the folder above
	Path      string             // relative to the root, with slashes
	Dir       string             // absolute
	Go        bool               // holds a Go program
	OwnRules  []string           // rules that the folder's own Makefile has: build, metadata, test
	Makefiles []string           // the Makefile and what it includes, relative to the root with slashes
}

// Has tells whether the folder's own Makefile has a rule for a target.
func (f Folder) Has(target string) bool { return slices.Contains(f.OwnRules, target) }

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*-(source|sink)$`)
	directions = []struct {
		folder    string
		direction metadata.Direction
	}{{"sources", metadata.Source}, {"sinks", metadata.Sink}}
)

// Folders lists the connectors under root, sorted by name, and what is wrong with folders that are none. A folder with a
// finding is left out: its name has not been proved fit to be a file name. It fails only if root cannot be read.
func Folders(root string) ([]Folder, []finding.Finding, error) {
	var (
		folders  []Folder
		findings []finding.Finding
		seen     = map[string]string{} // case-folded name to path
	)
	for _, d := range directions {
		parent := "connectors/" + d.folder
		entries, err := os.ReadDir(filepath.Join(root, parent))
		if err != nil && !os.IsNotExist(err) {
			return nil, nil, err
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".") || entry.Type().IsRegular() {
				continue // a README or an editor's file beside the folders is no connector
			}
			f := Folder{Name: entry.Name(), Direction: d.direction, Path: parent + "/" + entry.Name()}
			f.Dir = filepath.Join(root, filepath.FromSlash(f.Path))
			bad := check(&f, root, entry, seen)
			if len(bad) > 0 {
				findings = append(findings, bad...)
				continue
			}
			folders = append(folders, f)
		}
	}
	slices.SortFunc(folders, func(a, b Folder) int { return strings.Compare(a.Name, b.Name) })
	return folders, findings, nil
}

// check fills in what the folder holds and returns what is wrong with it.
func check(f *Folder, root string, entry os.DirEntry, seen map[string]string) []finding.Finding {
	name := finding.Printable(f.Name)
	bad := func(rule, message, fix string) finding.Finding {
		return finding.Finding{Connector: name, Rule: rule, Where: finding.Printable(f.Path), Message: message, Fix: fix}
	}
	var findings []finding.Finding
	if !entry.IsDir() {
		return append(findings, bad("folder-is-folder", "is neither a folder nor a file", "remove it; links are not followed"))
	}
	if !nameForm.MatchString(f.Name) {
		findings = append(findings, bad("folder-name", "the name is not lower-case words joined by hyphens, ending in -source or -sink",
			"rename the folder, such as my-system-"+string(f.Direction)))
	} else if !strings.HasSuffix(f.Name, "-"+string(f.Direction)) {
		findings = append(findings, bad("folder-direction", fmt.Sprintf("a %s does not belong under connectors/%ss", suffix(f.Name), f.Direction),
			fmt.Sprintf("move it to connectors/%ss or rename it", suffix(f.Name))))
	}
	folded := strings.ToLower(f.Name)
	if other, ok := seen[folded]; ok {
		findings = append(findings, bad("folder-unique", "the name is taken by "+finding.Printable(other), "choose another"))
	}
	seen[folded] = f.Path

	goFiles, err := filepath.Glob(filepath.Join(globEscape(f.Dir), "*.go"))
	if err != nil {
		findings = append(findings, bad("folder-read", err.Error(), ""))
	}
	f.Go = slices.ContainsFunc(goFiles, func(path string) bool { return !strings.HasSuffix(path, "_test.go") })
	if _, err := os.Stat(filepath.Join(f.Dir, "Makefile")); err != nil {
		return append(findings, bad("makefile", "there is no Makefile", "write one: a connector in Go needs one include line"))
	}
	files, rules, err := makefiles(root, f.Path)
	if err != nil {
		return append(findings, bad("makefile-include", err.Error(), "write the include's path out, relative to the folder"))
	}
	f.Makefiles = files
	f.OwnRules = rules[0]
	if !slices.ContainsFunc(rules, func(targets []string) bool { return slices.Contains(targets, "test") }) {
		findings = append(findings, bad("test-target", "the Makefile has no test rule", "include connectors/connector.mk or write a test rule"))
	}
	if !f.Go && !f.Has("build") && !f.Has("metadata") {
		findings = append(findings, bad("build-target", "there is neither a Go program nor a build rule",
			"add main.go, or a build rule that leaves the program at $(BIN)"))
	}
	return findings
}

// suffix returns the word after the last hyphen.
func suffix(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

// globEscape makes a folder's name match itself only.
func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
