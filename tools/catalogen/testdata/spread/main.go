// Command spread gives every connector of a root the evidence that the first ones have in the user's cache: spread ROOT. It is
// there for bench, which measures what a catalog of a thousand proved connectors takes and not how long it takes to prove
// them. Where a connector's inputs are known already, their evidence is left alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
)

func main() {
	if err := spread(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "spread:", err)
		os.Exit(1)
	}
}

func spread(ctx context.Context, root string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	folders, _, err := discover.Folders(root)
	if err != nil {
		return err
	}
	digests, _, err := pipeline.Digests(ctx, root, folders)
	if err != nil {
		return err
	}
	cache, err := evidence.OpenCache()
	if err != nil {
		return err
	}
	for _, part := range []evidence.Part{evidence.Suites, evidence.BlackBox} {
		var proved []evidence.Test
		var without []string
		for _, f := range folders {
			if tests, ok := cache.Load(digests[f.Name], part); ok {
				proved = tests
			} else {
				without = append(without, digests[f.Name])
			}
		}
		if proved == nil {
			return errors.New("no connector is proved")
		}
		for _, digest := range without {
			if err := cache.Store(digest, part, proved); err != nil {
				return err
			}
		}
	}
	return nil
}
