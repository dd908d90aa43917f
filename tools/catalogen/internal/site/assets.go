package site

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
)

//go:embed assets templates
var content embed.FS

// templates are parsed once; executing them is safe from many goroutines.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"breakable": breakable,
}).ParseFS(content, "templates/*.tmpl"))

// assets maps an asset's plain name to its path on the site, which holds a hash of the content: a browser may keep it for
// ever and never shows an old style on a new page.
type assets map[string]string

// load adds the assets and the 404 page.
func (s *site) load() error {
	s.assets = assets{}
	files, err := fs.ReadDir(content, "assets")
	if err != nil {
		return fmt.Errorf("read assets: %w", err)
	}
	for _, f := range files {
		data, err := content.ReadFile("assets/" + f.Name())
		if err != nil {
			return fmt.Errorf("read asset: %w", err)
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(f.Name())
		file := "assets/" + strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		s.assets[f.Name()] = file
		s.put(file, data)
	}
	page := s.shell("404.html", "Not found", "This page does not exist.")
	page.Base = s.base
	return s.addPage("404.html", "404.html.tmpl", page)
}

// Path is an asset's path from the site's root.
func (a assets) Path(name string) (string, error) {
	file, ok := a[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return file, nil
}

// breakable cuts a name behind each character where a line may break.
func breakable(name string) []string { return strings.SplitAfter(name, "_") }
