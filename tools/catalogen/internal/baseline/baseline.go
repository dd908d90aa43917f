// Package baseline reads the catalog as it was released: at a git reference, or at the newest tag that can be reached.
package baseline

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/git"
)

// A Baseline is the released catalog. The zero Baseline is one before the first release.
type Baseline struct {
	Ref  string // empty where there is no release to compare with
	Note string // why there is none, for people
	// Unknown means that the history does not tell what is released. The documents are then those of the tree: any of them
	// may be released, so none is lost, and none may be held against a connector either.
	Unknown   bool
	Documents map[string]map[string][]byte // by connector and version, the bytes
	Index     metadata.Index
}

// ErrNoHistory means that a reference was asked for by name and cannot be read here.
var ErrNoHistory = errors.New("the history does not reach that far")

// Read reads the baseline of the repository that root lies in. An empty ref means the newest reachable tag. Where there is
// no tag in a whole history, nothing is released and the baseline is empty; where the history is cut off or there is none,
// it is Unknown. A ref that cannot be read is ErrNoHistory.
func Read(ctx context.Context, root, ref string) (Baseline, error) {
	if ref == "" {
		tag, err := git.Run(ctx, root, "describe", "--tags", "--abbrev=0")
		if err != nil {
			return untagged(ctx, root)
		}
		ref = strings.TrimSpace(string(tag))
	}
	if strings.HasPrefix(ref, "-") {
		return Baseline{}, fmt.Errorf("%q is no git reference", ref)
	}
	if _, err := git.Run(ctx, root, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err != nil {
		return Baseline{}, fmt.Errorf("%s: %w; look at its spelling, or fetch the whole history (git fetch --unshallow --tags)", ref, ErrNoHistory)
	}
	b := Baseline{Ref: ref, Documents: map[string]map[string][]byte{}}
	files, err := git.Run(ctx, root, "ls-tree", "-r", "--name-only", ref, "--", "catalog/index.json", "catalog/connectors")
	if err != nil {
		return b, fmt.Errorf("read catalog of %s: %w", ref, err)
	}
	if len(bytes.TrimSpace(files)) == 0 {
		return b, nil
	}
	argv := []string{"archive", "--format=tar", ref, "--"}
	archive, err := git.Run(ctx, root, append(argv, strings.Fields(string(files))...)...)
	if err != nil {
		return b, fmt.Errorf("read catalog of %s: %w", ref, err)
	}
	if err := b.read(archive); err != nil {
		return b, fmt.Errorf("read catalog of %s: %w", ref, err)
	}
	return b, nil
}

// untagged returns the baseline of a commit from which no tag can be reached. That nothing is released is believed only of
// a whole history without a single tag; else the released documents could be lost for want of a look at them.
func untagged(ctx context.Context, root string) (Baseline, error) {
	shallow, err := git.Run(ctx, root, "rev-parse", "--is-shallow-repository")
	if ctx.Err() != nil {
		return Baseline{}, ctx.Err()
	}
	reason := ""
	switch {
	case err != nil:
		reason = "there is no git history that can be read here"
	case strings.TrimSpace(string(shallow)) != "false":
		reason = "this clone is shallow (git fetch --unshallow --tags mends that)"
	case hasOutput(ctx, root, "config", "--get-regexp", `^remote\..*\.tagopt$`, "^--no-tags$"):
		reason = "this clone left the tags out (git fetch --tags mends that)"
	case hasOutput(ctx, root, "tag", "--list"):
		reason = "no tag leads to this commit"
	default:
		return Baseline{Note: "Nothing is released yet, so every version may still be rewritten."}, ctx.Err()
	}
	b := Baseline{
		Unknown: true, Documents: map[string]map[string][]byte{},
		Note: "What is released cannot be told: " + reason + ". Every document that is in catalog/ is kept.",
	}
	if err := b.readTree(root); err != nil {
		return b, fmt.Errorf("read the catalog in the tree: %w", err)
	}
	return b, ctx.Err()
}

// hasOutput tells whether a git command prints something.
func hasOutput(ctx context.Context, root string, args ...string) bool {
	output, err := git.Run(ctx, root, args...)
	return err == nil && len(bytes.TrimSpace(output)) > 0
}

// readTree takes up the documents that lie in the tree. The index tells nothing that they do not.
func (b *Baseline) readTree(root string) error {
	tree := os.DirFS(root)
	names, err := fs.Glob(tree, "catalog/connectors/*/*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if err := b.add(name, text); err != nil {
			return err
		}
	}
	return nil
}

// read takes up the files of an archive.
func (b *Baseline) read(archive []byte) error {
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := b.add(header.Name, text); err != nil {
			return err
		}
	}
}

// add takes up one file of a catalog: its index, or the document of a connector's version.
func (b *Baseline) add(name string, text []byte) error {
	dir, file := path.Split(name)
	if name == "catalog/index.json" {
		if err := json.Unmarshal(text, &b.Index); err != nil {
			return fmt.Errorf("index.json: %w", err)
		}
		return nil
	}
	connector := path.Base(dir)
	if b.Documents[connector] == nil {
		b.Documents[connector] = map[string][]byte{}
	}
	b.Documents[connector][strings.TrimSuffix(file, ".json")] = text
	return nil
}
