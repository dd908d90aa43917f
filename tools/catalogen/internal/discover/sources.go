package discover

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

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
