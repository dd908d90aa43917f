// Package hosts writes the documents by which foreign platforms know the catalog's connectors, each platform in a form of its
// own. What they say is read from the metadata documents alone.
package hosts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// Runtime returns the documents that all connectors of the catalog share, by their path below catalog/hosts, with slashes.
func Runtime() (map[string][]byte, error) { return connectRuntime(runtimeImage, runtimeVersion) }

// Files returns the documents of all platforms for the newest version of one of the catalog's connectors, by their path below
// catalog/hosts, with slashes. The schema is the document's, read. No two connectors have a file of one path.
func Files(doc metadata.Document, schema options.Schema) (map[string][]byte, error) {
	files, err := connectFiles(&doc, schema)
	if err != nil {
		return nil, err
	}
	for _, platform := range []func(*metadata.Document) (map[string][]byte, error){kpsFiles, c1Files} {
		more, err := platform(&doc)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, more)
	}
	return files, nil
}

// BundleFiles returns the documents of the platforms that run an image of patchbay and these connectors, by their path, with
// slashes: that of a runtime of Synadia Connect and its components and, of one connector or of a source and a sink, those of
// a class of Karbon Platform Services.
func BundleFiles(image, version string, docs []metadata.Document) (map[string][]byte, error) {
	files, err := connectRuntime(image, version)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		schema, err := options.Read(doc.Schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doc.Name, err)
		}
		component, err := connectFiles(&doc, schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doc.Name, err)
		}
		maps.Copy(files, component)
	}
	u := kpsUnit{name: image, version: version, image: "<REGISTRY>/" + image + ":" + version}
	docs = slices.SortedFunc(slices.Values(docs), func(a, b metadata.Document) int { // sources first
		return cmp.Or(-cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Name, b.Name))
	})
	for i := range docs {
		u.docs = append(u.docs, &docs[i])
	}
	switch {
	case len(docs) == 1:
		u.description = docs[0].Description
	case len(docs) == 2 && docs[0].Direction != docs[1].Direction:
		u.description = docs[0].Name + " and " + docs[1].Name + " in one."
	default:
		return files, nil
	}
	class, err := u.files()
	maps.Copy(files, class)
	return files, err
}
