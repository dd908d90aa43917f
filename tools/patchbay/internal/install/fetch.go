package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxDownload  = 1 << 30 // bytes
	headTimeout  = 30 * time.Second
	maxRedirects = 10
)

// fetch brings what a manifest names into a folder, which it makes.
func (i *Installer) fetch(ctx context.Context, m *Manifest, dir string) error {
	switch m.Source {
	case fromVCS:
		return i.clone(ctx, m, dir)
	case fromLocal:
		return local(m.URI, dir)
	}
	return download(ctx, m, dir)
}

// clone clones a git repository, and goes to the commit where one is pinned: git itself checks that it is that commit.
func (i *Installer) clone(ctx context.Context, m *Manifest, dir string) error {
	commit, err := m.digest()
	if err != nil {
		return err
	}
	argv := []string{"git", "clone", "--quiet"}
	if commit == "" {
		argv = append(argv, "--depth=1")
	} else {
		argv = append(argv, "--no-checkout")
	}
	if err := i.command(ctx, filepath.Dir(dir), append(argv, "--", m.URI, dir)...); err != nil || commit == "" {
		return err
	}
	return i.command(ctx, dir, checkout(commit).argv...)
}

// checkout is the step to a commit. The id is a whole one, which no branch or tag can stand for.
func checkout(commit string) step {
	return step{title: "update", argv: []string{"git", "checkout", "--quiet", "--detach", commit}}
}

// local copies a folder, or a file into a folder.
func local(from, dir string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if within(from, dir) {
			return errors.New("it holds the folder to install to")
		}
		return os.CopyFS(dir, os.DirFS(from))
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is neither a folder nor a file")
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return place(f, dir, filepath.Base(from))
}

// within reports whether path is dir or below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// download fetches a file, checks it, and unpacks it if it is an archive.
func download(ctx context.Context, m *Manifest, dir string) error {
	pin, err := m.digest()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(dir), ".download-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	sum, err := get(ctx, m.URI, pin != "", f)
	if err != nil {
		return err
	}
	if pin != "" && sum != pin {
		return fmt.Errorf("its digest is sha256:%s, and the manifest pins sha256:%s; nothing of it was used", sum, pin)
	}
	switch kind, err := archiveKind(f); {
	case err != nil:
		return err
	case kind != "":
		return unpack(f, kind, dir)
	}
	name := path.Base(m.URI)
	if u, err := url.Parse(m.URI); err == nil {
		name = path.Base(u.Path)
	}
	if !filepath.IsLocal(name) || name == "." {
		name = "download"
	}
	return place(f, dir, name)
}

// get writes what an address serves to w and returns its SHA-256, in hexadecimal digits.
func get(ctx context.Context, address string, pinned bool, w io.Writer) (string, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = headTimeout
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return errors.New("too many redirects")
		}
		if r.URL.Scheme != "https" && !pinned {
			return errors.New("it leads to an address without https://; pin what it serves with digest: sha256:HEX")
		}
		return nil
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", errors.Unwrap(err) // without the address, which the caller adds
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server answered %s", response.Status)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(response.Body, maxDownload+1))
	if err == nil && n > maxDownload {
		err = fmt.Errorf("it is larger than %d bytes", maxDownload)
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}

// place makes a folder of one file, which can be executed.
func place(f *os.File, dir, name string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return errors.Join(err, out.Close())
}

// archiveKind tells an archive by how it begins; empty for anything else.
func archiveKind(f *os.File) (string, error) {
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	switch text := string(head[:n]); {
	case strings.HasPrefix(text, "\x1f\x8b"):
		return "tar.gz", nil
	case text == "PK\x03\x04":
		return "zip", nil
	}
	return "", nil
}
