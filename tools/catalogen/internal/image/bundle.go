package image

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A Bundle is an image that holds patchbay and connectors beside it, which is where patchbay looks for connectors. It is put
// together from images that Build wrote, layer by layer, so that a registry that has those has nearly all of it.
type Bundle struct {
	Name    string // as ParseName takes it
	Version string // the tag
	// Tool is the folder of patchbay's image, and Connectors are those of the connectors', in any order.
	Tool       string
	Connectors []string
	// Files are put into the layout's folder, beside the image, by their path with slashes.
	Files map[string][]byte
}

// A Program is what an image holds.
type Program struct{ Name, Version string }

// namePattern is what registries, Kubernetes and DNS all take for a name.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// ParseName reads the name of a bundle, NAME or NAME:VERSION. The version, which may be empty, is a semantic one without a
// plus sign: it becomes a tag.
func ParseName(text string) (name, version string, err error) {
	name, version, given := strings.Cut(text, ":")
	if !namePattern.MatchString(name) {
		return "", "", fmt.Errorf("%q is no name for an image: write small letters, digits and single hyphens, as in my-prices", name)
	}
	if _, err := semver.StrictNewVersion(version); given && (err != nil || strings.Contains(version, "+")) {
		return "", "", fmt.Errorf("%s: %q is no version; write it like 1.0.0", name, version)
	}
	return name, version, nil
}

// Build writes the image as Build of a Spec does, and returns its digest. Its entry point is `patchbay connect`; a platform
// that wants another command of patchbay names that.
func (b Bundle) Build(ctx context.Context, dir string) (Digest, error) {
	tool, err := readPart(b.Tool)
	if err != nil {
		return "", err
	}
	var parts []part
	for _, dir := range b.Connectors {
		p, err := readPart(dir)
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	// The same connectors give the same image, in whatever order they were named.
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.Name, b.Name) })
	index, err := b.index(ctx, tool, parts)
	if err != nil {
		return "", fmt.Errorf("image of %s: %w", b.Name, err)
	}
	return writeLayout(index, b.Version, b.Files, dir)
}

// A part is an image of one program.
type part struct {
	Program
	license string
	index   v1.ImageIndex
}

func readPart(dir string) (part, error) {
	index, labels, err := open(dir)
	if err != nil {
		return part{}, fmt.Errorf("read image %s: %w", dir, err)
	}
	return part{Program{labels[labelTitle], labels[labelVersion]}, labels[labelLicenses], index}, nil
}

// index adds the parts to each of the tool's images.
func (b Bundle) index(ctx context.Context, tool part, parts []part) (v1.ImageIndex, error) {
	if len(parts) == 0 {
		return nil, errors.New("it needs a connector")
	}
	manifest, err := tool.index.IndexManifest()
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, m := range manifest.Manifests {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		img, err := b.image(tool, parts, m.Platform)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: m.Platform}})
	}
	return mutate.Annotations(index, b.labels(tool, parts)).(v1.ImageIndex), nil
}

// image adds the programs of the parts to the tool's image for a platform.
func (b Bundle) image(tool part, parts []part, platform *v1.Platform) (v1.Image, error) {
	img, err := tool.on(platform)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		other, err := p.on(platform)
		if err != nil {
			return nil, err
		}
		layers, err := other.Layers()
		if err != nil {
			return nil, err
		}
		img, err = mutate.Append(img, mutate.Addendum{
			Layer:   layers[len(layers)-1], // the program's; what is below is in the tool's image
			History: v1.History{Created: v1.Time{Time: time.Unix(0, 0).UTC()}, CreatedBy: "/" + p.Name},
		})
		if err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Config.Entrypoint = []string{"/" + tool.Name, "connect"}
	config.Config.Labels = b.labels(tool, parts)
	return mutate.ConfigFile(img, config)
}

// on returns the part's image for a platform.
func (p part) on(platform *v1.Platform) (v1.Image, error) {
	manifest, err := p.index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, m := range manifest.Manifests {
		if m.Platform.Equals(*platform) {
			return p.index.Image(m.Digest)
		}
	}
	return nil, fmt.Errorf("the image of %s has nothing for this platform", p.Name)
}

func (b Bundle) labels(tool part, parts []part) map[string]string {
	programs := []string{tool.Name + ":" + tool.Version}
	licenses := []string{tool.terms()}
	var names []string
	for _, p := range parts {
		programs, licenses, names = append(programs, p.Name+":"+p.Version), append(licenses, p.terms()), append(names, p.Name)
	}
	slices.Sort(licenses)
	all := labels(Spec{
		Name: b.Name, Version: b.Version, Description: "Runs " + strings.Join(names, ", ") + " for other platforms.",
		License: strings.Join(slices.Compact(licenses), " AND "),
	})
	all[labelPrograms] = strings.Join(programs, " ")
	return all
}

// terms is the license as a part of an SPDX expression.
func (p part) terms() string {
	if strings.Contains(p.license, " ") {
		return "(" + p.license + ")"
	}
	return p.license
}

// Programs returns what the Bundle in a layout's folder holds, patchbay first, and nil for an image of one program.
func Programs(layoutDir string) ([]Program, error) {
	_, labels, err := open(layoutDir)
	if err != nil {
		return nil, fmt.Errorf("read image %s: %w", layoutDir, err)
	}
	var all []Program
	for _, word := range strings.Fields(labels[labelPrograms]) {
		name, version, _ := strings.Cut(word, ":")
		all = append(all, Program{name, version})
	}
	return all, nil
}
