// Package publish turns what was proved of the connectors into the files of the catalog. Assembling is pure: facts in,
// files out. A Draft takes them and swaps them in when all of them are there.
package publish

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/hosts"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/site"
)

// A Connector is everything that is known of a connector when it has passed every stage.
type Connector struct {
	Folder   discover.Folder
	Document metadata.Document
	Text     []byte // the document's bytes in the catalog's form
	Inputs   string // digest
	Evidence metadata.Evidence
	Readme   []byte

	Changelog []byte         // nil if there is none yet
	Verdict   change.Verdict // of its version, beside what is released
}

// A Catalog is what Assemble works from.
type Catalog struct {
	Connectors []Connector
	Baseline   baseline.Baseline
	Retired    Retired
	Readme     []byte          // the repository's README; nil if there is none
	Today      time.Time       // the day on which nobody can be retired yet who is to go later
	Failed     map[string]bool // connectors that are there and did not pass, so that they have not vanished
}

// A made is the record of an Assemble: it passes on the files that it makes, each as soon as it is made.
type made struct {
	put func(path string, text []byte)

	mu      sync.Mutex
	paths   map[string]bool   // of what the catalog will hold, unless it is empty
	readmes map[string][]byte // READMEs and changelogs, by their path below the repository's root, with slashes
}

// file passes on a file of the catalog.
func (m *made) file(path string, text []byte) {
	m.put(path, text)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paths[path] = len(text) > 0
}

// readme keeps a README or a changelog.
func (m *made) readme(path string, text []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readmes[path] = text
}

// Assemble makes the catalog's files and gives each to put as soon as it is made, from several goroutines, by its path below
// the catalog's folder, with slashes. It returns the READMEs and changelogs, by their path below the repository's root. Findings
// name what keeps the catalog as a whole from being published; files are made all the same, of the connectors that are there.
func Assemble(c Catalog, put func(path string, text []byte)) (readmes map[string][]byte, findings []finding.Finding, err error) {
	m := &made{put: put, paths: map[string]bool{}, readmes: map[string][]byte{}}
	findings = c.vanished()
	slices.SortFunc(c.Connectors, func(a, b Connector) int { return cmp.Compare(a.Folder.Name, b.Folder.Name) })
	parts := make([]part, len(c.Connectors))
	err = parallel.Each(context.Background(), runtime.GOMAXPROCS(0), len(parts), func(_ context.Context, i int) error {
		conn := c.Connectors[i]
		var err error
		if parts[i], err = m.assemble(conn, c.Baseline); err != nil {
			return fmt.Errorf("%s: %w", conn.Folder.Name, err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	var pages site.Catalog
	index := metadata.Index{Connectors: []metadata.Entry{}}
	for _, p := range parts {
		findings = append(findings, p.findings...)
		index.Connectors = append(index.Connectors, p.page.Entry)
		pages.Connectors = append(pages.Connectors, p.page)
	}
	for _, r := range c.Retired.Connectors {
		page, err := c.retire(r, m)
		if err != nil {
			return nil, nil, err
		}
		if len(page.Documents) > 0 {
			pages.Retired = append(pages.Retired, page)
		}
	}
	slices.SortFunc(pages.Retired, func(a, b site.Retired) int { return cmp.Compare(a.Name, b.Name) })
	for _, page := range pages.Retired {
		index.Retired = append(index.Retired, page.Retirement)
	}
	text, err := pretty.JSON(index)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range schema.ValidateIndex(text) {
		findings = append(findings, finding.Finding{Rule: "index-schema", Where: p.Pointer, Message: p.Message, Fix: ownMistake})
	}
	m.file("index.json", text)
	m.file("schemas/metadata.json", schema.Metadata)
	m.file("schemas/index.json", schema.Index)
	if len(c.Connectors) > 0 {
		if err := m.addHosts(hosts.Runtime()); err != nil {
			return nil, nil, err
		}
	}
	if err := m.addTable(c.Readme, index); err != nil {
		findings = append(findings, ReadmeBlock("", "README.md", readme.Connectors, err))
	}
	if err := site.Render(pages, func(path string, text []byte) { m.file("site/"+path, text) }); err != nil {
		return nil, nil, fmt.Errorf("render site: %w", err)
	}
	return m.readmes, append(findings, m.equalSets(c.Connectors)...), nil
}

// retire keeps the released documents of a retired connector and makes its page. One that was never released, or that is
// still there, has no such page.
func (c Catalog) retire(r Retirement, m *made) (site.Retired, error) {
	page := site.Retired{Retirement: metadata.Retirement{Name: r.Name, Date: r.Date, Reason: r.Reason, Replacement: r.Replacement}}
	if slices.ContainsFunc(c.Connectors, func(conn Connector) bool { return conn.Folder.Name == r.Name }) {
		return page, nil
	}
	for _, version := range c.versions(r.Name) {
		text := c.Baseline.Documents[r.Name][version]
		var doc metadata.Document
		if err := json.Unmarshal(text, &doc); err != nil {
			return page, fmt.Errorf("catalog/%s: %w", DocumentPath(r.Name, version), err)
		}
		m.file(DocumentPath(r.Name, version), text)
		page.Versions = append(page.Versions, version)
		page.Documents = append(page.Documents, doc)
	}
	return page, nil
}

// ReadmeBlock says how to mend a README in which a generated block has no place.
func ReadmeBlock(connector, where, block string, err error) finding.Finding {
	bad := finding.Finding{Connector: connector, Rule: "readme-block", Where: where, Message: err.Error()}
	verb := "keep just one pair of these two lines, in this order"
	if errors.Is(err, readme.ErrNoBlock) {
		verb = "add these two lines where the " + block + " belong"
	}
	bad.Fix = fmt.Sprintf("%s: %s and %s", verb, readme.Begin(block), readme.End(block))
	return bad
}

// A part is what one connector adds to the catalog beside its files.
type part struct {
	page     site.Connector
	findings []finding.Finding
}

// assemble makes the files of one connector but for its pages, of which it returns what they show.
func (m *made) assemble(c Connector, base baseline.Baseline) (part, error) {
	var p part
	name, version := c.Folder.Name, c.Document.Version
	m.file(DocumentPath(name, version), c.Text)
	documents := map[string]metadata.Document{version: c.Document}
	for old, text := range base.Documents[name] {
		if old == version {
			continue
		}
		var doc metadata.Document
		err := json.Unmarshal(text, &doc)
		if err == nil && (doc.Name != name || doc.Version != old) {
			err = fmt.Errorf("it describes %s %s", doc.Name, doc.Version)
		}
		if err != nil {
			return p, fmt.Errorf("catalog/%s is not the metadata of that version: %w; bring it back from git or remove it", DocumentPath(name, old), err)
		}
		m.file(DocumentPath(name, old), text)
		documents[old] = doc
	}
	versions := slices.SortedFunc(maps.Keys(documents), NewestFirst)

	schemas, err := Schemas(c.Document)
	if err != nil {
		return p, err
	}
	for path, text := range schemas {
		m.file(path, text)
	}
	read, err := options.Read(c.Document.Schema)
	if err != nil {
		return p, err
	}
	if err := m.addHosts(hosts.Files(c.Document, read)); err != nil {
		return p, err
	}
	text, err := readme.Replace(c.Readme, readme.Options, OptionTable(read))
	if err != nil {
		p.findings = append(p.findings, ReadmeBlock(name, c.Folder.Path+"/README.md", readme.Options, err))
	} else {
		m.readme(c.Folder.Path+"/README.md", text)
	}
	bad, err := m.addChangelog(c, base.Documents[name], versions)
	if err != nil {
		return p, err
	}
	p.findings = append(p.findings, bad...)
	p.page = site.Connector{
		Entry: metadata.Entry{
			Name: name, Direction: c.Document.Direction, Version: version, Versions: versions, Stability: c.Document.Stability,
			Category: c.Document.Category, Description: c.Document.Description, Path: c.Folder.Path,
			Metadata: evidence.Digest(c.Text), Inputs: c.Inputs, Evidence: c.Evidence,
		},
		Document: c.Document, Usage: string(readme.Strip(c.Readme)),
	}
	for _, v := range versions {
		p.page.Versions = append(p.page.Versions, documents[v])
	}
	return p, nil
}

// addHosts passes on the documents for hosts, unless they could not be made.
func (m *made) addHosts(files map[string][]byte, err error) error {
	if err != nil {
		return fmt.Errorf("write the documents for hosts: %w", err)
	}
	for path, text := range files {
		m.file("hosts/"+path, text)
	}
	return nil
}

// NewestFirst orders versions as Semantic Versioning does, in reverse.
func NewestFirst(a, b string) int {
	va, errA := semver.StrictNewVersion(a)
	vb, errB := semver.StrictNewVersion(b)
	if errA != nil || errB != nil {
		return cmp.Compare(b, a)
	}
	return vb.Compare(va)
}

// DocumentPath is where the catalog keeps the document of a connector's version, below its folder.
func DocumentPath(name, version string) string { return "connectors/" + name + "/" + version + ".json" }
