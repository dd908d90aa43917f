package cmd

import (
	"context"
	"fmt"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
)

type testCmd struct {
	work
	Names []string `arg:"" optional:"" name:"name" help:"Connectors to test (default: all)."`
}

// Run runs the connectors' own tests. A skipped test is told and is no failure: only publishing needs it.
func (t testCmd) Run(ctx context.Context, s streams) error {
	b := board(s.out)
	defer b.Close()
	c, err := t.config(b)
	if err != nil {
		return err
	}
	c.Only = t.Names
	result, err := pipeline.Test(ctx, c)
	if err != nil {
		return err
	}
	b.Close()
	progress.Report(s.out, nil, result.Findings)
	var total evidence.Counts
	for _, row := range result.Rows {
		if !row.OK && row.Tests.Failed == 0 {
			row.Tests.Failed = 1 // it did not build, or its tests broke off
		}
		cached := ""
		if row.Cached {
			cached = " (cached)"
		}
		fmt.Fprintf(s.out, "%s: %d passed, %d failed, %d skipped%s\n", row.Name, row.Tests.Passed, row.Tests.Failed, row.Tests.Skipped, cached)
		total.Passed += row.Tests.Passed
		total.Failed += row.Tests.Failed
		total.Skipped += row.Tests.Skipped
	}
	total.Failed += foldersOnly(result)
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", total.Passed, total.Failed, total.Skipped)
	if len(result.Findings) > 0 {
		return errFailed
	}
	return nil
}

// foldersOnly counts the folders that were refused before they had a row.
func foldersOnly(result pipeline.Result) int {
	refused := names(result.Findings)
	for _, row := range result.Rows {
		delete(refused, row.Name)
	}
	return len(refused)
}
