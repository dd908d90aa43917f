// Package publish turns what was proved of the connectors into the files of the catalog. Assembling is pure: facts in,
// files out. Writing swaps them in when all of them are staged.
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

// Files are the files to write, by their path with slashes: the catalog's own, below catalog/, and READMEs and changelogs,
// below the repository's root.
type Files struct {
	Catalog map[string][]byte
	Readmes map[string][]byte
}

// Assemble makes the catalog's files. Findings name what keeps the catalog as a whole from being published; files are
// made all the same, of the connectors that are there.
func Assemble(c Catalog) (Files, []finding.Finding, error) {
	files := Files{Catalog: map[string][]byte{}, Readmes: map[string][]byte{}}
	findings := c.vanished()
	var (
		index metadata.Index
		pages site.Catalog
	)
	slices.SortFunc(c.Connectors, func(a, b Connector) int { return cmp.Compare(a.Folder.Name, b.Folder.Name) })
	parts := make([]part, len(c.Connectors))
	err := parallel.Each(context.Background(), runtime.GOMAXPROCS(0), len(parts), func(_ context.Context, i int) error {
		conn := c.Connectors[i]
		var err error
		if parts[i], err = assemble(conn, c.Baseline); err != nil {
			return fmt.Errorf("%s: %w", conn.Folder.Name, err)
		}
		return nil
	})
	if err != nil {
		return files, nil, err
	}
	for _, p := range parts {
		maps.Copy(files.Catalog, p.files.Catalog)
		maps.Copy(files.Readmes, p.files.Readmes)
		findings = append(findings, p.findings...)
		index.Connectors = append(index.Connectors, p.page.Entry)
		pages.Connectors = append(pages.Connectors, p.page)
	}
	for _, r := range c.Retired.Connectors {
		page, err := c.retire(r, files)
		if err != nil {
			return files, nil, err
		}
		if len(page.Documents) > 0 {
			pages.Retired = append(pages.Retired, page)
		}
	}
	slices.SortFunc(pages.Retired, func(a, b site.Retired) int { return cmp.Compare(a.Name, b.Name) })
	for _, page := range pages.Retired {
		index.Retired = append(index.Retired, page.Retirement)
	}
	if index.Connectors == nil {
		index.Connectors = []metadata.Entry{}
	}
	text, err := pretty.JSON(index)
	if err != nil {
		return files, nil, err
	}
	for _, p := range schema.ValidateIndex(text) {
		findings = append(findings, finding.Finding{Rule: "index-schema", Where: p.Pointer, Message: p.Message, Fix: ownMistake})
	}
	files.Catalog["index.json"] = text
	files.Catalog["schemas/metadata.json"] = schema.Metadata
	files.Catalog["schemas/index.json"] = schema.Index

	if err := files.addReadme(c.Readme, index); err != nil {
		findings = append(findings, readmeBlock("", "README.md", readme.Connectors, err))
	}
	pagesOf, err := site.Render(pages)
	if err != nil {
		return files, nil, fmt.Errorf("render site: %w", err)
	}
	for path, text := range pagesOf {
		files.Catalog["site/"+path] = text
	}
	documents := make([]metadata.Document, len(c.Connectors))
	for i, conn := range c.Connectors {
		documents[i] = conn.Document
	}
	exported, err := hosts.Files(documents)
	if err != nil {
		return files, nil, fmt.Errorf("write the documents for hosts: %w", err)
	}
	for path, text := range exported {
		files.Catalog["hosts/"+path] = text
	}
	return files, append(findings, files.equalSets(c.Connectors)...), nil
}

// retire keeps the released documents of a retired connector and makes its page. One that was never released, or that is
// still there, has no such page.
func (c Catalog) retire(r Retirement, files Files) (site.Retired, error) {
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
		files.Catalog[DocumentPath(r.Name, version)] = text
		page.Versions = append(page.Versions, version)
		page.Documents = append(page.Documents, doc)
	}
	return page, nil
}

// readmeBlock says how to mend a README in which a generated block has no place.
func readmeBlock(connector, where, block string, err error) finding.Finding {
	bad := finding.Finding{Connector: connector, Rule: "readme-block", Where: where, Message: err.Error()}
	verb := "keep just one pair of these two lines, in this order"
	if errors.Is(err, readme.ErrNoBlock) {
		verb = "add these two lines where the " + block + " belong"
	}
	bad.Fix = fmt.Sprintf("%s: %s and %s", verb, readme.Begin(block), readme.End(block))
	return bad
}

// A part is what one connector adds to the catalog.
type part struct {
	files    Files
	page     site.Connector
	findings []finding.Finding
}

// assemble makes the files of one connector and its page.
func assemble(c Connector, base baseline.Baseline) (part, error) {
	name, version := c.Folder.Name, c.Document.Version
	p := part{files: Files{Catalog: map[string][]byte{}, Readmes: map[string][]byte{}}}
	p.files.Catalog[DocumentPath(name, version)] = c.Text
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
		p.files.Catalog[DocumentPath(name, old)] = text
		documents[old] = doc
	}
	versions := slices.SortedFunc(maps.Keys(documents), NewestFirst)

	schemas, err := Schemas(c.Document)
	if err != nil {
		return p, err
	}
	maps.Copy(p.files.Catalog, schemas)

	table, err := OptionTable(c.Document)
	if err != nil {
		return p, err
	}
	text, err := readme.Replace(c.Readme, readme.Options, table)
	if err != nil {
		p.findings = append(p.findings, readmeBlock(name, c.Folder.Path+"/README.md", readme.Options, err))
	} else {
		p.files.Readmes[c.Folder.Path+"/README.md"] = text
	}
	if err := p.addChangelog(c, base.Documents[name], versions); err != nil {
		return p, err
	}
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
