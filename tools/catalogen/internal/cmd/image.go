package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/image"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
)

// tool is the program that gets an image beside the connectors.
const tool = "patchbay"

// pickFlags choose what is built for every platform.
type pickFlags struct {
	rootFlag
	Names []string `arg:"" optional:"" name:"name" help:"Connectors, or patchbay (default: all of them)."`
}

// imageFlags are what building and publishing images have in common.
type imageFlags struct {
	pickFlags
	Images string `help:"Folder for the images (default: dist/images in the repository)." placeholder:"DIR"`
}

func (f imageFlags) folder() string {
	if f.Images != "" {
		return f.Images
	}
	return filepath.Join(f.Root, "dist", "images")
}

type imageCmd struct {
	imageFlags
	With []string `help:"Build one image, called NAME or NAME:VERSION, that holds patchbay and these connectors, or all." placeholder:"CONNECTOR,..."`
}

// Run builds the images of the catalog's connectors and of patchbay, or one of several of them.
func (i imageCmd) Run(ctx context.Context, s streams) error {
	if len(i.With) > 0 {
		return i.bundle(ctx, s)
	}
	_, err := i.build(ctx, s)
	return err
}

// A built is an image of one program.
type built struct {
	target       image.Target
	version, dir string
}

// build builds an image of each program that is wanted.
func (i imageCmd) build(ctx context.Context, s streams) ([]built, error) {
	root, err := filepath.Abs(i.Root)
	if err != nil {
		return nil, err
	}
	targets, err := i.targets(ctx, root, s)
	if err != nil {
		return nil, err
	}
	compile := image.Go(root)
	var all []built
	for _, target := range targets {
		dir := filepath.Join(i.folder(), target.Name)
		version, digest, err := target.Build(ctx, compile, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, built{target, version, dir})
		announce(s, target.Name, version, digest, dir)
	}
	return all, nil
}

// announce writes the line of an image that was built.
func announce(s streams, name, version string, digest image.Digest, dir string) {
	fmt.Fprintf(s.out, "%s:%s@%s  %s\n", name, version, digest, dir)
}

// targets are what to build, in the order in which they were named, else the catalog's. The catalog has proved a connector
// as it was made from certain inputs, so one whose inputs have changed since is refused.
func (f pickFlags) targets(ctx context.Context, root string, s streams) ([]image.Target, error) {
	wanted, err := f.wanted(root, s)
	if err != nil {
		return nil, err
	}
	var folders []discover.Folder
	for _, w := range wanted {
		if w.folder.Name != "" {
			folders = append(folders, w.folder)
		}
	}
	var made map[string]string
	var unfit map[string]finding.Finding
	if len(folders) > 0 {
		if made, unfit, err = pipeline.Digests(ctx, root, folders); err != nil {
			return nil, err
		}
	}
	var targets []image.Target
	for _, w := range wanted {
		if w.folder.Name == "" {
			targets = append(targets, image.Target{Name: tool, Package: "tools/" + tool})
			continue
		}
		if f, ok := unfit[w.entry.Name]; ok {
			return nil, fmt.Errorf("%s: %s", w.entry.Name, f.Message)
		}
		if made[w.entry.Name] != w.entry.Inputs {
			return nil, fmt.Errorf("%s has changed since the catalog proved it; to mend: make catalog", w.entry.Name)
		}
		_, text, err := document(root, w.entry.Name, w.entry.Version)
		if err != nil {
			return nil, err
		}
		targets = append(targets, image.Target{Name: w.entry.Name, Package: w.entry.Path, Document: text})
	}
	return targets, nil
}

// A pick is what gets an image: a connector of the catalog, a bundle, or the tool, which is the zero pick.
type pick struct {
	entry         metadata.Entry
	folder        discover.Folder
	bundle        string
	bundleVersion string // empty for whichever there is
}

// name is the image's.
func (p pick) name() string { return cmp.Or(p.entry.Name, p.bundle, tool) }

// version is the one to publish, empty for whichever there is.
func (p pick) version() string { return cmp.Or(p.entry.Version, p.bundleVersion) }

// layout is the folder that holds an image.
func (f imageFlags) layout(p pick) string { return filepath.Join(f.folder(), p.name()) }

// wanted are the programs that were named, else all of the catalog and the tool. A connector that cannot be built for every
// platform is named with the reason, and is an error if it was asked for.
func (f pickFlags) wanted(root string, s streams) ([]pick, error) {
	names := f.Names
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
	var picks []pick
	for _, name := range names {
		if name == tool {
			picks = append(picks, pick{})
			continue
		}
		entry, err := find(root, name)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(folders, func(f discover.Folder) bool { return f.Path == entry.Path && build.ByGo(f) })
		if at >= 0 {
			picks = append(picks, pick{entry: entry, folder: folders[at]})
			continue
		}
		reason := name + " has no image and no released program: it is not built by go build alone, so it cannot be built for every platform"
		if len(f.Names) > 0 {
			return nil, errors.New(reason)
		}
		fmt.Fprintln(s.err, reason)
	}
	return picks, nil
}

type publishCmd struct {
	Registry string `arg:"" help:"Where to push: a registry, with or without a path."`
	imageFlags
}

// Run pushes the images that were built of what is in the catalog, and the bundles that are named. A version that is taken does not keep the others from
// being published: whoever releases gets all of these names at once.
func (p publishCmd) Run(ctx context.Context, s streams) error {
	wanted, err := p.picks(s)
	if err != nil {
		return err
	}
	for _, w := range wanted { // before anything is pushed
		if _, err := os.Stat(p.layout(w)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no image of %s in %s; to make it: make image", w.name(), p.folder())
		}
	}
	var taken []error
	for _, w := range wanted {
		published, err := image.Publish(ctx, p.layout(w), p.Registry, w.name(), w.version())
		if errors.Is(err, image.ErrTaken) {
			taken = append(taken, err)
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, published)
	}
	return errors.Join(taken...)
}
