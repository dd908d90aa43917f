package site

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
)

// A connectorPage is the data of one version's page.
type connectorPage struct {
	shell
	Doc         metadata.Document
	Entry       metadata.Entry
	Latest      string // the newest version, where the page is about an older one
	System      string // the other side: the connector's name without its direction
	SourceURL   string
	LicenseURL  string
	Replacement link
	Examples    []example
	Usage       template.HTML
	Headings    []heading
	Groups      []group
	Own         int // options of the connector itself
	SharedCount int
	Secrets     bool // at least one option is secret
	Record      []field
	RecordNote  string
	RecordJSON  string
	Suites      []suite
	Tests       int
	Versions    []version
	Prev, Next  string
}

// A link is text that may lead somewhere.
type link struct {
	Text string
	Href string // or ""
}

// A suite is the tests of one suite in the evidence.
type suite struct {
	Name  string
	Tests []metadata.TestResult
}

// Passed counts the tests of the suite that passed.
func (s suite) Passed() int {
	n := 0
	for _, t := range s.Tests {
		if t.Status == metadata.Passed {
			n++
		}
	}
	return n
}

// A version is a row of the version list.
type version struct {
	Version string
	Page    string // from the connector's folder, or "" for the page itself
	JSON    string // from the connector's folder
	First   bool   // nothing to compare with
	Changes []change.Change
}

// renderConnector adds the pages and documents of one connector.
func (s *site) renderConnector(i int, p product) error {
	folder := "connectors/" + p.Entry.Name + "/"
	for n, r := range p.releases {
		file := folder + "index.html"
		if n > 0 {
			file = folder + r.doc.Version + "/index.html"
		}
		page, err := s.connectorPage(i, file, p, r)
		if err != nil {
			return err
		}
		if err := s.addPage(file, "connector.html.tmpl", page); err != nil {
			return err
		}
		if err := s.addJSON(folder+r.doc.Version+".json", r.doc); err != nil {
			return err
		}
	}
	return s.addJSON(folder+"schema.json", p.Document.Schema)
}

func (s *site) connectorPage(i int, file string, p product, r release) (*connectorPage, error) {
	doc, options := r.doc, r.options
	page := &connectorPage{
		shell:  s.shell(file, doc.Name, doc.Description),
		Doc:    doc,
		Entry:  p.Entry,
		System: strings.TrimSuffix(strings.TrimSuffix(doc.Name, "-source"), "-sink"),
	}
	if doc.Deprecation != nil {
		page.Replacement = s.replacement(page.Root, doc.Deprecation.Replacement)
	}
	if licence := doc.License; safeLicense.MatchString(licence) {
		page.LicenseURL = "https://spdx.org/licenses/" + licence + ".html"
	}
	if file, _, ok := relativePath(p.Entry.Path); ok && !strings.Contains(file, "..") {
		page.SourceURL = repository + "/tree/main/" + file
	}
	page.Groups = groupOptions(options)
	for _, g := range page.Groups {
		for _, o := range g.Options {
			page.Secrets = page.Secrets || o.Secret
		}
		if g.Shared {
			page.SharedCount += len(g.Options)
		} else {
			page.Own += len(g.Options)
		}
	}
	for n, ex := range doc.Examples {
		e, err := newExample(doc.Name, n, ex, options)
		if err != nil {
			return nil, err
		}
		page.Examples = append(page.Examples, e)
	}
	page.RecordNote, page.Record = decodeFields(doc.Record)
	page.RecordJSON = indent(doc.Record)
	if doc.Version != p.Document.Version {
		page.Latest = p.Document.Version
		return page, nil // what follows is known of the newest version only
	}
	var err error
	readme := prose{p.Entry.Path, s.pages}
	if page.Usage, page.Headings, err = readme.render(p.Usage); err != nil {
		return nil, err
	}
	page.Suites, page.Tests = suites(p.Entry.Evidence), len(p.Entry.Evidence.Tests)
	if page.Versions, err = versions(p.releases); err != nil {
		return nil, err
	}
	if i > 0 {
		page.Prev = s.connectors[i-1].Entry.Name
	}
	if i+1 < len(s.connectors) {
		page.Next = s.connectors[i+1].Entry.Name
	}
	return page, nil
}

// replacement says what to use in place of a connector that goes, with a link where that leads somewhere safe.
func (s *site) replacement(root, name string) link {
	l := link{Text: name, Href: secureURL(name)}
	if slices.ContainsFunc(s.connectors, func(c Connector) bool { return c.Entry.Name == name }) {
		l.Href = root + "connectors/" + name + "/index.html"
	}
	return l
}

// suites groups the evidence by suite, in its own order.
func suites(e metadata.Evidence) []suite {
	var list []suite
	for _, t := range e.Tests {
		i := slices.IndexFunc(list, func(s suite) bool { return s.Name == t.Suite })
		if i < 0 {
			i = len(list)
			list = append(list, suite{Name: t.Suite})
		}
		list[i].Tests = append(list[i].Tests, t)
	}
	return list
}

// versions lists the versions, each with what changed since the one before.
func versions(releases []release) ([]version, error) {
	list := make([]version, 0, len(releases))
	for i, r := range releases {
		v := version{Version: r.doc.Version, JSON: r.doc.Version + ".json"}
		if i > 0 {
			v.Page = r.doc.Version + "/index.html"
		}
		if i+1 == len(releases) {
			v.First = true
		} else {
			var err error
			if v.Changes, err = changes(releases[i+1], r); err != nil {
				return nil, fmt.Errorf("compare %s with %s: %w", v.Version, releases[i+1].doc.Version, err)
			}
		}
		list = append(list, v)
	}
	return list, nil
}

// changes lists what changed from one version to the next, except about options that are told to nobody.
func changes(before, after release) ([]change.Change, error) {
	old, err := json.Marshal(before.doc)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(after.doc)
	if err != nil {
		return nil, err
	}
	list, err := change.Compare(old, text)
	return slices.DeleteFunc(list, func(c change.Change) bool {
		for _, options := range [][]option{after.options, before.options} {
			if i := slices.IndexFunc(options, func(o option) bool { return o.Name == c.Option }); i >= 0 {
				return options[i].hidden
			}
		}
		return false
	}), err
}

func indent(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Indent(&b, raw, "", "  ") != nil {
		return ""
	}
	return b.String()
}
