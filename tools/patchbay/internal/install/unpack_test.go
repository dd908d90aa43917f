package install

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An entry is one of an archive.
type entry struct{ name, content, link string }

func tarball(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o755, Typeflag: tar.TypeReg, Linkname: e.link}
		if e.link != "" {
			h.Typeflag = tar.TypeSymlink
		}
		if strings.HasPrefix(e.link, "hard:") {
			h.Typeflag, h.Linkname = tar.TypeLink, e.link[5:]
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchivesAreUnpacked(t *testing.T) {
	tests := []struct {
		name string
		body []byte
		err  string
	}{
		{"tar", tarball(t, entry{name: "file", content: "1"}, entry{name: "sub/link", link: "../file"}), ""},
		{"one folder", tarball(t, entry{name: "top-1.0/file", content: "1"}, entry{name: "top-1.0/sub/x"}), ""},
		{"zip", zipped(t, entry{name: "file", content: "1"}, entry{name: "sub/x"}), ""},
		{"zip in one folder", zipped(t, entry{name: "top/file", content: "1"}), ""},
		{"tar out", tarball(t, entry{name: "../file", content: "1"}), "leads out"},
		{"absolute", tarball(t, entry{name: "/etc/file", content: "1"}), "leads out"},
		{"zip out", zipped(t, entry{name: "a/../../file", content: "1"}), "leads out"},
		{"link out", tarball(t, entry{name: "a", link: "../../x"}), "leads out"},
		{"link away", tarball(t, entry{name: "a", link: "/etc"}), "leads out"},
		{"hard link", tarball(t, entry{name: "a", link: "hard:/etc/passwd"}), "neither a file"},
		{"twice", tarball(t, entry{name: "a", link: "b"}, entry{name: "a", content: "1"}), "exists"},
		{"torn", tarball(t, entry{name: "file", content: "1"})[:30], "unpack"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			address, digest := serve(t, tt.body)
			r.install(Manifest{Source: "HTTP", URI: address, Digest: digest}, false, tt.err)
			if tt.err != "" {
				r.empty()
				return
			}
			r.has("file", "1")
			if entries, err := os.ReadDir(filepath.Join(r.Root, "x")); err != nil || len(entries) != 3 {
				t.Errorf("there is %v, %v", entries, err)
			}
		})
	}
}

func TestUnpackingIsBounded(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	u := &unpacker{root: root, left: 3}
	if err := u.entry("a", 0o600, "", strings.NewReader("abc")); err != nil {
		t.Error(err)
	}
	if err := u.entry("b", 0o600, "", strings.NewReader("d")); err == nil {
		t.Error("there is no bound")
	}
}
