// Package literal finds where a connector's source says its version, and sets it there.
package literal

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/replace"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
)

// ErrNone means that a version is not written as one literal in Go, so that people have to set it.
var ErrNone = errors.New("the version is not one literal in Go source")

// maxFile is how many bytes a file may hold in which a version is looked for. None that people write comes near.
const maxFile = 1 << 20

// A Place is where a version is written.
type Place struct {
	Path string // relative to the repository's root, with slashes
	Line int

	file    string // absolute
	literal string // as it stands there, with its quotes
	offset  int
}

// String writes a place as compilers do: path:line.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.Path, p.Line) }

// Find finds the literal Version of the one Info in a connector's Go source that says version. Where there is none, or more
// than one, it is ErrNone, and Mentions tells people where to look.
func Find(f discover.Folder, version string) (Place, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return Place{}, err
	}
	var places []Place
	for _, entry := range entries {
		if name := entry.Name(); filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			places = append(places, inFile(f, name, version)...)
		}
	}
	if len(places) != 1 {
		return Place{}, ErrNone
	}
	return places[0], nil
}

// inFile finds the literals of one file of a connector's folder. What is no Go has none, nor what is no file of that folder,
// such as a pipe that a build made there: the compiler tells what is wrong with it.
func inFile(f discover.Folder, name, version string) (places []Place) {
	text, err := rooted.Read(f.Dir, name, maxFile)
	if err != nil {
		return nil
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || !isInfo(literal.Type) {
			return true
		}
		for _, element := range literal.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			key, isName := pair.Key.(*ast.Ident)
			value, isText := pair.Value.(*ast.BasicLit)
			if !isName || key.Name != "Version" || !isText || value.Kind != token.STRING {
				continue
			}
			if said, err := strconv.Unquote(value.Value); err == nil && said == version {
				at := files.Position(value.Pos())
				places = append(places, Place{
					Path: f.Path + "/" + name, Line: at.Line, file: filepath.Join(f.Dir, name), literal: value.Value, offset: at.Offset,
				})
			}
		}
		return true
	})
	return places
}

// isInfo tells whether a type is called Info, in whatever package.
func isInfo(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Info"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Info"
	}
	return false
}

// FindConst finds the text literal of one constant in a Go file, and what it says. Where there is none, it is ErrNone.
func FindConst(root, path, name string) (Place, string, error) {
	place := Place{Path: path, file: filepath.Join(root, filepath.FromSlash(path))}
	text, err := os.ReadFile(place.file)
	if errors.Is(err, fs.ErrNotExist) {
		return place, "", ErrNone
	}
	if err != nil {
		return place, "", err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, place.file, text, parser.SkipObjectResolution)
	if err != nil {
		return place, "", ErrNone
	}
	var value *ast.BasicLit
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || spec.Names[0].Name != name || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value = literal
		}
		return false
	})
	if value == nil {
		return place, "", ErrNone
	}
	at := files.Position(value.Pos())
	place.Line, place.offset, place.literal = at.Line, at.Offset, value.Value
	said, err := strconv.Unquote(value.Value)
	return place, said, err
}

// Set writes a version in place of the one that stands there. Nothing else of the file changes.
func (p Place) Set(version string) error {
	info, err := os.Stat(p.file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(p.file)
	if err != nil {
		return err
	}
	if p.offset+len(p.literal) > len(text) || string(text[p.offset:p.offset+len(p.literal)]) != p.literal {
		return fmt.Errorf("%s has changed meanwhile; run it again", p.Path)
	}
	text = slices.Concat(text[:p.offset], []byte(strconv.Quote(version)), text[p.offset+len(p.literal):])
	return replace.File(p.file, text, info.Mode().Perm())
}

// maxMentions is how many mentions are listed: a hint need not be complete.
const maxMentions = 3

// Mentions lists the first places in a connector's folder that write a version, for people who have to set it themselves.
// Prose and hidden files are left out.
func Mentions(f discover.Folder, version string) ([]Place, error) {
	// No part of a longer version, nor of any other number.
	says := regexp.MustCompile(`(^|[^0-9.-])` + regexp.QuoteMeta(version) + `($|[^0-9+.-]|\.($|[^0-9]))`)
	var places []Place
	err := filepath.WalkDir(f.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != f.Dir && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".") || strings.HasSuffix(entry.Name(), ".md") {
			return nil
		}
		if info, err := entry.Info(); err != nil || info.Size() > maxFile {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(f.Dir, name)
		if err != nil {
			return err
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if says.Match(line) {
				places = append(places, Place{Path: f.Path + "/" + filepath.ToSlash(below), Line: i + 1})
			}
			if len(places) == maxMentions {
				return fs.SkipAll
			}
		}
		return nil
	})
	return places, err
}
