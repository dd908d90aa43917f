// Command patchbay runs what connectors need beside themselves: the local broker that carries their topics where no other
// broker is named.
//
//	patchbay broker            # run the local broker in the foreground
//	patchbay broker status     # where it is, for other NATS tools
//	patchbay broker stop
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/command"
)

// version is that of the tool.
const version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := command.Run(ctx, command.Surroundings{
		Version: version, Args: os.Args[1:], Env: broker.SystemEnv(), Stdout: os.Stdout, Stderr: os.Stderr,
	})
	stop()
	os.Exit(status)
}
