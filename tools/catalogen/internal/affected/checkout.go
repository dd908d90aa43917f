package affected

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/git"
)

// checkout writes the files of a commit into a new repository at dir, which must not be there yet, and returns where in it
// the folder root lies. The new repository borrows the objects of root's and knows of nothing else there, so that neither
// root's index nor its list of work trees is touched.
func checkout(ctx context.Context, root, ref, dir string) (string, error) {
	said, err := git.Run(ctx, root, "rev-parse", "--show-object-format", "--git-path", "objects", "--show-cdup")
	if err != nil {
		return "", fmt.Errorf("there is no git history that can be read here: %w", err)
	}
	answers := strings.Split(strings.TrimSuffix(string(said), "\n"), "\n")
	if len(answers) != 3 {
		return "", fmt.Errorf("git rev-parse answers %q", said)
	}
	format, objects, up := answers[0], answers[1], answers[2]
	if !filepath.IsAbs(objects) {
		objects = filepath.Join(root, objects)
	}
	below, err := filepath.Rel(filepath.Join(root, up), root)
	if err != nil {
		return "", err
	}
	commit, err := git.Run(ctx, root, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("%q is no commit that is known here; look at its spelling, or fetch the whole history (git fetch --unshallow --tags)", ref)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	if _, err := git.Run(ctx, dir, "init", "--quiet", "--template=", "--object-format="+format); err != nil {
		return "", err
	}
	info := filepath.Join(dir, ".git", "objects", "info")
	if err := os.MkdirAll(info, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(info, "alternates"), []byte(objects+"\n"), 0o600); err != nil {
		return "", err
	}
	if _, err := git.Run(ctx, dir, "read-tree", "--reset", "-u", strings.TrimSpace(string(commit))); err != nil {
		return "", fmt.Errorf("read the files of %s: %w", ref, err)
	}
	return filepath.Join(dir, below), nil
}
