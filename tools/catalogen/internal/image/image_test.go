package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program writes the smallest file that is a program for a machine, with segments of the given types.
func program(t *testing.T, machine elf.Machine, segments ...elf.ProgType) string {
	t.Helper()
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(segments)), Shentsize: 64,
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	for _, segment := range segments {
		if err := binary.Write(&b, binary.LittleEndian, elf.Prog64{Type: uint32(segment)}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func spec(t *testing.T) Spec {
	t.Helper()
	return Spec{
		Name: "demo-source", Version: "0.1.0", Description: "Reads demos.", License: "Apache-2.0",
		Binaries: map[Platform]string{LinuxAMD64: program(t, elf.EM_X86_64), LinuxARM64: program(t, elf.EM_AARCH64)},
	}
}

func build(t *testing.T, spec Spec) (dir string, digest Digest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "dist", "images", spec.Name)
	digest, err := Build(t.Context(), spec, dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, digest
}

func TestTheSameProgramsGiveTheSameLayout(t *testing.T) {
	one, digestOne := build(t, spec(t))
	later := spec(t)
	for _, path := range later.Binaries {
		at := time.Now().Add(-1000 * time.Hour)
		if err := errors.Join(os.Chtimes(path, at, at), os.Chmod(path, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	two, digestTwo := build(t, later)
	if digestOne != digestTwo {
		t.Errorf("digests %s and %s", digestOne, digestTwo)
	}
	if diff := cmp.Diff(contents(t, one), contents(t, two)); diff != "" {
		t.Errorf("layouts differ:\n%s", diff)
	}
	other := spec(t)
	other.Version = "0.1.1"
	if _, digest := build(t, other); digest == digestOne {
		t.Error("another version has the same digest")
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTheLayoutIsValid(t *testing.T) {
	dir, digest := build(t, spec(t))
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Error(err)
	}
	list, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Manifests) != 1 || Digest(list.Manifests[0].Digest.String()) != digest ||
		list.Manifests[0].Annotations[refName] != "0.1.0" || list.Manifests[0].MediaType != types.OCIImageIndex {
		t.Errorf("manifests = %+v, want only %s", list.Manifests, digest)
	}
	index, _, _, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantLabels, manifest.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	for _, m := range manifest.Manifests {
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Errorf("%v: %v", m.Platform, err)
		}
	}
}

var wantLabels = map[string]string{
	"org.opencontainers.image.title":       "demo-source",
	"org.opencontainers.image.version":     "0.1.0",
	"org.opencontainers.image.description": "Reads demos.",
	"org.opencontainers.image.licenses":    "Apache-2.0",
	"org.opencontainers.image.source":      "https://github.com/patchbay-dev/patchbay",
}

// images gives the image of each platform in a layout, in order.
func images(t *testing.T, dir string) (platforms []string, all []v1.Image) {
	t.Helper()
	index, _, _, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		platforms, all = append(platforms, m.Platform.String()), append(all, img)
	}
	return platforms, all
}

func TestConfigOfEachPlatform(t *testing.T) {
	dir, _ := build(t, spec(t))
	platforms, all := images(t, dir)
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Fatal(diff)
	}
	for i, img := range all {
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := config.OS + "/" + config.Architecture; got != platforms[i] {
			t.Errorf("%s: the config says %s", platforms[i], got)
		}
		want := v1.Config{
			Entrypoint: []string{"/demo-source"}, User: "65532:65532", Env: []string{"HOME=/home/nonroot"},
			WorkingDir: "/home/nonroot", StopSignal: "SIGTERM", Labels: wantLabels,
		}
		if diff := cmp.Diff(want, config.Config); diff != "" {
			t.Errorf("%s: config (-want +got):\n%s", platforms[i], diff)
		}
		if config.Created.Unix() != 0 || len(config.History) != 2 || config.History[1].Created.Unix() != 0 {
			t.Errorf("%s: created %v, history %v", platforms[i], config.Created, config.History)
		}
	}
}

func TestFilesOfTheImage(t *testing.T) {
	s := spec(t)
	dir, _ := build(t, s)
	platforms, all := images(t, dir)
	for i, img := range all {
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		type entry struct {
			Name     string
			Mode     int64
			Uid, Gid int
			Unix     int64
		}
		var got []entry
		data := map[string]string{}
		for _, layer := range layers {
			r, err := layer.Uncompressed()
			if err != nil {
				t.Fatal(err)
			}
			for tr := tar.NewReader(r); ; {
				h, err := tr.Next()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(tr)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, entry{h.Name, h.Mode, h.Uid, h.Gid, h.ModTime.Unix()})
				data[h.Name] = string(content)
			}
		}
		want := []entry{
			{"etc/", 0o755, 0, 0, 0},
			{"etc/group", 0o644, 0, 0, 0},
			{"etc/passwd", 0o644, 0, 0, 0},
			{"etc/ssl/", 0o755, 0, 0, 0},
			{"etc/ssl/certs/", 0o755, 0, 0, 0},
			{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, 0, 0},
			{"home/", 0o755, 0, 0, 0},
			{"home/nonroot/", 0o700, 65532, 65532, 0},
			{"tmp/", 0o1777, 0, 0, 0},
			{"demo-source", 0o755, 0, 0, 0},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", platforms[i], diff)
		}
		binary, err := os.ReadFile(s.Binaries[Platform(platforms[i])])
		if err != nil {
			t.Fatal(err)
		}
		if data["demo-source"] != string(binary) {
			t.Errorf("%s: the program is another", platforms[i])
		}
		if want := "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"; !strings.HasSuffix(data["etc/passwd"], want) {
			t.Errorf("%s: passwd = %q", platforms[i], data["etc/passwd"])
		}
		if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM([]byte(data["etc/ssl/certs/ca-certificates.crt"])) ||
			strings.Count(data["etc/ssl/certs/ca-certificates.crt"], "BEGIN CERTIFICATE") < 100 {
			t.Errorf("%s: the certificate authorities cannot be read, or are few", platforms[i])
		}
	}
}

func TestImagesShareTheirBase(t *testing.T) {
	other := spec(t)
	other.Name = "other-sink"
	dirOne, _ := build(t, spec(t))
	dirTwo, _ := build(t, other)
	seen := map[v1.Hash]bool{}
	for _, dir := range []string{dirOne, dirTwo} {
		_, all := images(t, dir)
		for _, img := range all {
			layers, err := img.Layers()
			if err != nil {
				t.Fatal(err)
			}
			digest, err := layers[0].Digest()
			if err != nil {
				t.Fatal(err)
			}
			seen[digest] = true
		}
	}
	if len(seen) != 1 {
		t.Errorf("there are %d base layers", len(seen))
	}
}

func TestBuildReplacesALayoutAndNothingElse(t *testing.T) {
	dir, first := build(t, spec(t))
	next := spec(t)
	next.Version = "0.2.0"
	second, err := Build(t.Context(), next, dir)
	if err != nil || second == first {
		t.Fatalf("second build: %s, %v", second, err)
	}
	fresh, _ := build(t, next)
	if diff := cmp.Diff(contents(t, fresh), contents(t, dir)); diff != "" {
		t.Errorf("something of the first image is left:\n%s", diff)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
		t.Errorf("left beside the layout: %v", entries)
	}

	mine := t.TempDir()
	if err := os.WriteFile(filepath.Join(mine, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), next, mine); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("error = %v", err)
	}
	if _, err := os.Stat(filepath.Join(mine, "thesis.txt")); err != nil {
		t.Error(err)
	}
}

func TestBuildRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{
			"a program for another machine", func(s *Spec) { s.Binaries[LinuxARM64] = s.Binaries[LinuxAMD64] },
			"linux/arm64: ",
		},
		{
			"a dynamically linked program", func(s *Spec) { s.Binaries[LinuxAMD64] = program(t, elf.EM_X86_64, elf.PT_LOAD, elf.PT_INTERP) },
			"is linked dynamically; build it with CGO_ENABLED=0",
		},
		{"a script", func(s *Spec) { s.Binaries[LinuxAMD64] = text }, "is no Linux program"},
		{
			"an unknown platform", func(s *Spec) { s.Binaries["plan9/amd64"] = text },
			"there are no images for this platform",
		},
		{"no programs", func(s *Spec) { s.Binaries = nil }, "there is no program to put in"},
		{"a name with a folder", func(s *Spec) { s.Name = "a/b" }, "is no name for a program"},
		{"no license", func(s *Spec) { s.License = "" }, "needs a version, a description and a license"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := spec(t)
			tt.change(&s)
			dir := filepath.Join(t.TempDir(), "out")
			if _, err := Build(t.Context(), s, dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was written")
			}
		})
	}
}

func TestBuildStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, spec(t), filepath.Join(t.TempDir(), "out")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}
