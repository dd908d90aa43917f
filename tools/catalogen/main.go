// Command catalogen builds every connector of the repository, asks each for its metadata, checks it, runs its tests and
// publishes what it proved under catalog/. It knows nothing of a connector but what its folder shows and its program says.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/cmd"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300) // it lives for seconds and holds little, so that collecting later is nearly free
	}
	os.Exit(cmd.Run(cmd.OnSignals(context.Background()), os.Args[1:], os.Stdout, os.Stderr))
}
