package cmd

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/outcome"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
)

type generateCmd struct {
	work
	Out       string `help:"Write the catalog here and leave the tree alone (default: catalog in the repository)." placeholder:"DIR"`
	KeepGoing bool   `help:"Write the connectors that passed although others failed; needs --out, and still ends with status 1."`
	Against   string `help:"Git reference of the last release (default: the newest reachable tag)." placeholder:"REF"`
}

// Run generates the catalog.
func (g generateCmd) Run(ctx context.Context, s streams) error {
	if g.KeepGoing && g.Out == "" {
		return fmt.Errorf("%w: --keep-going needs --out, for a catalog with gaps never replaces a whole one", errUsage)
	}
	b := board(s.out)
	defer b.Close()
	c, err := g.config(b)
	if err != nil {
		return err
	}
	c.Against = g.Against
	proved, err := prove(ctx, c)
	if err != nil {
		return err
	}
	b.Close()
	progress.Report(s.out, proved.Rows, otherThanVersions(proved.Findings))
	if err := proved.outcome.Write(s.out, "text"); err != nil {
		return err
	}
	if len(proved.Findings) == 0 || g.KeepGoing {
		if err := g.write(c, proved.files, s); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.out, "\nNothing was written: the catalog is replaced only when all pass.\n")
	}
	return closing(s.out, proved)
}

// write puts the files where they belong.
func (g generateCmd) write(c pipeline.Config, files publish.Files, s streams) error {
	out, readmes := c.Catalog, true
	if g.Out != "" {
		var err error
		if out, err = filepath.Abs(g.Out); err != nil {
			return err
		}
		readmes = false
	}
	changes, err := publish.Write(out, files.Catalog)
	if err != nil {
		return fmt.Errorf("write the catalog: %w", err)
	}
	if readmes {
		more, err := publish.WriteReadmes(c.Root, files.Readmes)
		if err != nil {
			return fmt.Errorf("write a README: %w", err)
		}
		changes = append(changes, more...)
	}
	if len(changes) == 0 {
		fmt.Fprintf(s.out, "\n%s is up to date.\n", out)
	} else {
		fmt.Fprintf(s.out, "\n%s: %d files written or removed.\n", out, len(changes))
	}
	return nil
}

// proved is what the pipeline proved, with the files that tell it.
type proved struct {
	pipeline.Result
	files   publish.Files
	outcome outcome.Outcome
	took    time.Duration
}

// prove runs the pipeline and assembles the catalog. Findings of both are in the result.
func prove(ctx context.Context, c pipeline.Config) (proved, error) {
	began := time.Now()
	result, err := pipeline.Generate(ctx, c)
	if err != nil {
		return proved{}, err
	}
	told, err := judge(&result)
	if err != nil {
		return proved{}, err
	}
	retired, err := publish.ReadRetired(c.Catalog)
	if err != nil {
		return proved{}, err
	}
	readme, err := pipeline.ReadReadme(c.Root)
	if err != nil {
		return proved{}, err
	}
	files, findings, err := publish.Assemble(publish.Catalog{
		Connectors: result.Connectors, Baseline: result.Baseline, Retired: retired, Today: c.Today, Readme: readme, Failed: names(result.Findings),
	})
	if err != nil {
		return proved{}, err
	}
	result.Findings = append(result.Findings, findings...)
	for i, row := range result.Rows {
		for _, f := range findings {
			if f.Connector == row.Name {
				result.Rows[i].OK = false
			}
		}
	}
	told.Findings = result.Findings
	return proved{result, files, told, time.Since(began)}, nil
}

// names are the connectors that findings are about.
func names(findings []finding.Finding) map[string]bool {
	set := map[string]bool{}
	for _, f := range findings {
		set[f.Connector] = true
	}
	return set
}

// closing writes how long it took and the last line, and turns findings into a status.
func closing(out io.Writer, p proved) error {
	bad := names(p.Findings)
	passed := 0
	for _, row := range p.Rows {
		if !bad[row.Name] {
			passed++
		}
	}
	fmt.Fprintf(out, "Took %s.\n\n%d passed, %d failed\n", p.took.Round(10*time.Millisecond), passed, len(bad))
	if len(bad) > 0 {
		return errFailed
	}
	return nil
}
