package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/blackbox"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/suite"
)

// A proof is one part of a connector's evidence, and what speaks against the connector.
type proof struct {
	tests    []evidence.Test
	known    bool // from the cache
	findings []finding.Finding
}

// suites returns what a connector's own tests prove of its inputs: from the cache, else by running them.
func (r *run) suites(ctx context.Context, f discover.Folder, row *Row) (proof, error) {
	if tests, ok := r.Cache.Load(r.digests[f.Name], evidence.Suites); ok {
		return proof{tests: tests, known: true}, nil
	}
	r.Watch.Step(f.Name, "make test")
	cage := r.workCage()
	outcome, err := suite.Run(proc.Within(ctx, cage), r.Root, r.Bin, f)
	if err != nil {
		return proof{}, err
	}
	p := proof{tests: outcome.Tests, findings: suiteFindings(f, outcome)}
	if err := escaped(cage, "make test"); err != nil && len(p.findings) == 0 {
		if p.findings, err = asFinding(f, err); err != nil {
			return proof{}, err
		}
	}
	if len(p.findings) > 0 {
		if outcome.Broken != "" || slices.ContainsFunc(outcome.Tests, silent) {
			row.Output = outcome.Output
		}
		return p, nil
	}
	p.findings, err = r.store(ctx, f, evidence.Suites, p.tests)
	return p, err
}

// store keeps what a run proved, unless it proved it of something else: evidence belongs to the inputs as they were before
// anything was built from them.
func (r *run) store(ctx context.Context, f discover.Folder, part evidence.Part, tests []evidence.Test) ([]finding.Finding, error) {
	changed, err := r.changed(ctx, []discover.Folder{f})
	if err != nil || len(changed) > 0 {
		return changed, err
	}
	return nil, r.Cache.Store(r.digests[f.Name], part, tests)
}

// examine returns what the program shows from outside: from the cache, else by trying.
func (r *run) examine(ctx context.Context, subject rules.Subject) (proof, error) {
	f := subject.Folder
	if tests, ok := r.Cache.Load(r.digests[f.Name], evidence.BlackBox); ok {
		return proof{tests: tests, known: true}, nil
	}
	r.Watch.Step(f.Name, "conformance")
	var report blackbox.Report
	broken, err := r.contained(ctx, subject, func(ctx context.Context, target blackbox.Target) (err error) {
		report, err = blackbox.Examine(ctx, target, blackbox.ProfileOf(subject.Document))
		return err
	})
	if err != nil || len(broken) > 0 {
		return proof{findings: broken}, err
	}
	p := proof{tests: report.Evidence(), findings: report.Findings()}
	if len(p.findings) == 0 {
		p.findings, err = r.store(ctx, f, evidence.BlackBox, p.tests)
	}
	return p, err
}

// contained calls do for a connector's program, which it holds in a home, a cage and a time of its own. The findings are of
// what went wrong with the examination as a whole; nothing that it found counts then.
func (r *run) contained(ctx context.Context, subject rules.Subject, do func(context.Context, blackbox.Target) error) ([]finding.Finding, error) {
	home, err := r.homes.Take()
	if err != nil {
		return nil, err
	}
	defer r.homes.Return(home)
	// One command that does not end is one too many: to wait for each of hundreds would take hours.
	within, stop := context.WithTimeout(ctx, r.Limits.Work)
	defer stop()
	cage := r.answerCage()
	cage.Late = stop
	err = do(proc.Within(within, cage), blackbox.Target{
		Argv: []string{build.Path(r.Bin, subject.Folder)}, Env: probe.Env(home.Dir), Subject: subject, Scratch: home.Dir,
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return asFinding(subject.Folder, brokenOff(cage, err))
}

// suiteFindings names each test that failed and what went wrong beside tests.
func suiteFindings(f discover.Folder, outcome suite.Outcome) []finding.Finding {
	again := "run it by hand: make -C " + f.Path + " test"
	var findings []finding.Finding
	for _, t := range outcome.Tests {
		if t.Status == metadata.Failed {
			findings = append(findings, finding.Finding{
				Connector: f.Name, Rule: "test-failed", Where: t.Suite + ": " + t.Name,
				Message: cmp.Or(spoken(t.Detail), "failed"), Fix: again,
			})
		}
	}
	if outcome.Broken != "" {
		if len(outcome.Tests) == 0 {
			again = "write main_test.go or " + f.Name + ".bats, such as make new writes; if there are tests, " + again
		}
		findings = append(findings, finding.Finding{Connector: f.Name, Rule: "test-run", Where: f.Path, Message: outcome.Broken, Fix: again})
	}
	return findings
}
