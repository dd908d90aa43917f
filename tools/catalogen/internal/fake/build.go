package fake

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds Program into the folder bin, for tests that run it often: the test binary itself would start ten times slower,
// and slower still with the race detector.
func Build(ctx context.Context, bin string) error {
	return Go(ctx, bin, "github.com/patchbay-dev/patchbay/tools/catalogen/testdata/fakeconnector")
}

// Go builds the program of a package into the folder bin, with the flags of the repository's Makefile, so that this compiles
// little anew.
func Go(ctx context.Context, bin, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s", "-o", bin+string(filepath.Separator), program)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", program, err, output)
	}
	return nil
}
