// Package command is the command line of the patchbay tool, one file a command.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

// Exit statuses, the same as those of connectors.
const (
	ok     = 0
	failed = 1
	usage  = 2
)

// Surroundings is what a run takes from its process.
type Surroundings struct {
	Version        string
	Args           []string
	Env            broker.Env
	Stdout, Stderr io.Writer
}

// root holds the commands.
type root struct {
	Version  kong.VersionFlag `help:"Print the version and exit."`
	Run      runCommand       `cmd:"" help:"Run pipelines: a source joined to a sink, without a broker."`
	Validate validateCommand  `cmd:"" help:"Check pipelines, with the options of their connectors, and list every problem; runs nothing."`
	Replay   replayCommand    `cmd:"" help:"Send the records of dead letters to their topics again."`
	KPS      kpsCommand       `cmd:"" name:"kps" help:"Serve a source, a sink or one of each to Karbon Platform Services."`
	Vanus    vanusCommand     `cmd:"" help:"Run a connector as one of Vanus Connect, with its configuration."`
	Plugin   pluginCommand    `cmd:"" help:"Serve a source to a c1 host, which starts it."`
	Install  installCommand   `cmd:"" help:"Install a connector by its c1 manifest; shows first what it does, and asks."`
	Broker   brokerCommands   `cmd:"" help:"Run and look at the local broker."`
	Connect  connectCommand   `cmd:"" help:"Run one connector for a Synadia Connect agent."`
}

// A usageError is wrong usage that shows only while a command runs, such as in a file that it reads.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// exit is how kong ends a run early, after it has printed help or the version.
type exit int

// Run runs the command that the arguments name and returns the exit status: 0 when it is done or ctx has ended it, 1 when
// it failed, 2 for wrong usage. Errors are printed on Stderr, a line for each.
func Run(ctx context.Context, s Surroundings) (status int) {
	defer func() {
		if r := recover(); r != nil {
			code, early := r.(exit)
			if !early {
				panic(r)
			}
			status = int(code)
		}
	}()
	parser, err := kong.New(&root{},
		kong.Name("patchbay"),
		kong.Description("Runs connectors, joined to pipelines, and what they need beside themselves."),
		kong.Vars{"version": "patchbay " + s.Version},
		kong.Writers(s.Stdout, s.Stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		fmt.Fprintf(s.Stderr, "patchbay: %v\n", err)
		return failed
	}
	parsed, err := parser.Parse(s.Args)
	if err != nil {
		fmt.Fprintf(s.Stderr, "patchbay: %v; patchbay --help shows the commands and flags\n", err)
		return usage
	}
	if err := parsed.Run(); err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(s.Stderr, "patchbay: %s\n", strings.TrimSuffix(line, "\n"))
		}
		if wrong := (*usageError)(nil); errors.As(err, &wrong) {
			return usage
		}
		return failed
	}
	return ok
}
