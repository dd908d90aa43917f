package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/affected"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

type affectedCmd struct {
	rootFlag
	Since string `help:"Git reference to compare with, such as the branch that a change is for." required:"" placeholder:"REF"`
	JSON  bool   `help:"Print the matrix of a CI's jobs, on one line." name:"json"`
}

// maxReasons is how many reasons are told for a connector: what is shared changes many files at once.
const maxReasons = 3

// A job is one connector in a matrix. Its keys are part of the command's interface.
type job struct {
	Name      string             `json:"name"`
	Direction metadata.Direction `json:"direction"`
	Path      string             `json:"path"`
	Reason    string             `json:"reason"`
}

// Run lists the connectors whose inputs have changed.
func (a affectedCmd) Run(ctx context.Context, s streams) error {
	root, err := filepath.Abs(a.Root)
	if err != nil {
		return err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return err
	}
	connectors, err := affected.Since(ctx, root, a.Since)
	if err != nil {
		return err
	}
	jobs := make([]job, len(connectors)) // not nil, which JSON has another word for
	for i, c := range connectors {
		jobs[i] = job{c.Folder.Name, c.Folder.Direction, c.Folder.Path, reason(c.Reasons)}
	}
	if a.JSON {
		return json.NewEncoder(s.out).Encode(map[string][]job{"include": jobs})
	}
	for _, j := range jobs {
		fmt.Fprintf(s.out, "%s: %s\n", j.Name, j.Reason)
	}
	if len(jobs) == 0 {
		fmt.Fprintf(s.out, "No connector is made from anything that has changed since %s.\n", finding.Printable(a.Since))
	}
	return nil
}

// reason writes the first few reasons on one line.
func reason(all []string) string {
	text := strings.Join(all[:min(len(all), maxReasons)], "; ")
	if more := len(all) - maxReasons; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return finding.Printable(strings.ReplaceAll(text, "\n", " "))
}
