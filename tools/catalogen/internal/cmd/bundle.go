package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/hosts"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/image"
)

// everything stands for all connectors of the catalog that can have an image.
const everything = "all"

// hostsFolder is where the documents for platforms are, in the folder of a bundle as in catalog/.
const hostsFolder = "hosts"

// bundle builds the images of the connectors and of patchbay, and one that holds all of them.
func (i imageCmd) bundle(ctx context.Context, s streams) error {
	if len(i.Names) != 1 {
		return fmt.Errorf("%w: --with makes one image: give its name, as in: catalogen image --with http-source,nats-sink my-prices:1.0.0", errUsage)
	}
	name, version, err := image.ParseName(i.Names[0])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	index, err := readIndex(i.Root)
	if err != nil {
		return err
	}
	if name == tool || slices.Contains(entryNames(index), name) {
		return fmt.Errorf("%w: %s has an image of its own: give the one with several programs another name", errUsage, name)
	}
	i.Names = nil
	if !slices.Equal(i.With, []string{everything}) {
		i.Names = slices.Compact(slices.Sorted(slices.Values(append(i.With, tool))))
	}
	all, err := i.build(ctx, s)
	if err != nil {
		return err
	}
	bundle := image.Bundle{Name: name, Version: version, Files: map[string][]byte{}}
	var docs []metadata.Document
	for _, b := range all {
		if b.target.Document == nil {
			bundle.Tool, bundle.Version = b.dir, cmp.Or(version, b.version)
			continue
		}
		var doc metadata.Document
		if err := json.Unmarshal(b.target.Document, &doc); err != nil {
			return fmt.Errorf("%s: %w", b.target.Name, err)
		}
		bundle.Connectors, docs = append(bundle.Connectors, b.dir), append(docs, doc)
	}
	files, err := hosts.BundleFiles(name, bundle.Version, docs)
	if err != nil {
		return err
	}
	for file, text := range files {
		bundle.Files[path.Join(hostsFolder, file)] = text
	}
	dir := filepath.Join(i.folder(), name)
	digest, err := bundle.Build(ctx, dir)
	if err != nil {
		return err
	}
	announce(s, name, bundle.Version, digest, dir)
	return nil
}

// picks are what to publish: as wanted says, and bundles by their names, with or without a version.
func (p publishCmd) picks(s streams) ([]pick, error) {
	index, err := readIndex(p.Root)
	if err != nil {
		return nil, err
	}
	var bundles []pick
	var names []string
	for _, text := range p.Names {
		name, version, err := image.ParseName(text)
		if err != nil || name == tool || slices.Contains(entryNames(index), text) {
			names = append(names, text)
			continue
		}
		programs, err := image.Programs(filepath.Join(p.folder(), name))
		if err != nil || len(programs) == 0 { // wanted tells that there is no such connector
			names = append(names, text)
			continue
		}
		if err := current(name, programs, index); err != nil {
			return nil, err
		}
		bundles = append(bundles, pick{bundle: name, bundleVersion: version})
	}
	if len(bundles) > 0 && len(names) == 0 {
		return bundles, nil
	}
	p.Names = names
	wanted, err := p.wanted(p.Root, s)
	return append(wanted, bundles...), err
}

// current returns an error if a bundle holds another version of a connector than the catalog.
func current(name string, programs []image.Program, index metadata.Index) error {
	for _, p := range programs {
		for _, e := range index.Connectors {
			if e.Name == p.Name && e.Version != p.Version {
				return fmt.Errorf("%s holds %s %s, and the catalog %s; to mend: catalogen image --with %s %s",
					name, p.Name, p.Version, e.Version, strings.Join(connectorsOf(programs), ","), name)
			}
		}
	}
	return nil
}

// connectorsOf are the names of what a bundle holds but patchbay.
func connectorsOf(programs []image.Program) []string {
	var names []string
	for _, p := range programs {
		if p.Name != tool {
			names = append(names, p.Name)
		}
	}
	return names
}
