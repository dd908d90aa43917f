package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// readIndex reads the committed index of a repository.
func readIndex(root string) (metadata.Index, error) {
	var index metadata.Index
	text, err := os.ReadFile(filepath.Join(root, "catalog", "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return index, fmt.Errorf("there is no catalog at %s; to make it: make catalog", filepath.Join(root, "catalog"))
	}
	if err != nil {
		return index, err
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return index, fmt.Errorf("read catalog/index.json: %w", err)
	}
	return index, nil
}

// find returns the entry of a connector.
func find(root, name string) (metadata.Entry, error) {
	index, err := readIndex(root)
	if err != nil {
		return metadata.Entry{}, err
	}
	i := slices.IndexFunc(index.Connectors, func(e metadata.Entry) bool { return e.Name == name })
	if i < 0 {
		if j := slices.IndexFunc(index.Retired, func(r metadata.Retirement) bool { return r.Name == name }); j >= 0 {
			r := index.Retired[j]
			return metadata.Entry{}, fmt.Errorf("%s was retired on %s: %s; to use in its place: %s", name, r.Date, r.Reason, r.Replacement)
		}
		return metadata.Entry{}, fmt.Errorf("the catalog has no connector %q; it has: %s", name, strings.Join(entryNames(index), ", "))
	}
	return index.Connectors[i], nil
}

// document returns the metadata of a connector's version, and its bytes as they are in the catalog.
func document(root, name, version string) (metadata.Document, []byte, error) {
	var doc metadata.Document
	text, err := os.ReadFile(filepath.Join(root, "catalog", "connectors", name, version+".json"))
	if err != nil {
		return doc, nil, err
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return doc, nil, fmt.Errorf("read catalog/connectors/%s/%s.json: %w", name, version, err)
	}
	return doc, text, nil
}

func entryNames(index metadata.Index) []string {
	var names []string
	for _, e := range index.Connectors {
		names = append(names, e.Name)
	}
	return names
}
