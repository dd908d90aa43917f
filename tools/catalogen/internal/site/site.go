// Package site renders the catalog as a static site: a list page with search, a page for each connector and version, and the
// JSON documents beside them. It is pure: documents in, files out, no clock, no network, no file system. The same catalog
// gives the same bytes.
//
// Documents are not trusted. Templates escape all text, README prose loses its raw HTML and unsafe links, control characters
// are replaced in every page, and a content security policy forbids inline scripts, inline styles and foreign requests.
package site

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
)

// A Catalog is everything that the site shows.
type Catalog struct {
	Connectors []Connector // in any order
	Retired    []Retired   // in the order to be shown

	// BasePath is the path at which a server publishes the site, such as "/patchbay/". Only 404.html needs it, because it is
	// answered at any depth. Empty makes that page relative too, which is right for a site at the root of its host and for
	// reading from disk.
	BasePath string
}

// A Connector is one connector with all that is known of it.
type Connector struct {
	Entry    metadata.Entry
	Document metadata.Document   // of the newest version
	Usage    string              // README prose as Markdown, without the generated options block
	Versions []metadata.Document // newest first; may hold Document itself
}

// A Retired is a connector that left the catalog.
type Retired struct {
	metadata.Retirement
	Documents []metadata.Document // of its versions, newest first
}

// Render makes the site's files and gives each to put as soon as it is made, from several goroutines, by its path with slashes.
// It fails when a document cannot be read or when a name or version could not be part of a path; it never drops a connector.
func Render(c Catalog, put func(path string, text []byte)) error {
	connectors := slices.Clone(c.Connectors)
	slices.SortFunc(connectors, func(a, b Connector) int { return strings.Compare(a.Entry.Name, b.Entry.Name) })
	for i, conn := range connectors {
		if err := conn.check(); err != nil {
			return err
		}
		if i > 0 && connectors[i-1].Entry.Name == conn.Entry.Name {
			return fmt.Errorf("connector %s: is listed twice", conn.Entry.Name)
		}
	}
	s := &site{put: put, base: c.BasePath, connectors: connectors, retired: c.Retired, pages: map[string]string{}}
	for _, conn := range connectors {
		if conn.Entry.Path != "" {
			s.pages[conn.Entry.Path] = "../" + conn.Entry.Name + "/index.html"
		}
	}
	if err := s.load(); err != nil {
		return err
	}
	cards := make([]card, len(connectors))
	err := parallel.Each(context.Background(), runtime.GOMAXPROCS(0), len(connectors), func(_ context.Context, i int) error {
		p, err := newProduct(connectors[i])
		if err == nil {
			cards[i] = newCard(p)
			err = s.renderConnector(i, p)
		}
		if err != nil {
			return fmt.Errorf("render connector %s: %w", connectors[i].Entry.Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.renderList(cards); err != nil {
		return fmt.Errorf("render list: %w", err)
	}
	for _, r := range s.retired {
		if err := s.renderRetired(r); err != nil {
			return fmt.Errorf("render connector %s: %w", r.Name, err)
		}
	}
	return nil
}

// check refuses what must not become a path, and an entry that belongs to another document.
func (c Connector) check() error {
	if !safeName.MatchString(c.Entry.Name) {
		return fmt.Errorf("connector %q: the name is not lower-case words joined by hyphens", c.Entry.Name)
	}
	if c.Document.Name != c.Entry.Name || c.Document.Version != c.Entry.Version {
		return fmt.Errorf("connector %s: entry %s and document %s %s disagree",
			c.Entry.Name, c.Entry.Version, c.Document.Name, c.Document.Version)
	}
	seen := map[string]bool{}
	for _, doc := range append([]metadata.Document{c.Document}, c.older()...) {
		if !safeVersion.MatchString(doc.Version) {
			return fmt.Errorf("connector %s: %q is no semantic version", c.Entry.Name, doc.Version)
		}
		if doc.Name != c.Entry.Name || seen[doc.Version] {
			return fmt.Errorf("connector %s: version %s of %s does not belong here", c.Entry.Name, doc.Version, doc.Name)
		}
		seen[doc.Version] = true
	}
	return nil
}

// older gives the versions before the newest, newest first.
func (c Connector) older() []metadata.Document {
	return slices.DeleteFunc(slices.Clone(c.Versions), func(d metadata.Document) bool { return d.Version == c.Document.Version })
}

// A product is a connector with its schemas read.
type product struct {
	Connector
	releases []release // newest first
}

// A release is one version of a connector.
type release struct {
	doc     metadata.Document
	options []option
}

func newProduct(conn Connector) (product, error) {
	p := product{Connector: conn}
	for _, doc := range append([]metadata.Document{conn.Document}, conn.older()...) {
		options, err := decodeOptions(doc.Schema)
		if err != nil {
			return product{}, fmt.Errorf("version %s: %w", doc.Version, err)
		}
		p.releases = append(p.releases, release{doc, options})
	}
	return p, nil
}

// A site is the state of one call of Render.
type site struct {
	put        func(path string, text []byte)
	base       string
	connectors []Connector // in the order of names
	retired    []Retired
	pages      map[string]string // folders of connectors in the repository to their pages, from the page of any other
	assets     assets
}

// addPage executes a template and adds its result, scrubbed.
func (s *site) addPage(file, name string, data any) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	// The template package drops comments, so that the first lines are written here.
	s.put(file, append([]byte("<!doctype html>\n<!-- Code generated by catalogen. DO NOT EDIT. -->\n"), scrub(b.Bytes())...))
	return nil
}

// addJSON adds a value as indented JSON.
func (s *site) addJSON(file string, value any) error {
	text, err := pretty.JSON(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	s.put(file, text)
	return nil
}

// A shell is what every page's frame needs.
type shell struct {
	Root        string // the way from the page to the site's root: "", "../../", …
	Title       string
	Description string
	Base        string // the content of <base>, or ""
	Assets      assets
}

func (s *site) shell(file, title, description string) shell {
	depth := strings.Count(path.Clean(file), "/")
	return shell{Root: strings.Repeat("../", depth), Title: title, Description: description, Assets: s.assets}
}
