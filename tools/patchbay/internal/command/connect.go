package command

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connect"
)

type connectCommand struct {
	Config []string `arg:"" optional:"" name:"config" help:"The steps of one connector: YAML, base64."`
}

// Run runs one connector for a Synadia Connect agent. The agent shows what is wrong in one line that begins with FATAL, and
// knows no status but 0 and 1.
func (c *connectCommand) Run(ctx context.Context, s Surroundings, k *kong.Context) error {
	if len(c.Config) != 1 {
		fmt.Fprintln(s.Stderr, "Usage: patchbay connect CONFIG")
		k.Exit(failed)
	}
	stdout, _ := s.Stdout.(*os.File)
	err := connect.Run(ctx, connect.Options{
		Config: c.Config[0], Env: os.Environ(), Dirs: (&binFlags{}).dirs(s), Stdout: stdout, Stderr: s.Stderr,
	})
	if err != nil {
		fmt.Fprintln(s.Stderr, "FATAL:", strings.ReplaceAll(err.Error(), "\n", "; "))
		k.Exit(failed)
	}
	return nil
}
