package image

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A Compiler builds the Go program in the folder pkg, relative to the repository, for a platform, and leaves it at out.
type Compiler func(ctx context.Context, pkg string, platform Platform, out string) error

// Go returns the Compiler for the repository at root. What it builds depends on the sources and the Go version alone.
func Go(root string) Compiler {
	return func(ctx context.Context, pkg string, platform Platform, out string) error {
		goos, arch, _ := strings.Cut(string(platform), "/")
		result, err := proc.Run(ctx, proc.Spec{
			Argv: []string{
				"go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w", "-o", out, "./" + pkg,
			},
			Dir: root, Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch,
				"GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0"), // no setting of this machine goes into the program
			Deadline: 10 * time.Minute, MaxStdout: 1 << 20, MaxStderr: 16 << 20,
		})
		switch {
		case err != nil:
			return fmt.Errorf("go build %s for %s: %w", pkg, platform, err)
		case result.Status != 0:
			return fmt.Errorf("go build %s for %s: %s", pkg, platform, proc.Tail(result.Stderr, 20))
		}
		return nil
	}
}
