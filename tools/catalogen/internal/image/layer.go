package image

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	uid  = 65532 // the number that images without root use by custom; a volume prepared for one of them serves here
	home = "/home/nonroot"
)

// A file is an entry of a layer. A path that ends in a slash is a folder.
type file struct {
	path    string
	mode    int64
	owner   int
	content []byte
}

// baseLayer holds what every program finds around it. It is the same bytes for every image and platform, so that a
// registry keeps it once.
func baseLayer() (v1.Layer, error) {
	return makeLayer([]file{
		{path: "etc/", mode: 0o755},
		{path: "etc/group", mode: 0o644, content: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", uid)},
		{path: "etc/passwd", mode: 0o644, content: fmt.Appendf(nil,
			"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%[1]d:nonroot:%s:/sbin/nologin\n", uid, home)},
		{path: "etc/ssl/", mode: 0o755},
		{path: "etc/ssl/certs/", mode: 0o755},
		{path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: authorities()},
		{path: "home/", mode: 0o755},
		{path: "home/nonroot/", mode: 0o700, owner: uid},
		{path: "tmp/", mode: 0o1777},
	})
}

func programLayer(name string, program []byte) (v1.Layer, error) {
	return makeLayer([]file{{path: name, mode: 0o755, content: program}})
}

// authorities are Mozilla's certificate authorities as the module pinned by go.sum holds them, not those of the machine
// that builds: two machines give the same image, and an update is a reviewed change of go.mod. An authority that Mozilla
// trusts only in part is left out, for a file of certificates cannot say so.
func authorities() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}

// makeLayer makes a layer of files in the given order, which names folders before what they hold.
func makeLayer(files []file) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Uid: f.owner, Gid: f.owner,
			Size: int64(len(f.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if f.path[len(f.path)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}
