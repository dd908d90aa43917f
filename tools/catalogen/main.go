// Command catalogen builds every connector of the repository, asks each for its metadata, checks it, runs its tests and
// publishes what it proved under catalog/. It knows nothing of a connector but what its folder shows and its program says.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // it lives for seconds and holds little, so that collecting later is nearly free
	}
	status := cmd.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
