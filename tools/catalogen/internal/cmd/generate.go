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
	out := c.Catalog
	if g.Out != "" {
		if out, err = filepath.Abs(g.Out); err != nil {
			return err
		}
	}
	proved, err := prove(ctx, c)
	if err != nil {
		return err
	}
	draft := publish.NewDraft(out, len(proved.Findings) == 0 || g.KeepGoing)
	defer draft.Close()
	if err := proved.assemble(c, draft); err != nil {
		return err
	}
	b.Close()
	progress.Report(s.out, proved.Rows, otherThanVersions(proved.Findings))
	if err := proved.outcome.Write(s.out, "text"); err != nil {
		return err
	}
	if len(proved.Findings) == 0 || g.KeepGoing {
		if err := g.write(c, out, draft, proved.readmes, s); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.out, "\nNothing was written: the catalog is replaced only when all pass.\n")
	}
	return closing(s.out, proved)
}

// write publishes the draft and, where it is that of the tree, writes what is generated of READMEs.
func (g generateCmd) write(c pipeline.Config, out string, draft *publish.Draft, readmes map[string][]byte, s streams) error {
	changes, err := draft.Publish()
	if err != nil {
		return fmt.Errorf("write the catalog: %w", err)
	}
	if g.Out == "" {
		more, err := publish.WriteReadmes(c.Root, readmes)
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

// proved is what the pipeline proved, and the READMEs that tell it.
type proved struct {
	pipeline.Result
	readmes map[string][]byte
	outcome outcome.Outcome
	began   time.Time
	took    time.Duration
}

// prove runs the pipeline and judges the versions.
func prove(ctx context.Context, c pipeline.Config) (*proved, error) {
	p := proved{began: time.Now()}
	var err error
	if p.Result, err = pipeline.Generate(ctx, c); err != nil {
		return nil, err
	}
	p.outcome, err = judge(&p.Result)
	return &p, err
}

// assemble makes the catalog of what was proved, and adds what keeps it from being published to the findings.
func (p *proved) assemble(c pipeline.Config, draft *publish.Draft) error {
	retired, err := publish.ReadRetired(c.Catalog)
	if err != nil {
		return err
	}
	readme, err := pipeline.ReadReadme(c.Root)
	if err != nil {
		return err
	}
	var findings []finding.Finding
	p.readmes, findings, err = publish.Assemble(publish.Catalog{
		Connectors: p.Connectors, Baseline: p.Baseline, Retired: retired, Today: c.Today, Readme: readme, Failed: names(p.Findings),
	}, draft.Put)
	if err != nil {
		return err
	}
	p.Findings = append(p.Findings, findings...)
	for i, row := range p.Rows {
		for _, f := range findings {
			if f.Connector == row.Name {
				p.Rows[i].OK = false
			}
		}
	}
	p.outcome.Findings = p.Findings
	p.took = time.Since(p.began)
	return nil
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
func closing(out io.Writer, p *proved) error {
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
