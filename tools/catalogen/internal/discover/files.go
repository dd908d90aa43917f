package discover

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// checkFiles fills in whether the folder holds a Go program and returns what is wrong with its files by their names and kinds
// alone, each made by bad.
func checkFiles(f *Folder, bad func(rule, message, fix string) finding.Finding) []finding.Finding {
	files, err := os.ReadDir(f.Dir) // for the very names: some systems take Makefile for makefile when they are asked
	if err != nil {
		return []finding.Finding{bad("folder-read", err.Error(), "let it be readable")}
	}
	var findings []finding.Finding
	for _, file := range files {
		name := file.Name()
		f.Go = f.Go || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
		if name == "GNUmakefile" || name == "makefile" {
			findings = append(findings, bad("makefile", "make reads "+name+" in place of the Makefile", "keep the Makefile alone; "+includes))
		}
	}
	if !f.Go {
		return findings
	}
	odd, err := oddSources(f.Dir)
	if err != nil {
		findings = append(findings, bad("folder-read", err.Error(), "let it be readable"))
	}
	for _, name := range odd {
		findings = append(findings, bad("go-files", finding.Line(name)+" is no file", "let it be a file of the folder itself; links are not followed"))
	}
	return findings
}

// compiled are the endings of what the go command opens in a package's folder (fileListForExt of go/build; it does not read .syso).
var compiled = strings.Fields(".go .c .cc .cpp .cxx .m .h .hh .hpp .hxx .f .F .for .f90 .s .S .sx .swig .swigcxx")

// oddSources returns what the go command would open in a folder and below, and what is no regular file: one command reads the
// packages of all connectors, and a pipe, or a link to one, would have it wait for ever and name nobody. The names are relative
// to the folder, with slashes.
func oddSources(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Type().IsRegular() || !slices.Contains(compiled, filepath.Ext(path)) {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	return names, err
}
