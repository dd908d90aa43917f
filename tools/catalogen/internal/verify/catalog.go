// Package verify rechecks what was published from its bytes alone: it builds nothing, needs no repository and believes no
// digest that it has not computed.
package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/strictjson"
)

// IndexFile is the catalog's index, below its folder.
const IndexFile = "index.json"

// A Catalog is one that was read by Read.
type Catalog struct {
	Dir       string
	Index     metadata.Index
	IndexText []byte                         // the index's bytes
	Documents map[string]map[string]Document // by connector and version
	draft     *publish.Draft                 // what the folder must hold
	told      map[string]bool                // paths that cannot be judged, for a reason that was found
	findings  []finding.Finding              // collected by the checks
}

// A Document is one version of a connector's metadata.
type Document struct {
	metadata.Document
	Text []byte
}

// Read reads the catalog in a folder and holds every part of it against the others: the index against the documents, these
// against their schema and digests, the derived schemas against the documents, each list of evidence against its digest, and
// the files that are there against those that must be. The site and the documents for hosts, which are not committed, are
// left out. What is wrong is in the findings; the error is that the folder cannot be read.
func Read(dir string) (*Catalog, []finding.Finding, error) {
	c := &Catalog{Dir: dir, Documents: map[string]map[string]Document{}, told: map[string]bool{}, draft: publish.NewDraft(dir, false)}
	c.draft.Put("schemas/metadata.json", schema.Metadata)
	c.draft.Put("schemas/index.json", schema.Index)
	text, err := os.ReadFile(filepath.Join(dir, IndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no catalog in %s: it has no %s", dir, IndexFile)
	}
	if err != nil {
		return nil, nil, err
	}
	c.IndexText = text
	c.draft.Put(IndexFile, text)
	if !c.readIndex() {
		return c, c.findings, nil
	}
	for _, entry := range c.Index.Connectors {
		if err := c.entry(entry); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range c.Index.Retired {
		if err := c.documents(r.Name, r.Versions); err != nil {
			return nil, nil, err
		}
	}
	if err := c.leftovers(); err != nil {
		return nil, nil, err
	}
	finding.Sort(c.findings)
	return c, c.findings, nil
}

// add notes what is wrong. There is one way to mend a catalog: to make it again.
func (c *Catalog) add(connector, rule, where, format string, args ...any) {
	c.findings = append(c.findings, finding.Finding{
		Connector: connector, Rule: rule, Where: where, Message: fmt.Sprintf(format, args...),
		Fix: "take the catalog from where it was published, or make it again: make catalog",
	})
}

// readIndex reads the index by itself. It returns false if there is nothing to go on with.
func (c *Catalog) readIndex() bool {
	if err := strictjson.Check(c.IndexText); err != nil {
		c.add("", "index-json", IndexFile, "%v", err)
		return false
	}
	if problems := schema.ValidateIndex(c.IndexText); len(problems) > 0 {
		for _, p := range problems {
			c.add("", "index-schema", IndexFile+p.Pointer, "%s", p.Message)
		}
		return false
	}
	if err := json.Unmarshal(c.IndexText, &c.Index); err != nil {
		c.add("", "index-json", IndexFile, "%v", err)
		return false
	}
	if again, err := pretty.JSON(c.Index); err != nil || !bytes.Equal(again, c.IndexText) {
		c.add("", "index-form", IndexFile, "is not laid out as catalogen writes it")
	}
	names := func(a, b metadata.Entry) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(c.Index.Connectors, names) {
		c.add("", "index-order", IndexFile, "the connectors are not sorted by name")
	}
	var all []string
	for _, entry := range c.Index.Connectors {
		all = append(all, entry.Name)
	}
	for _, r := range c.Index.Retired {
		all = append(all, r.Name)
	}
	for i, name := range all {
		if slices.Contains(all[:i], name) {
			c.add(name, "index-once", IndexFile, "is there twice")
		}
	}
	return true
}

// entry holds one entry against its documents and its evidence.
func (c *Catalog) entry(e metadata.Entry) error {
	if want := fmt.Sprintf("connectors/%ss/%s", e.Direction, e.Name); e.Path != want {
		c.add(e.Name, "entry-path", IndexFile, "the path is %s, want %s", e.Path, want)
	}
	if !slices.Contains(e.Versions, e.Version) {
		c.add(e.Name, "entry-versions", IndexFile, "version %s is not among the versions", e.Version)
	}
	if made := evidence.Again(e.Evidence); made.Digest != e.Evidence.Digest {
		c.add(e.Name, "evidence-digest", IndexFile, "the list of tests has the digest %s, not %s", made.Digest, e.Evidence.Digest)
	} else if !slices.Equal(made.Tests, e.Evidence.Tests) {
		c.add(e.Name, "evidence-order", IndexFile, "the list of tests is not sorted, or holds one twice")
	}
	if err := c.documents(e.Name, e.Versions); err != nil {
		return err
	}
	if current, ok := c.Documents[e.Name][e.Version]; !ok || !c.current(e, current) {
		for _, path := range publish.SchemaPaths(e.Name) {
			c.told[path] = true
		}
	}
	return nil
}

// documents takes up those of all versions of a connector, one that is retired included.
func (c *Catalog) documents(name string, versions []string) error {
	if !slices.IsSortedFunc(versions, publish.NewestFirst) {
		c.add(name, "entry-versions", IndexFile, "the versions do not stand newest first")
	}
	for _, version := range versions {
		text, err := os.ReadFile(c.path(publish.DocumentPath(name, version)))
		if errors.Is(err, fs.ErrNotExist) {
			c.add(name, "equal-sets", publish.DocumentPath(name, version), "is in the index and not there")
			continue
		}
		if err != nil {
			return err
		}
		c.document(name, version, text)
	}
	return nil
}

// document takes up one version's document, if it is one.
func (c *Catalog) document(name, version string, text []byte) {
	where := publish.DocumentPath(name, version)
	c.draft.Put(where, text)
	if err := strictjson.Check(text); err != nil {
		c.add(name, "metadata-json", where, "%v", err)
		return
	}
	doc := Document{Text: text}
	if err := json.Unmarshal(text, &doc.Document); err != nil {
		c.add(name, "metadata-json", where, "%v", err)
		return
	}
	if doc.Name != name || doc.Version != version {
		c.add(name, "document-name", where, "describes %s %s", doc.Name, doc.Version)
		return
	}
	if c.Documents[name] == nil {
		c.Documents[name] = map[string]Document{}
	}
	c.Documents[name][version] = doc
}

// current holds an entry against the document of its version, which alone has to keep the schema of today. It returns false
// if the schemas that are derived from the document cannot be.
func (c *Catalog) current(e metadata.Entry, doc Document) bool {
	where := publish.DocumentPath(e.Name, e.Version)
	if digest := evidence.Digest(doc.Text); digest != e.Metadata {
		c.add(e.Name, "metadata-digest", where, "has the digest %s, and the index says %s", digest, e.Metadata)
	}
	if _, problems := schema.ValidateMetadata(doc.Text); len(problems) > 0 {
		for _, p := range problems {
			c.add(e.Name, "metadata-schema", where+p.Pointer, "%s", p.Message)
		}
		return false
	}
	for _, said := range []struct{ what, index, document string }{
		{"direction", string(e.Direction), string(doc.Direction)},
		{"stability", string(e.Stability), string(doc.Stability)},
		{"category", e.Category, doc.Category},
		{"description", e.Description, doc.Description},
	} {
		if said.index != said.document {
			c.add(e.Name, "entry-document", where, "the %s is %q, and the index says %q", said.what, said.document, said.index)
		}
	}
	if _, err := rules.Compile(doc.Schema); err != nil {
		c.add(e.Name, "schema-compiles", where+"/schema", "%v", err)
		return false
	}
	schemas, err := publish.Schemas(doc.Document)
	if err != nil {
		c.add(e.Name, "schema-derived", where, "%v", err)
		return false
	}
	for path, text := range schemas {
		c.draft.Put(path, text)
	}
	return true
}

// leftovers holds the files that are there against those that must be.
func (c *Catalog) leftovers() error {
	changes, err := c.draft.Changes()
	if err != nil {
		return err
	}
	for _, change := range changes {
		switch {
		case c.told[change.Path]:
		case change.Kind == "left over":
			c.add("", "equal-sets", change.Path, "belongs to no connector of the index")
		case change.Kind == "missing":
			c.add("", "equal-sets", change.Path, "is not there")
		default:
			c.add("", "schema-derived", change.Path, "is not what catalogen of this version derives from the documents")
		}
	}
	return nil
}

// path is where a file of the catalog is.
func (c *Catalog) path(name string) string { return filepath.Join(c.Dir, filepath.FromSlash(name)) }
