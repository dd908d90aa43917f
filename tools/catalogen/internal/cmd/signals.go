package cmd

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// OnSignals returns the context for Run in a program of its own. The first SIGINT or SIGTERM ends it, upon which suites are
// asked to end; the second kills what has not ended yet, and the next ends the process as signals do. It may be called once.
func OnSignals(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	hurry, now := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		now()
		signal.Stop(signals)
	}()
	return proc.WithHurry(ctx, hurry)
}
