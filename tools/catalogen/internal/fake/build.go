package fake

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds Program into the folder bin, for tests that run it often: the test binary itself would start ten times slower,
// and slower still with the race detector. The flags are those of the repository's Makefile, so that this compiles little anew.
func Build(ctx context.Context, bin string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(bin, Program),
		"github.com/patchbay-dev/patchbay/tools/catalogen/testdata/fakeconnector")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", Program, err, output)
	}
	return nil
}
