package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/image"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/verify"
)

// sumsFile is the name under which checksums are published.
const sumsFile = "SHA256SUMS"

type releaseCmd struct {
	pickFlags
	Out string `help:"Folder for the files (default: dist/release in the repository)." placeholder:"DIR"`
}

// Run builds what is published at a tag: programs, the index that tells what they are, and the sums of all of them.
func (r releaseCmd) Run(ctx context.Context, s streams) error {
	root, err := filepath.Abs(r.Root)
	if err != nil {
		return err
	}
	out := r.Out
	if out == "" {
		out = filepath.Join(root, "dist", "release")
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	targets, err := r.targets(ctx, root, s)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(out, sumsFile)); err != nil { // first: it vouches for all that is there
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	compile, sums := image.Go(root), verify.Sums{}
	for _, target := range targets {
		spec, err := target.Compile(ctx, compile, out)
		if err != nil {
			return err
		}
		for _, program := range spec.Binaries {
			if sums[filepath.Base(program)], err = sum(program); err != nil {
				return err
			}
		}
	}
	index, err := os.ReadFile(filepath.Join(root, "catalog", verify.IndexFile))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, verify.IndexFile), index, 0o644); err != nil {
		return err
	}
	if sums[verify.IndexFile], err = sum(filepath.Join(out, verify.IndexFile)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, sumsFile), []byte(sums.String()), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %d files\n", out, len(sums)+1)
	return nil
}

// sum returns the SHA-256 of a file in hexadecimal.
func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
