// Command patchbay runs pipelines of two connectors, what connectors need beside themselves, which is the local broker that
// carries their topics where no other broker is named, and connectors on other platforms.
//
//	patchbay run orders.yaml   # a source joined to a sink, without a broker
//	patchbay validate orders.yaml
//	patchbay replay orders.dead # dead letters, once what killed them is mended
//	patchbay broker            # run the local broker in the foreground
//	patchbay broker status     # where it is, for other NATS tools
//	patchbay broker stop
//	patchbay connect CONFIG    # a Synadia Connect runtime
//	patchbay plugin -- http-source # a connector of a c1 host
//	patchbay install c1.json   # one from its install manifest
//	patchbay kps -- http-source # a Karbon Platform Services connector
//	patchbay vanus -- http-source # a Vanus connector
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

// aborted is the exit status after a second signal: 128 + SIGINT, the custom of shells.
const aborted = 130

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		os.Exit(aborted)
	}()
	status := command.Run(ctx, command.Surroundings{
		Version: version, Args: os.Args[1:], Env: broker.SystemEnv(), Stdout: os.Stdout, Stderr: os.Stderr,
	})
	os.Exit(status)
}
