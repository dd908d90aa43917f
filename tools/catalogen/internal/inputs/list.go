package inputs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/git"
)

// folders are those whose files may be inputs without being part of a Go package.
var folders = []string{"connectors", "test"}

// list returns the files of those folders, relative to root with slashes, but for what git ignores: what a build leaves is no
// input, and anything else may be. Where there is no repository, a .gitignore counts all the same, for which git is given one
// that knows no file yet; where there is no git, nothing is left out.
func list(ctx context.Context, root string) ([]string, error) {
	options := []string{"-c", "safe.directory=*"}
	if !underGit(root) {
		temp, err := os.MkdirTemp("", "patchbay-git-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(temp)
		options = append(options, "--git-dir="+temp, "--work-tree=.")
		// What makes a folder a repository; git init would write the same, and ten times as much more.
		if err := errors.Join(
			os.Mkdir(filepath.Join(temp, "objects"), 0o700), os.Mkdir(filepath.Join(temp, "refs"), 0o700),
			os.WriteFile(filepath.Join(temp, "HEAD"), []byte("ref: refs/heads/main\n"), 0o600),
		); err != nil {
			return nil, err
		}
	}
	output, err := git.Run(ctx, root, append(append(options, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"), folders...)...)
	if errors.Is(err, exec.ErrNotFound) {
		return walk(root)
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for file := range strings.SplitSeq(string(output), "\x00") {
		if file == "" {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(file))); errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet committed
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// underGit tells whether a folder lies in a git repository.
func underGit(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// walk lists every file of those folders.
func walk(root string) ([]string, error) {
	var files []string
	for _, dir := range folders {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			relative, err := filepath.Rel(root, name)
			files = append(files, filepath.ToSlash(relative))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list files: %w", err)
		}
	}
	slices.Sort(files)
	return files, nil
}

// shared tells whether a file is one that the tests of every connector may use.
func shared(file string) bool {
	switch dir := path.Dir(file); {
	case dir == "connectors":
		return strings.HasSuffix(file, ".mk")
	case dir == "test":
		return strings.HasSuffix(file, ".bash") || strings.HasSuffix(file, ".sh")
	}
	return strings.HasPrefix(file, "test/servers/")
}
