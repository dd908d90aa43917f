package cmd

import (
	"context"
	"fmt"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
)

type checkCmd struct {
	work
	Against string `help:"Git reference of the last release (default: the newest reachable tag); fails if it cannot be read." placeholder:"REF"`
}

// Run regenerates in memory and compares.
func (k checkCmd) Run(ctx context.Context, s streams) error {
	b := board(s.out)
	defer b.Close()
	c, err := k.config(b)
	if err != nil {
		return err
	}
	c.Against = k.Against
	proved, err := prove(ctx, c)
	if err != nil {
		return err
	}
	b.Close()
	progress.Report(s.out, proved.Rows, proved.Findings)
	note(s.out, proved)
	if len(proved.Findings) > 0 {
		return closing(s, proved)
	}
	changes, err := publish.Compare(c.Catalog, proved.files.Catalog, false)
	if err != nil {
		return err
	}
	readmes, err := publish.CompareReadmes(c.Root, proved.files.Readmes)
	if err != nil {
		return err
	}
	for _, change := range changes {
		fmt.Fprintf(s.out, "catalog/%s: %s\n", change.Path, change.Kind)
	}
	for _, change := range readmes {
		fmt.Fprintf(s.out, "%s: the generated block %s\n", change.Path, change.Kind)
	}
	if len(changes)+len(readmes) > 0 {
		fmt.Fprintf(s.out, "\nThe catalog is out of date; to mend it: make catalog, then commit what changed.\n")
		return errFailed
	}
	fmt.Fprintf(s.out, "\nThe catalog is up to date.\n")
	return closing(s, proved)
}
