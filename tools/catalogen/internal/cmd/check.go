package cmd

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/literal"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/outcome"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
)

type checkCmd struct {
	work
	form
	Fix bool `help:"Set the versions that are too low, too high or taken in the connectors' Go source, and do nothing else."`
}

// Run regenerates in memory and compares.
func (k checkCmd) Run(ctx context.Context, s streams) error {
	if k.Fix {
		return k.fix(ctx, s)
	}
	prose := k.prose(s)
	b := board(prose)
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
	draft := publish.NewDraft(c.Catalog, false)
	defer draft.Close()
	if err := proved.assemble(c, draft); err != nil {
		return err
	}
	b.Close()
	progress.Report(prose, proved.Rows, otherThanVersions(proved.Findings))
	if len(proved.Findings) == 0 {
		if proved.outcome.Stale, err = stale(c, proved, draft); err != nil {
			return err
		}
	}
	if err := proved.outcome.Write(s.out, k.Format); err != nil {
		return err
	}
	for _, file := range proved.outcome.Stale {
		fmt.Fprintf(prose, "%s: %s\n", file.Path, file.Kind)
	}
	switch {
	case len(proved.outcome.Stale) > 0:
		fmt.Fprintf(prose, "\nThe catalog is out of date; to mend it: make catalog, then commit what changed.\n")
		return errFailed
	case len(proved.Findings) == 0:
		fmt.Fprintf(prose, "\nThe catalog is up to date.\n")
	}
	return closing(prose, proved)
}

// stale lists the generated files in the tree that differ from what they should be.
func stale(c pipeline.Config, p *proved, draft *publish.Draft) ([]outcome.Stale, error) {
	changes, err := draft.Changes()
	if err != nil {
		return nil, err
	}
	readmes, err := publish.CompareReadmes(c.Root, p.readmes)
	if err != nil {
		return nil, err
	}
	var list []outcome.Stale
	for _, change := range changes {
		dir, file := path.Split(change.Path)
		if !p.Baseline.Unknown && p.Baseline.Documents[path.Base(dir)][strings.TrimSuffix(file, ".json")] != nil {
			change.Kind += " from what was released"
		}
		list = append(list, outcome.Stale{Path: "catalog/" + change.Path, Kind: change.Kind})
	}
	for _, change := range readmes {
		if change.Kind != "missing" {
			change.Kind = "the generated block " + change.Kind
		}
		list = append(list, outcome.Stale(change))
	}
	return list, nil
}

// fix sets the versions that are wrong. It runs no test: the catalog has to be made again anyway.
func (k checkCmd) fix(ctx context.Context, s streams) error {
	if k.Format != "text" {
		return fmt.Errorf("%w: --fix tells what it did as text; leave out --format", errUsage)
	}
	result, o, err := describe(ctx, k.work, k.form, nil, s.out)
	if err != nil {
		return err
	}
	if err := o.Write(s.out, "text"); err != nil {
		return err
	}
	if result.Baseline.Unknown {
		return errors.New("no version was set: what is released cannot be told")
	}
	set, left := 0, len(otherThanVersions(result.Findings))
	raised, err := raiseShared(k.Root, result.Findings)
	if err != nil {
		return err
	}
	if raised {
		set, left = set+1, left-1
	}
	for _, c := range o.Connectors {
		switch {
		case c.Finding == nil:
		case c.ByHand:
			left++
		default:
			place, err := literal.Find(c.Folder, c.Version)
			if err == nil {
				err = place.Set(c.Want)
			}
			if err != nil {
				return fmt.Errorf("set the version of %s: %w", c.Connector, err)
			}
			set++
		}
	}
	fmt.Fprintf(s.out, "\n%d versions set, %d left to people.\n", set, left)
	if set > 0 {
		fmt.Fprintf(s.out, "Now: make catalog, then commit what changed.\n")
	}
	if left > 0 {
		return errFailed
	}
	return nil
}
