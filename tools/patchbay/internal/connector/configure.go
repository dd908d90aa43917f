package connector

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
)

// Refused lists what a connector finds wrong with its options, one line each.
type Refused struct{ Problems []string }

// Error gives the problems, one a line.
func (r *Refused) Error() string { return strings.Join(r.Problems, "\n") }

// Configure writes options, keyed by flag name, to a config file in dir that only its owner can read, and asks the program
// whether it accepts them. It returns the path of the file. Values are taken literally, as config.Flat says. The error is a
// *Refused where the program says what is wrong; no message holds a value that the program does not show itself. env is the
// environment of the program, that of this process if nil.
func (p *Program) Configure(ctx context.Context, env []string, dir, name string, options map[string]any) (string, error) {
	path := filepath.Join(dir, name+".json")
	if err := config.Write(path, config.Flat{Options: options}); err != nil {
		return "", err
	}
	if problems := p.Validate(ctx, env, name, path, "the configuration"); len(problems) > 0 {
		return "", &Refused{problems}
	}
	return path, nil
}
