package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
)

// discover is the command by which a connector tells what there is: a JSON object a line, with the members of Found.
const discover = "discover"

// A Found is something that a source could read or a sink could write, such as a table or a topic.
type Found struct {
	Name    string         `json:"name"`    // tells it from the others
	Options map[string]any `json:"options"` // what a connector of it is set to, by flag name, beside what it was asked with
}

// Discovers reports whether a program can be asked what there is: its metadata lists the command discover.
func (p *Program) Discovers() bool { return slices.Contains(p.commands, discover) }

// Discover asks a program that Discovers what there is. Options, keyed by flag name, are handed over as by Configure, but need
// not be all that a run would want. It blocks for as long as the program takes, 30 s at the most.
func (p *Program) Discover(ctx context.Context, env []string, dir, name string, options map[string]any) ([]Found, error) {
	path := filepath.Join(dir, name+".json")
	if err := config.Write(path, config.Flat{Options: options}); err != nil {
		return nil, err
	}
	stdout, stderr, err := p.ask(ctx, env, p.question(discover, name, path)...)
	if err != nil {
		return nil, errors.New(strings.Join(p.problems(stderr, err, path, "the configuration"), "; "))
	}
	var all []Found
	seen := map[string]bool{}
	for lines := json.NewDecoder(bytes.NewReader(stdout)); ; {
		var f Found
		err := lines.Decode(&f)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("%s %s: what it prints is no JSON object a line: %w", filepath.Base(p.Path), discover, err)
		case f.Name == "" || seen[f.Name]:
			return nil, fmt.Errorf("%s %s: object %d has no name, or that of another", filepath.Base(p.Path), discover, len(all)+1)
		}
		seen[f.Name] = true
		all = append(all, f)
	}
}
