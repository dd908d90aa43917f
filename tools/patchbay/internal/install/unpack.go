package install

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxUnpacked bounds what an archive may become, in bytes.
const maxUnpacked = 4 << 30

// An unpacker writes below a folder and nowhere else: the system refuses every path that leads out, links included.
type unpacker struct {
	root *os.Root
	left int64 // bytes that may still be written
}

// unpack makes a folder of an archive. If everything in it is below one folder, that is the one.
func unpack(f *os.File, kind, dir string) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{root: root, left: maxUnpacked}
	if kind == "zip" {
		err = u.zip(f)
	} else {
		err = u.tar(f)
	}
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return lift(dir)
}

func (u *unpacker) zip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	for _, entry := range archive.File {
		r, err := entry.Open()
		if err != nil {
			return err
		}
		err = u.entry(entry.Name, entry.Mode(), "", r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) tar(f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	archive := tar.NewReader(zipped)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		mode := header.FileInfo().Mode()
		if header.Typeflag == tar.TypeLink {
			mode |= fs.ModeIrregular
		}
		if err := u.entry(header.Name, mode, header.Linkname, archive); err != nil {
			return err
		}
	}
}

// entry writes one entry. target is that of a symbolic link; empty where it is the content.
func (u *unpacker) entry(name string, mode fs.FileMode, target string, content io.Reader) error {
	name = filepath.Clean(filepath.FromSlash(name))
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q leads out of the archive", name)
	}
	if mode.IsDir() {
		return u.root.MkdirAll(name, 0o700)
	}
	if err := u.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	switch {
	case mode.IsRegular():
		return u.file(name, mode, content)
	case mode.Type() == fs.ModeSymlink:
		if target == "" {
			text, err := io.ReadAll(io.LimitReader(content, 4096))
			if err != nil {
				return err
			}
			target = string(text)
		}
		if filepath.IsAbs(target) || !filepath.IsLocal(filepath.Join(filepath.Dir(name), target)) {
			return fmt.Errorf("the link %q leads out of the archive", name)
		}
		return u.root.Symlink(target, name)
	}
	return fmt.Errorf("%q is neither a file nor a folder nor a symbolic link", name)
}

func (u *unpacker) file(name string, mode fs.FileMode, content io.Reader) error {
	out, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|mode.Perm()&0o100)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(content, u.left+1))
	if u.left -= n; err == nil && u.left < 0 {
		err = fmt.Errorf("it holds more than %d bytes", int64(maxUnpacked))
	}
	return errors.Join(err, out.Close())
}

// lift puts the only folder of a folder in its place.
func lift(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return err
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), ".lift-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	inner := filepath.Join(aside, "inner")
	if err := os.Rename(filepath.Join(dir, entries[0].Name()), inner); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil {
		return err
	}
	return os.Rename(inner, dir)
}
