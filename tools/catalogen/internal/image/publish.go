package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ErrTaken means that the registry holds another image under the name and version; the version has to be raised.
var ErrTaken = errors.New("is published and holds another image")

// Published is what a registry holds after Publish.
type Published struct {
	Reference string // registry/name:version
	Digest    Digest
}

// String is the line that names the image for people and scripts: registry/name:version@sha256:<hex>.
func (p Published) String() string { return p.Reference + "@" + string(p.Digest) }

// Publish pushes the image of a program in layoutDir to registry, which may have a path, as <registry>/<name>:<version>, and
// blocks until the registry holds all of it. A version of "" is the image's own; another than that is refused. A tag that
// holds the image already is left alone, and one that holds another is ErrTaken and never overwritten. Blobs that the registry has are
// not sent. Credentials are those of `docker login`. A registry on loopback may speak plain http; every other must speak
// https.
func Publish(ctx context.Context, layoutDir, registry, program, version string) (Published, error) {
	index, title, built, err := read(layoutDir)
	if err != nil {
		return Published{}, fmt.Errorf("read image %s: %w", layoutDir, err)
	}
	if title != program || built != cmp.Or(version, built) {
		return Published{}, fmt.Errorf("%s holds %s %s, not %s; to mend: make image",
			layoutDir, title, built, strings.TrimSpace(program+" "+version))
	}
	digest, err := index.Digest()
	if err != nil {
		return Published{}, fmt.Errorf("read image %s: %w", layoutDir, err)
	}
	tag, err := reference(registry, program, built)
	if err != nil {
		return Published{}, err
	}
	published := Published{Reference: tag.String(), Digest: Digest(digest.String())}
	options := []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithTransport(secure{remote.DefaultTransport}), remote.WithUserAgent("catalogen"),
	}
	there, err := held(tag, options)
	switch {
	case err != nil:
		return Published{}, fmt.Errorf("look for %s: %w", tag, err)
	case there == published.Digest:
		return published, nil
	case there != "":
		return Published{}, fmt.Errorf("%s %w (%s); raise the version", tag, ErrTaken, there)
	}
	if err := remote.WriteIndex(tag, index, options...); err != nil {
		return Published{}, fmt.Errorf("push %s: %w", tag, err)
	}
	return published, nil
}

// held returns the digest of what a tag names, or "" if there is no such tag.
func held(tag name.Tag, options []remote.Option) (Digest, error) {
	head, err := remote.Head(tag, options...)
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return Digest(head.Digest.String()), nil
}

// read gives the one image of a layout that Build wrote.
func read(layoutDir string) (index v1.ImageIndex, title, version string, err error) {
	index, labels, err := open(layoutDir)
	return index, labels[labelTitle], labels[labelVersion], err
}

// open gives the one image of a layout that Build wrote, with its labels, which hold a title and a version.
func open(layoutDir string) (v1.ImageIndex, map[string]string, error) {
	outer, err := layout.ImageIndexFromPath(layoutDir)
	if err != nil {
		return nil, nil, err
	}
	list, err := outer.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	if len(list.Manifests) != 1 {
		return nil, nil, fmt.Errorf("it holds %d images and not one", len(list.Manifests))
	}
	index, err := outer.ImageIndex(list.Manifests[0].Digest)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	if manifest.Annotations[labelTitle] == "" || manifest.Annotations[labelVersion] == "" {
		return nil, nil, errors.New("it does not say its name and version; build it again")
	}
	return index, manifest.Annotations, nil
}

func reference(registry, title, version string) (name.Tag, error) {
	options := []name.Option{name.StrictValidation}
	if host, _, _ := strings.Cut(registry, "/"); loopback(host) {
		options = append(options, name.Insecure)
	}
	if strings.Contains(registry, "://") {
		return name.Tag{}, fmt.Errorf("registry %s: leave out the scheme, as in registry.example/patchbay", registry)
	}
	tag, err := name.NewTag(strings.TrimSuffix(registry, "/")+"/"+title+":"+version, options...)
	if err != nil {
		return name.Tag{}, fmt.Errorf("registry %s: %w", registry, err)
	}
	return tag, nil
}

// secure refuses plain http to anything but loopback, where the library would fall back to it for private addresses and
// wherever a registry redirects.
type secure struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s secure) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL.Host) {
		return nil, fmt.Errorf("registry %s does not speak https, and plain http is for loopback only", r.URL.Host)
	}
	return s.next.RoundTrip(r)
}

// loopback says whether a host, with or without a port, is this machine.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var _ http.RoundTripper = secure{}
