package rooted

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "folder")
	secret := filepath.Join(outer, "secret")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	must(os.WriteFile(secret, []byte("secret"), 0o600))
	must(os.WriteFile(filepath.Join(dir, "sub", "file"), []byte("12345"), 0o600))
	must(os.Symlink("sub/file", filepath.Join(dir, "inside")))
	must(os.Symlink("../secret", filepath.Join(dir, "outside")))
	must(os.Symlink(secret, filepath.Join(dir, "absolute")))
	must(os.Symlink("/dev/zero", filepath.Join(dir, "endless")))
	must(os.Symlink("loop", filepath.Join(dir, "loop")))
	must(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	tests := []struct {
		name, file string
		most       int64
		want       string // part of the error; empty for none
	}{
		{"a file", "sub/file", 5, ""},
		{"a link that stays", "inside", 5, ""},
		{"one byte too many", "sub/file", 4, "sub/file holds more than 4 bytes"},
		{"a link that leaves", "outside", 100, "outside: path escapes"},
		{"an absolute link", "absolute", 100, "absolute: path escapes"},
		{"a link to a device", "endless", 100, "endless: path escapes"},
		{"a link to itself", "loop", 100, "loop: too many"},
		{"a path that leaves", "../secret", 100, "path escapes"},
		{"a pipe that nobody writes", "pipe", 100, "pipe is no file"},
		{"a folder", "sub", 100, "sub is no file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := Read(dir, tt.file, tt.most)
			switch {
			case tt.want == "" && (err != nil || string(text) != "12345"):
				t.Errorf("%q, %v", text, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || text != nil):
				t.Errorf("%q, %v; want %q", text, err, tt.want)
			}
		})
	}
	if _, err := Read(dir, "none", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
