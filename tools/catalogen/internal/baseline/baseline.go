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
	"os"
	"path"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A Baseline is the released catalog. The zero Baseline is one before the first release.
type Baseline struct {
	Ref       string                       // empty before the first release
	Note      string                       // why there is no baseline, for people
	Documents map[string]map[string][]byte // by connector and version, the committed bytes
	Index     metadata.Index
}

// ErrNoHistory means that a reference was asked for by name and cannot be read here.
var ErrNoHistory = errors.New("the history does not reach that far")

const maxOutput = 256 << 20

// Read reads the baseline of the repository that root lies in. An empty ref means the newest reachable tag; if there is
// none, or no history at all, the baseline is empty and its note says why. A ref that cannot be read is ErrNoHistory.
func Read(ctx context.Context, root, ref string) (Baseline, error) {
	asked := ref != ""
	if !asked {
		tag, err := git(ctx, root, "describe", "--tags", "--abbrev=0")
		if err != nil {
			return Baseline{Note: "no release can be seen from here, so every version may still be rewritten"}, nil
		}
		ref = strings.TrimSpace(string(tag))
	}
	if strings.HasPrefix(ref, "-") {
		return Baseline{}, fmt.Errorf("%q is no git reference", ref)
	}
	if _, err := git(ctx, root, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err != nil {
		return Baseline{}, fmt.Errorf("%s: %w; fetch the whole history (git fetch --unshallow --tags)", ref, ErrNoHistory)
	}
	b := Baseline{Ref: ref, Documents: map[string]map[string][]byte{}}
	files, err := git(ctx, root, "ls-tree", "-r", "--name-only", ref, "--", "catalog/index.json", "catalog/connectors")
	if err != nil {
		return b, fmt.Errorf("read catalog of %s: %w", ref, err)
	}
	if len(bytes.TrimSpace(files)) == 0 {
		return b, nil
	}
	argv := []string{"archive", "--format=tar", ref, "--"}
	archive, err := git(ctx, root, append(argv, strings.Fields(string(files))...)...)
	if err != nil {
		return b, fmt.Errorf("read catalog of %s: %w", ref, err)
	}
	if err := b.read(archive); err != nil {
		return b, fmt.Errorf("read catalog of %s: %w", ref, err)
	}
	return b, nil
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
		if header.Name == "catalog/index.json" {
			if err := json.Unmarshal(text, &b.Index); err != nil {
				return fmt.Errorf("index.json: %w", err)
			}
			continue
		}
		dir, file := path.Split(header.Name)
		name := path.Base(dir)
		if b.Documents[name] == nil {
			b.Documents[name] = map[string][]byte{}
		}
		b.Documents[name][strings.TrimSuffix(file, ".json")] = text
	}
}

// git runs git in root and returns what it prints. A status other than 0 is an error.
func git(ctx context.Context, root string, args ...string) ([]byte, error) {
	result, err := proc.Run(ctx, proc.Spec{
		Argv: append([]string{"git", "-C", root}, args...), Env: append(os.Environ(), "LC_ALL=C"),
		Deadline: time.Minute, MaxStdout: maxOutput, MaxStderr: 1 << 20,
	})
	if err != nil {
		return nil, err
	}
	if result.Status != 0 {
		return nil, fmt.Errorf("git %s: %s", args[0], proc.Tail(result.Stderr, 3))
	}
	return result.Stdout, nil
}
