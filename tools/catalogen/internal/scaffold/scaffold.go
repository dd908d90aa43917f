// Package scaffold starts a connector: a folder that builds, passes its tests and is published at once, for its author to
// change.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

//go:embed templates
var files embed.FS

// The reasons for which a name is refused.
var (
	// ErrName means that a name cannot be a connector's.
	ErrName = errors.New("the name must be lower-case words joined by hyphens, have at most 64 characters,")
	// ErrTaken means that there is a connector of the name.
	ErrTaken = errors.New("is there already; choose another name")
)

// values are what templates fill in.
type values struct {
	Name  string // my-system-source
	Env   string // MY_SYSTEM_SOURCE
	Type  string // MySystem
	Title string // my system
}

// Write makes the folder of a connector of a kind, source or sink, under root, and returns its path relative to root. It
// never writes into a folder that is there.
func Write(root, kind, name string) (string, error) {
	if !schema.ValidName(name) || !strings.HasSuffix(name, "-"+kind) {
		return "", fmt.Errorf("%q: %w and end in -%s, such as my-system-%s", name, ErrName, kind, kind)
	}
	words := strings.Split(strings.TrimSuffix(name, "-"+kind), "-")
	v := values{Name: name, Env: strings.ToUpper(strings.ReplaceAll(name, "-", "_")), Title: strings.Join(words, " ")}
	for _, word := range words {
		v.Type += strings.ToUpper(word[:1]) + word[1:]
	}
	folder := path.Join("connectors", kind+"s", name)
	dir := filepath.Join(root, filepath.FromSlash(folder))
	if _, err := os.Lstat(dir); err == nil {
		return "", fmt.Errorf("%s %w", folder, ErrTaken)
	}
	templates, err := template.ParseFS(files, "templates/"+kind+"/*.tmpl", "templates/*.tmpl")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, t := range templates.Templates() {
		file := strings.TrimSuffix(t.Name(), ".tmpl")
		if file == "bats" {
			file = name + ".bats"
		}
		var text bytes.Buffer
		if err := t.Execute(&text, v); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, file), text.Bytes(), fs.FileMode(0o644)); err != nil {
			return "", err
		}
	}
	return folder, nil
}
