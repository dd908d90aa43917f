package cmd

import (
	"errors"
	"fmt"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/scaffold"
)

type newCmd struct {
	rootFlag
	Kind string `arg:"" enum:"source,sink" help:"What it is: source or sink."`
	Name string `arg:"" help:"Its name, ending in -source or -sink; at most 64 characters."`
}

// Run starts a connector.
func (n newCmd) Run(s streams) error {
	folder, err := scaffold.Write(n.Root, n.Kind, n.Name)
	if errors.Is(err, scaffold.ErrName) || errors.Is(err, scaffold.ErrTaken) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return fmt.Errorf("make the folder of %s: %w", n.Name, err)
	}
	fmt.Fprintf(s.out, "%s\n\nmake -C %s test   runs its tests\nmake catalog   publishes it\n", folder, folder)
	return nil
}
