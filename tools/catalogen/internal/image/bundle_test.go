package image

import (
	"archive/tar"
	"debug/elf"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// singles builds images of patchbay and of two connectors, and returns their folders.
func singles(t *testing.T) (tool string, connectors []string) {
	t.Helper()
	for _, s := range []Spec{
		{Name: "patchbay", Version: "0.3.0", Description: "Runs.", License: "Apache-2.0"},
		{Name: "demo-source", Version: "0.1.0", Description: "Reads.", License: "Apache-2.0"},
		{Name: "demo-sink", Version: "0.2.0", Description: "Writes.", License: "MIT OR BSD-2-Clause"},
	} {
		segments := make([]elf.ProgType, len(s.Name)) // each another program
		s.Binaries = map[Platform]string{
			LinuxAMD64: program(t, elf.EM_X86_64, segments...), LinuxARM64: program(t, elf.EM_AARCH64, segments...),
		}
		dir, _ := build(t, s)
		if tool == "" {
			tool = dir
			continue
		}
		connectors = append(connectors, dir)
	}
	return tool, connectors
}

func bundled(t *testing.T, b Bundle) (dir string, digest Digest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "images", b.Name)
	digest, err := b.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, digest
}

func TestBundleHoldsItsPrograms(t *testing.T) {
	tool, connectors := singles(t)
	b := Bundle{Name: "prices", Version: "1.0.0", Tool: tool, Connectors: connectors, Files: map[string][]byte{"hosts/a.yml": []byte("a: 1\n")}}
	dir, _ := bundled(t, b)
	if text, err := os.ReadFile(filepath.Join(dir, "hosts", "a.yml")); err != nil || string(text) != "a: 1\n" {
		t.Errorf("the file beside the image holds %q, %v", text, err)
	}
	programs, err := Programs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Program{{"patchbay", "0.3.0"}, {"demo-sink", "0.2.0"}, {"demo-source", "0.1.0"}}, programs); diff != "" {
		t.Errorf("Programs (-want +got):\n%s", diff)
	}
	if programs, err := Programs(tool); err != nil || programs != nil {
		t.Errorf("an image of one program holds %v, %v", programs, err)
	}
	labels := map[string]string{
		"org.opencontainers.image.title":       "prices",
		"org.opencontainers.image.version":     "1.0.0",
		"org.opencontainers.image.description": "Runs demo-sink, demo-source for other platforms.",
		"org.opencontainers.image.licenses":    "(MIT OR BSD-2-Clause) AND Apache-2.0",
		"org.opencontainers.image.source":      Source,
		"dev.patchbay.programs":                "patchbay:0.3.0 demo-sink:0.2.0 demo-source:0.1.0",
	}
	platforms, all := images(t, dir)
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Fatal(diff)
	}
	for i, img := range all {
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", platforms[i], err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		want := v1.Config{
			Entrypoint: []string{"/patchbay", "connect"}, User: "65532:65532", Env: []string{"HOME=/home/nonroot"},
			WorkingDir: "/home/nonroot", StopSignal: "SIGTERM", Labels: labels,
		}
		if diff := cmp.Diff(want, config.Config); diff != "" {
			t.Errorf("%s: config (-want +got):\n%s", platforms[i], diff)
		}
		if files := filesOf(t, img); !slices.Equal(files[len(files)-3:], []string{"patchbay", "demo-sink", "demo-source"}) {
			t.Errorf("%s: the files are %v", platforms[i], files)
		}
	}
}

// filesOf are the paths in an image, in the order of its layers.
func filesOf(t *testing.T, img v1.Image) []string {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, layer := range layers {
		r, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for tr := tar.NewReader(r); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, h.Name)
		}
	}
	return files
}

func TestBundleIsTheSameInWhateverOrderAndSharesItsLayers(t *testing.T) {
	tool, connectors := singles(t)
	b := Bundle{Name: "prices", Version: "1.0.0", Tool: tool, Connectors: connectors}
	dir, digest := bundled(t, b)
	b.Connectors = []string{connectors[1], connectors[0]}
	other, again := bundled(t, b)
	if digest != again {
		t.Errorf("digests %s and %s", digest, again)
	}
	if diff := cmp.Diff(contents(t, dir), contents(t, other)); diff != "" {
		t.Errorf("layouts differ:\n%s", diff)
	}
	b.Connectors = connectors[:1]
	if _, less := bundled(t, b); less == digest {
		t.Error("an image with another connector has the same digest")
	}
	have := map[v1.Hash]bool{}
	for _, single := range append(connectors, tool) {
		for _, hash := range layerHashes(t, single) {
			have[hash] = true
		}
	}
	for _, hash := range layerHashes(t, dir) {
		if !have[hash] {
			t.Errorf("layer %s is in no image of one program", hash)
		}
	}
}

// layerHashes are those of the layers in a layout, of all platforms.
func layerHashes(t *testing.T, dir string) []v1.Hash {
	t.Helper()
	var hashes []v1.Hash
	_, all := images(t, dir)
	for _, img := range all {
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, layer := range manifest.Layers {
			hashes = append(hashes, layer.Digest)
		}
	}
	return hashes
}

func TestBundleIsPulledBack(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	tool, connectors := singles(t)
	dir, digest := bundled(t, Bundle{Name: "prices", Version: "1.0.0", Tool: tool, Connectors: connectors})
	published, err := Publish(t.Context(), dir, host, "prices", "")
	if want := (Published{host + "/prices:1.0.0", digest}); err != nil || published != want {
		t.Fatalf("Publish = %v, %v, want %v", published, err, want)
	}
	tag, err := name.NewTag(published.Reference)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}

func TestBundleRefuses(t *testing.T) {
	tool, connectors := singles(t)
	half := Spec{
		Name: "half-sink", Version: "0.1.0", Description: "Writes.", License: "MIT",
		Binaries: map[Platform]string{LinuxAMD64: program(t, elf.EM_X86_64)},
	}
	halfDir, _ := build(t, half)
	for _, tt := range []struct {
		name string
		b    Bundle
		want string
	}{
		{"no connector", Bundle{Tool: tool}, "it needs a connector"},
		{"an image that is not there", Bundle{Tool: tool, Connectors: []string{filepath.Join(t.TempDir(), "none")}}, "read image "},
		{"a platform that a connector lacks", Bundle{Tool: tool, Connectors: append(connectors, halfDir)}, "linux/arm64: the image of half-sink has nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.b.Name, tt.b.Version = "prices", "1.0.0"
			dir := filepath.Join(t.TempDir(), "out")
			if _, err := tt.b.Build(t.Context(), dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was written")
			}
		})
	}
}

func TestParseName(t *testing.T) {
	for _, tt := range []struct{ text, name, version, err string }{
		{text: "prices", name: "prices"},
		{text: "my-prices:1.0.0", name: "my-prices", version: "1.0.0"},
		{text: "my-prices:1.0.0-rc.1", name: "my-prices", version: "1.0.0-rc.1"},
		{text: "../prices", err: "is no name for an image"},
		{text: "Prices", err: "is no name for an image"},
		{text: "a--b", err: "is no name for an image"},
		{text: "", err: "is no name for an image"},
		{text: "prices:", err: `"" is no version`},
		{text: "prices:latest", err: `"latest" is no version`},
		{text: "prices:1.0.0+a", err: "is no version"},
	} {
		name, version, err := ParseName(tt.text)
		if name != tt.name || version != tt.version || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("ParseName(%q) = %q, %q, %v", tt.text, name, version, err)
		}
	}
}
