package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/image"
)

// tool is the program that gets an image beside the connectors.
const tool = "patchbay"

// imageFlags are what building and publishing images have in common.
type imageFlags struct {
	rootFlag
	Images string   `help:"Folder for the images (default: dist/images in the repository)." placeholder:"DIR"`
	Names  []string `arg:"" optional:"" name:"name" help:"Connectors, or patchbay (default: all of them)."`
}

func (f imageFlags) folder() string {
	if f.Images != "" {
		return f.Images
	}
	return filepath.Join(f.Root, "dist", "images")
}

type imageCmd struct{ imageFlags }

// Run builds the images of the catalog's connectors and of patchbay.
func (i imageCmd) Run(ctx context.Context, s streams) error {
	root, err := filepath.Abs(i.Root)
	if err != nil {
		return err
	}
	targets, err := i.targets(root, s)
	if err != nil {
		return err
	}
	compile := image.Go(root)
	for _, target := range targets {
		dir := filepath.Join(i.folder(), target.Name)
		version, digest, err := target.Build(ctx, compile, dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s:%s@%s  %s\n", target.Name, version, digest, dir)
	}
	return nil
}

// targets are what to build, in the order in which they were named, else the catalog's. A connector that cannot have an
// image is named with the reason, and is an error if it was asked for.
func (i imageCmd) targets(root string, s streams) ([]image.Target, error) {
	names := i.Names
	if len(names) == 0 {
		index, err := readIndex(root)
		if err != nil {
			return nil, err
		}
		names = append(entryNames(index), tool)
	}
	folders, _, err := discover.Folders(root)
	if err != nil {
		return nil, err
	}
	var targets []image.Target
	for _, name := range names {
		if name == tool {
			targets = append(targets, image.Target{Name: tool, Package: "tools/" + tool})
			continue
		}
		entry, _, err := find(root, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(folders, func(f discover.Folder) bool { return f.Path == entry.Path && build.ByGo(f) }) {
			reason := name + " has no image: it is not built by go build alone, so it cannot be built for every platform"
			if len(i.Names) > 0 {
				return nil, errors.New(reason)
			}
			fmt.Fprintln(s.err, reason)
			continue
		}
		document, err := os.ReadFile(filepath.Join(root, "catalog", "connectors", entry.Name, entry.Version+".json"))
		if err != nil {
			return nil, err
		}
		targets = append(targets, image.Target{Name: name, Package: entry.Path, Document: document})
	}
	return targets, nil
}

type publishCmd struct {
	Registry string `arg:"" help:"Where to push: a registry, with or without a path."`
	imageFlags
}

// Run pushes the images that were built.
func (p publishCmd) Run(ctx context.Context, s streams) error {
	names := p.Names
	if len(names) == 0 {
		entries, err := os.ReadDir(p.folder())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), ".") { // what an interrupted build left
				names = append(names, entry.Name())
			}
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("there are no images in %s; to make them: make image", p.folder())
	}
	for _, name := range names {
		published, err := image.Publish(ctx, filepath.Join(p.folder(), name), p.Registry)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, published)
	}
	return nil
}
