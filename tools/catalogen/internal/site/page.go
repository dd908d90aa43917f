package site

import (
	"bytes"
	"encoding/json"
	"html/template"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
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
	Changes []change
}

// renderConnector adds the pages and documents of one connector.
func (s *site) renderConnector(i int) error {
	conn := s.connectors[i]
	folder := "connectors/" + conn.Entry.Name + "/"
	docs := append([]metadata.Document{conn.Document}, conn.older()...)
	for n, doc := range docs {
		file := folder + "index.html"
		if n > 0 {
			file = folder + doc.Version + "/index.html"
		}
		page, err := s.connectorPage(i, file, doc)
		if err != nil {
			return err
		}
		if err := s.addPage(file, "connector.html.tmpl", page); err != nil {
			return err
		}
		if err := s.addJSON(folder+doc.Version+".json", doc); err != nil {
			return err
		}
	}
	return s.addJSON(folder+"schema.json", conn.Document.Schema)
}

func (s *site) connectorPage(i int, file string, doc metadata.Document) (*connectorPage, error) {
	conn := s.connectors[i]
	page := &connectorPage{
		shell:  s.shell(file, doc.Name, doc.Description),
		Doc:    doc,
		Entry:  conn.Entry,
		System: strings.TrimSuffix(strings.TrimSuffix(doc.Name, "-source"), "-sink"),
	}
	page.Replacement = s.replacement(page.Root, doc)
	if licence := doc.License; safeLicense.MatchString(licence) {
		page.LicenseURL = "https://spdx.org/licenses/" + licence + ".html"
	}
	if file, _, ok := relativePath(conn.Entry.Path); ok && !strings.Contains(file, "..") {
		page.SourceURL = repository + "/tree/main/" + file
	}
	options, err := decodeOptions(doc.Schema)
	if err != nil {
		return nil, err
	}
	page.Groups = groupOptions(options)
	for _, o := range options {
		page.Secrets = page.Secrets || o.Secret
		if o.Shared {
			page.SharedCount++
		} else {
			page.Own++
		}
	}
	for n, ex := range doc.Examples {
		e, err := newExample(doc.Name, n, ex, options)
		if err != nil {
			return nil, err
		}
		page.Examples = append(page.Examples, e)
	}
	if page.Record, err = decodeFields(doc.Record); err != nil {
		return nil, err
	}
	page.RecordJSON = indent(doc.Record)
	if doc.Version != conn.Document.Version {
		page.Latest = conn.Document.Version
		return page, nil // what follows is known of the newest version only
	}
	if page.Usage, page.Headings, err = s.prose(conn).render(conn.Usage); err != nil {
		return nil, err
	}
	page.Suites, page.Tests = suites(conn.Entry.Evidence), len(conn.Entry.Evidence.Tests)
	if page.Versions, err = versions(conn); err != nil {
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

func (s *site) prose(conn Connector) prose {
	pages := map[string]string{}
	for _, other := range s.connectors {
		if other.Entry.Path != "" {
			pages[other.Entry.Path] = "../" + other.Entry.Name + "/index.html"
		}
	}
	return prose{folder: conn.Entry.Path, pages: pages}
}

// replacement says what to use in place of a deprecated connector, with a link where that leads somewhere safe.
func (s *site) replacement(root string, doc metadata.Document) link {
	if doc.Deprecation == nil {
		return link{}
	}
	name := doc.Deprecation.Replacement
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

func versions(conn Connector) ([]version, error) {
	docs := append([]metadata.Document{conn.Document}, conn.older()...)
	list := make([]version, 0, len(docs))
	for i, doc := range docs {
		v := version{Version: doc.Version, JSON: doc.Version + ".json"}
		if i > 0 {
			v.Page = doc.Version + "/index.html"
		}
		if i+1 == len(docs) {
			v.First = true
		} else {
			var err error
			if v.Changes, err = changes(docs[i+1], doc); err != nil {
				return nil, err
			}
		}
		list = append(list, v)
	}
	return list, nil
}

func indent(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Indent(&b, raw, "", "  ") != nil {
		return ""
	}
	return b.String()
}
