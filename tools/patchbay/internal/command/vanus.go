package command

import (
	"context"
	"errors"
	"os"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/vanus"
)

type vanusCommand struct {
	binFlags
	Connector string   `arg:"" name:"connector" help:"The connector's name, or the path of a program, after --."`
	Args      []string `arg:"" optional:"" name:"args" help:"Flags of the connector, which win over the file."`
}

// Help is what kong shows below the summary.
func (v *vanusCommand) Help() string {
	return "Reads the file that CONNECTOR_CONFIG names (config.yml) as the kit does: target, send_event_attempts, port, store_config, " +
		"log_config, secret, and the connector's own options. CONNECTOR_TARGET, CONNECTOR_PORT and LOG_LEVEL serve where the file says nothing."
}

// Run runs a connector until it is done, or ctx ends and what is under way is finished.
func (v *vanusCommand) Run(ctx context.Context, s Surroundings) error {
	finder := connector.Finder{Dirs: v.dirs(s)}
	program, err := finder.Find(ctx, v.Connector)
	if err != nil {
		return &usageError{err}
	}
	stdout, _ := s.Stdout.(*os.File)
	err = vanus.Run(ctx, vanus.Options{Program: program, Args: v.Args, Getenv: s.Env.Getenv, Stdout: stdout, Stderr: s.Stderr})
	invalid, refused := (*vanus.Invalid)(nil), (*connector.Refused)(nil)
	if errors.As(err, &invalid) || errors.As(err, &refused) {
		return &usageError{err}
	}
	return err
}
