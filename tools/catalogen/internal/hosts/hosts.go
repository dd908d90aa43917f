// Package hosts writes the documents by which foreign platforms know the catalog's connectors, each platform in a form of its
// own. What they say is read from the metadata documents alone.
package hosts

import (
	"fmt"
	"maps"

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
	files := map[string][]byte{}
	if len(docs) == 0 {
		return files, nil
	}
	runtime, err := connectRuntime()
	if err != nil {
		return nil, err
	}
	maps.Copy(files, runtime)
	for i := range docs {
		for _, platform := range platforms {
			more, err := platform(&docs[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", docs[i].Name, err)
			}
			for path, text := range more {
				if _, taken := files[path]; taken {
					return nil, fmt.Errorf("%s: another connector has the file %s: choose another name", docs[i].Name, path)
				}
				files[path] = text
			}
		}
	}
	return files, nil
}
