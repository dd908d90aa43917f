// Package image makes container images of connectors and tools, without a daemon and without a base image to trust: one
// static program on top of certificate authorities, a user who is not root, and an empty home folder.
//
// The same programs give the same digests on every machine: nothing in an image depends on the clock, the builder's name,
// the path of the sources or the certificates of the machine that builds.
package image

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// Source is where the sources of everything in an image are found.
	Source = "https://github.com/patchbay-dev/patchbay"
	// refName is the annotation by which tools name an image within a layout.
	refName = "org.opencontainers.image.ref.name"

	labelTitle    = "org.opencontainers.image.title"
	labelVersion  = "org.opencontainers.image.version"
	labelLicenses = "org.opencontainers.image.licenses"
	// labelPrograms names what a Bundle holds, as name:version words.
	labelPrograms = "dev.patchbay.programs"
)

// A Platform is an operating system and an architecture in Go's words, such as linux/amd64.
type Platform string

// The platforms that every image is built for.
const (
	LinuxAMD64 Platform = "linux/amd64"
	LinuxARM64 Platform = "linux/arm64"
)

// Platforms lists them in the order in which they stand in an image.
var Platforms = []Platform{LinuxAMD64, LinuxARM64}

var machines = map[Platform]elf.Machine{LinuxAMD64: elf.EM_X86_64, LinuxARM64: elf.EM_AARCH64}

// A Digest names content, as sha256:<hex>.
type Digest string

// A Spec says what an image is made of. Every field is required.
type Spec struct {
	Name        string // the program's name, which is the image's
	Version     string // the tag
	Description string
	License     string              // SPDX identifier
	Binaries    map[Platform]string // a static program for each platform of the image
}

// Build writes the image as an OCI layout to dir, which it creates or, if it is a layout already, replaces. It returns the
// digest of the multi-platform index, and blocks until all is written. If it fails, what dir held before is still there.
func Build(ctx context.Context, spec Spec, dir string) (Digest, error) {
	index, err := makeIndex(ctx, spec)
	if err != nil {
		return "", fmt.Errorf("image of %s: %w", spec.Name, err)
	}
	return writeLayout(index, spec.Version, nil, dir)
}

func makeIndex(ctx context.Context, spec Spec) (v1.ImageIndex, error) {
	switch {
	case spec.Name == "" || spec.Name != filepath.Base(spec.Name):
		return nil, fmt.Errorf("%q is no name for a program", spec.Name)
	case spec.Version == "" || spec.Description == "" || spec.License == "":
		return nil, errors.New("it needs a version, a description and a license")
	case len(spec.Binaries) == 0:
		return nil, errors.New("there is no program to put in")
	}
	base, err := baseLayer()
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	// In the order of their names: maps have none.
	for _, platform := range slices.Sorted(maps.Keys(spec.Binaries)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		img, err := makeImage(spec, platform, base)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}
		os, arch, _ := strings.Cut(string(platform), "/")
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}},
		})
	}
	// Registries show the annotations of the index; programs that run the image show the labels of its config.
	return mutate.Annotations(index, labels(spec)).(v1.ImageIndex), nil
}

func makeImage(spec Spec, platform Platform, base v1.Layer) (v1.Image, error) {
	program, err := readProgram(spec.Binaries[platform], platform)
	if err != nil {
		return nil, err
	}
	layer, err := programLayer(spec.Name, program)
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	epoch := v1.Time{Time: time.Unix(0, 0).UTC()}
	img, err = mutate.Append(img,
		mutate.Addendum{Layer: base, History: v1.History{Created: epoch, CreatedBy: "certificates, user and folders"}},
		mutate.Addendum{Layer: layer, History: v1.History{Created: epoch, CreatedBy: "/" + spec.Name}},
	)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, _ = strings.Cut(string(platform), "/")
	config.Created = epoch
	config.Config = v1.Config{
		Entrypoint: []string{"/" + spec.Name},
		Env:        []string{"HOME=" + home},
		User:       fmt.Sprintf("%d:%d", uid, uid),
		WorkingDir: home,
		StopSignal: "SIGTERM",
		Labels:     labels(spec),
	}
	return mutate.ConfigFile(img, config)
}

func labels(spec Spec) map[string]string {
	return map[string]string{
		labelTitle:                             spec.Name,
		labelVersion:                           spec.Version,
		"org.opencontainers.image.description": spec.Description,
		labelLicenses:                          spec.License,
		"org.opencontainers.image.source":      Source,
	}
}

// readProgram reads a program and refuses one that could not start: an image holds no dynamic loader, and the kernel's
// "no such file or directory" would name the program and not the loader.
func readProgram(path string, platform Platform) ([]byte, error) {
	machine, ok := machines[platform]
	if !ok {
		return nil, fmt.Errorf("there are no images for this platform; the platforms are %v", Platforms)
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s is no Linux program: %w", path, err)
	}
	defer f.Close() //nolint:errcheck // read only
	if f.Machine != machine {
		return nil, fmt.Errorf("%s is a program for %v", path, f.Machine)
	}
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			return nil, fmt.Errorf("%s is linked dynamically; build it with CGO_ENABLED=0", path)
		}
	}
	return os.ReadFile(path)
}

// writeLayout writes beside dir and renames, so that a layout is whole or not there. files, by their path with slashes, are
// put beside the image. It returns the digest of the index.
func writeLayout(index v1.ImageIndex, version string, files map[string][]byte, dir string) (_ Digest, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", dir, err)
		}
	}()
	digest, err := index.Digest()
	if err != nil {
		return "", err
	}
	if err := replaceable(dir); err != nil {
		return "", err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(parent, ".image-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	fresh := filepath.Join(temp, "layout")
	path, err := layout.Write(fresh, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err != nil {
		return "", err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{refName: version})); err != nil {
		return "", err
	}
	for name, text := range files {
		file := filepath.Join(fresh, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return "", err
		}
	}
	if err := os.Rename(dir, filepath.Join(temp, "old")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return Digest(digest.String()), os.Rename(fresh, dir)
}

// replaceable says whether dir may be replaced: it is absent, empty, or a layout, and not a folder given by mistake.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 0 || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "oci-layout" }):
		return nil
	}
	return errors.New("the folder holds something else than an image; give another")
}
