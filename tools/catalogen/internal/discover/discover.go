// Package discover finds the connectors of a repository by their folders. It runs nothing.
package discover

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// A Folder is one connector as its folder shows it, before anything is built.
type Folder struct {
	Name      string             // the folder's own name, which must be the connector's
	Direction metadata.Direction // from the folder above
	Path      string             // relative to the root, with slashes
	Dir       string             // absolute
	Go        bool               // holds a Go program
	OwnRules  []string           // rules of the folder's own makefiles: build, test
	Makefiles []string           // the Makefile and what it includes, relative to the root with slashes
}

// Has tells whether the folder's own makefiles have a rule for a target.
func (f Folder) Has(target string) bool { return slices.Contains(f.OwnRules, target) }

var directions = []place{{"sources", metadata.Source}, {"sinks", metadata.Sink}}

// A place is a folder of connectors and the direction of those in it.
type place struct {
	folder    string
	direction metadata.Direction
}

// Folders lists the connectors under root, sorted by name, and what is wrong with folders that are none. A folder with a
// finding is left out: its name has not been proved fit to be a file name. It fails only if root cannot be read.
func Folders(root string) ([]Folder, []finding.Finding, error) {
	var (
		folders  []Folder
		findings []finding.Finding
		seen     = map[string]string{} // case-folded name to path
	)
	misplaced, err := misplaced(root)
	if err != nil {
		return nil, nil, err
	}
	findings = append(findings, misplaced...)
	for _, d := range directions {
		parent := "connectors/" + d.folder
		if info, err := os.Lstat(filepath.Join(root, parent)); err == nil && !info.IsDir() {
			continue // misplaced has told
		}
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

// misplaced finds folders beside connectors/sources and connectors/sinks: a connector in one would be missed in silence.
func misplaced(root string) ([]finding.Finding, error) {
	entries, err := os.ReadDir(filepath.Join(root, "connectors"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var findings []finding.Finding
	for _, entry := range entries {
		known := slices.ContainsFunc(directions, func(d place) bool { return d.folder == entry.Name() })
		if known && entry.IsDir() || !known && (strings.HasPrefix(entry.Name(), ".") || entry.Type().IsRegular()) {
			continue
		}
		name := finding.Line(entry.Name())
		bad := finding.Finding{
			Connector: name, Rule: "folder-place", Where: "connectors/" + name,
			Message: "connectors lie in connectors/sources or connectors/sinks; nothing here is published",
			Fix:     "move it there, or out of connectors/",
		}
		if known {
			bad.Message, bad.Fix = "is no folder", "make it one; links are not followed"
		}
		findings = append(findings, bad)
	}
	return findings, nil
}

// check fills in what the folder holds and returns what is wrong with it.
func check(f *Folder, root string, entry os.DirEntry, seen map[string]string) []finding.Finding {
	name := finding.Line(f.Name)
	bad := func(rule, message, fix string) finding.Finding {
		return finding.Finding{Connector: name, Rule: rule, Where: finding.Line(f.Path), Message: message, Fix: fix}
	}
	var findings []finding.Finding
	if !entry.IsDir() {
		return append(findings, bad("folder-is-folder", "is neither a folder nor a file", "remove it; links are not followed"))
	}
	if !schema.ValidName(f.Name) {
		findings = append(findings, bad("folder-name", "the name is not lower-case words joined by hyphens, ending in -source or -sink",
			"rename the folder, such as my-system-"+string(f.Direction)))
	} else if !strings.HasSuffix(f.Name, "-"+string(f.Direction)) {
		findings = append(findings, bad("folder-direction", fmt.Sprintf("a %s does not belong under connectors/%ss", suffix(f.Name), f.Direction),
			fmt.Sprintf("move it to connectors/%ss or rename it", suffix(f.Name))))
	}
	folded := strings.ToLower(f.Name)
	if other, ok := seen[folded]; ok {
		findings = append(findings, bad("folder-unique", "the name is taken by "+finding.Line(other), "choose another"))
	}
	seen[folded] = f.Path

	findings = append(findings, checkFiles(f, bad)...)
	if info, err := os.Stat(filepath.Join(f.Dir, "Makefile")); err != nil || !info.Mode().IsRegular() {
		return append(findings, bad("makefile", "there is no Makefile", "write one; "+includes))
	}
	files, rules, err := makefiles(root, f.Path)
	if err != nil {
		return append(findings, bad("makefile-include", err.Error(), includes))
	}
	f.Makefiles = files
	for i, file := range files {
		if strings.HasPrefix(file, f.Path+"/") {
			f.OwnRules = append(f.OwnRules, rules[i]...)
		}
	}
	if !slices.ContainsFunc(rules, func(targets []string) bool { return slices.Contains(targets, "test") }) {
		findings = append(findings, bad("test-target", "the Makefile has no test rule", includes+", or write a test rule"))
	}
	if !f.Go && !f.Has("build") { // a program that is not there cannot be examined, whatever it says of itself
		findings = append(findings, bad("build-target", "there is neither a Go program nor a build rule",
			"add main.go, or a build rule that leaves the program at $(BIN)"))
	}
	return findings
}

// includes is the whole Makefile of most connectors.
const includes = "the line of a connector in Go is: include ../../connector.mk"

// suffix returns the word after the last hyphen.
func suffix(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }
