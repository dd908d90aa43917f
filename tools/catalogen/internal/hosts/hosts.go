// Package hosts writes the documents by which foreign platforms know the catalog's connectors, each platform in a form of its
// own. What they say is read from the metadata documents alone.
package hosts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// platforms are the functions that make the files of one connector for one platform, by their path with slashes.
var platforms = []func(*metadata.Document) (map[string][]byte, error){
	connectFiles,
	kpsFiles,
	c1Files,
}

// Files returns the documents of all platforms for the newest versions of the catalog's connectors, by their path below
// catalog/hosts, with slashes. The same documents give the same bytes, in whatever order they come.
func Files(docs []metadata.Document) (map[string][]byte, error) {
	if len(docs) == 0 {
		return map[string][]byte{}, nil
	}
	files, err := connectRuntime(runtimeImage, runtimeVersion)
	if err != nil {
		return nil, err
	}
	err = add(files, docs, platforms...)
	return files, err
}

// BundleFiles returns the documents of the platforms that run an image of patchbay and these connectors, by their path, with
// slashes: that of a runtime of Synadia Connect and its components and, of one connector or of a source and a sink, those of
// a class of Karbon Platform Services.
func BundleFiles(image, version string, docs []metadata.Document) (map[string][]byte, error) {
	files, err := connectRuntime(image, version)
	if err != nil {
		return nil, err
	}
	if err := add(files, docs, connectFiles); err != nil {
		return nil, err
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

// add adds the files of each connector for some platforms.
func add(files map[string][]byte, docs []metadata.Document, platforms ...func(*metadata.Document) (map[string][]byte, error)) error {
	for i := range docs {
		for _, platform := range platforms {
			more, err := platform(&docs[i])
			if err != nil {
				return fmt.Errorf("%s: %w", docs[i].Name, err)
			}
			for path, text := range more {
				if _, taken := files[path]; taken {
					return fmt.Errorf("%s: another connector has the file %s: choose another name", docs[i].Name, path)
				}
				files[path] = text
			}
		}
	}
	return nil
}
