package pipeline

import (
	"cmp"
	"context"
	"errors"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/blackbox"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/suite"
)

// prove takes one connector through all stages.
func (r *run) prove(ctx context.Context, f discover.Folder) (Row, *publish.Connector, []finding.Finding, error) {
	row, conn, subject, findings, err := r.introduce(ctx, f)
	if conn == nil || err != nil {
		return row, nil, findings, err
	}
	if conn.Readme, err = ReadReadme(f.Dir); err != nil {
		return row, nil, append(findings, finding.Finding{
			Connector: f.Name, Rule: "readme", Where: f.Path, Message: err.Error(), Fix: "let README.md be a file of the folder itself",
		}), nil
	}
	if conn.Changelog, err = readText(f.Dir, readme.ChangelogFile); err != nil {
		return row, nil, append(findings, finding.Finding{
			Connector: f.Name, Rule: "changelog", Where: f.Path, Message: err.Error(),
			Fix: "let " + readme.ChangelogFile + " be a file of the folder itself",
		}), nil
	}
	conn.Inputs = r.digests[f.Name]
	foreign, err := rules.ForeignPrograms(f, r.foreign)
	if err != nil {
		return row, nil, nil, err
	}
	findings = append(findings, foreign...)
	tests, cached, found, err := r.suites(ctx, f, &row)
	if err != nil {
		return row, nil, nil, err
	}
	findings = append(findings, found...)
	examined, known, found, err := r.examine(ctx, subject)
	if err != nil {
		return row, nil, nil, err
	}
	findings = append(findings, found...)
	tests = append(tests, examined...)
	if conn.Verdict, found, err = r.released(ctx, subject); err != nil {
		return row, nil, nil, err
	}
	findings = append(findings, found...)
	row.Cached = cached && known
	row.Tests = evidence.Count(tests)
	if len(findings) > 0 {
		return row, nil, findings, nil
	}
	conn.Evidence, findings = r.settle(f, tests, &row)
	return row, conn, findings, nil
}

// describe takes one connector as far as its metadata.
func (r *run) describe(ctx context.Context, f discover.Folder) (Row, *publish.Connector, []finding.Finding, error) {
	row, conn, subject, findings, err := r.introduce(ctx, f)
	if conn == nil || err != nil {
		return row, nil, findings, err
	}
	c, broken, err := r.compare(subject)
	if err != nil {
		return row, nil, nil, err
	}
	conn.Verdict = c.verdict
	return row, conn, append(findings, broken...), nil
}

// introduce asks a connector for its metadata and holds that against the rules. There is no publish.Connector where the
// findings say why nothing more can be learned of it.
func (r *run) introduce(ctx context.Context, f discover.Folder) (
	row Row, conn *publish.Connector, subject rules.Subject, findings []finding.Finding, err error,
) {
	row = Row{Name: f.Name}
	r.Watch.Step(f.Name, "metadata")
	if err = r.buildOwn(ctx, f); err == nil {
		subject, err = r.document(ctx, f)
	}
	if err != nil {
		findings, err = asFinding(f, err)
		return row, nil, subject, findings, err
	}
	subject, findings = rules.Check(subject)
	row.Version = finding.Printable(subject.Document.Version)
	if subject.Compiled != nil {
		conn = &publish.Connector{Folder: f, Document: subject.Document, Text: subject.Published}
	}
	return row, conn, subject, findings, nil
}

// testOnly runs a connector's own tests.
func (r *run) testOnly(ctx context.Context, f discover.Folder) (Row, *publish.Connector, []finding.Finding, error) {
	row := Row{Name: f.Name}
	if err := r.buildOwn(ctx, f); err != nil {
		found, err := asFinding(f, err)
		return row, nil, found, err
	}
	tests, cached, found, err := r.suites(ctx, f, &row)
	row.Cached, row.Tests = cached, evidence.Count(tests)
	return row, nil, found, err
}

// buildOwn builds a folder that has its own build rule.
func (r *run) buildOwn(ctx context.Context, f discover.Folder) error {
	if !f.Has("build") {
		return nil
	}
	r.Watch.Step(f.Name, "make build")
	cage := r.workCage()
	if err := build.Own(proc.Within(ctx, cage), r.Bin, f); err != nil {
		return err
	}
	return escaped(cage, "make build")
}

// document asks a connector for its metadata and prepares what the rules look at.
func (r *run) document(ctx context.Context, f discover.Folder) (rules.Subject, error) {
	subject := rules.Subject{Folder: f}
	home, err := proc.NewHome()
	if err != nil {
		return subject, err
	}
	defer home.Remove()
	cage := r.answerCage()
	output, err := probe.Run(proc.Within(ctx, cage), []string{build.Path(r.Bin, f), "metadata"}, f.Dir, home.Dir, probe.Deadline)
	if err != nil {
		return subject, err
	}
	if err := escaped(cage, "metadata"); err != nil {
		return subject, err
	}
	subject.Text = output
	if subject.Document, subject.Published, err = probe.Decode(output); err != nil {
		return subject, err
	}
	if subject.Waivers, err = rules.ReadWaivers(f.Dir, r.Today); err != nil {
		return subject, finding.Finding{
			Rule: "waivers", Where: f.Path + "/" + rules.WaiverFile, Message: err.Error(),
			Fix: `write {"secret-marked": {"option": {"reason": "why it is none", "expires": "2027-01-31"}}}`,
		}
	}
	return subject, nil
}

// suites returns what a connector's own tests prove of its inputs: from the cache, else by running them.
func (r *run) suites(ctx context.Context, f discover.Folder, row *Row) ([]evidence.Test, bool, []finding.Finding, error) {
	if tests, ok := r.Cache.Load(r.digests[f.Name], evidence.Suites); ok {
		return tests, true, nil, nil
	}
	r.Watch.Step(f.Name, "make test")
	cage := r.workCage()
	outcome, err := suite.Run(proc.Within(ctx, cage), r.Root, r.Bin, f)
	if err != nil {
		return nil, false, nil, err
	}
	findings := suiteFindings(f, outcome)
	if err := escaped(cage, "make test"); err != nil && len(findings) == 0 {
		if findings, err = asFinding(f, err); err != nil {
			return nil, false, nil, err
		}
	}
	if len(findings) > 0 {
		row.Output = outcome.Output
		return outcome.Tests, false, findings, nil
	}
	findings, err = r.store(ctx, f, evidence.Suites, outcome.Tests)
	return outcome.Tests, false, findings, err
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
func (r *run) examine(ctx context.Context, subject rules.Subject) ([]evidence.Test, bool, []finding.Finding, error) {
	f := subject.Folder
	if tests, ok := r.Cache.Load(r.digests[f.Name], evidence.BlackBox); ok {
		return tests, true, nil, nil
	}
	r.Watch.Step(f.Name, "conformance")
	var report blackbox.Report
	broken, err := r.contained(ctx, subject, func(ctx context.Context, target blackbox.Target) (err error) {
		report, err = blackbox.Examine(ctx, target, blackbox.ProfileOf(subject.Document))
		return err
	})
	if err != nil || len(broken) > 0 {
		return nil, false, broken, err
	}
	tests, findings := report.Evidence(), report.Findings()
	if len(findings) == 0 {
		findings, err = r.store(ctx, f, evidence.BlackBox, tests)
	}
	return tests, false, findings, err
}

// contained calls do for a connector's program, which it holds in a home, a cage and a time of its own. The findings are of
// what went wrong with the examination as a whole; nothing that it found counts then.
func (r *run) contained(ctx context.Context, subject rules.Subject, do func(context.Context, blackbox.Target) error) ([]finding.Finding, error) {
	home, err := proc.NewHome()
	if err != nil {
		return nil, err
	}
	defer home.Remove()
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
				Message: cmp.Or(t.Detail, "failed"), Fix: again,
			})
		}
	}
	if outcome.Broken != "" {
		findings = append(findings, finding.Finding{Connector: f.Name, Rule: "test-run", Where: f.Path, Message: outcome.Broken, Fix: again})
	}
	return findings
}

// settle decides which evidence is published. Evidence with a skip never is: the committed evidence of the same inputs
// stands in for it, else each skipped test is a finding.
func (r *run) settle(f discover.Folder, tests []evidence.Test, row *Row) (metadata.Evidence, []finding.Finding) {
	fresh := evidence.Publish(tests)
	if evidence.Count(tests).Skipped == 0 {
		return fresh, nil
	}
	if committed, ok := r.committed[f.Name]; ok && committed.Inputs == r.digests[f.Name] && evidence.StandsFor(committed.Evidence, tests) {
		row.Kept = true
		return committed.Evidence, nil
	}
	var findings []finding.Finding
	for _, t := range tests {
		if t.Status == metadata.Skipped {
			findings = append(findings, finding.Finding{
				Connector: f.Name, Rule: "test-skipped", Where: t.Suite + ": " + t.Name,
				Message: "was skipped: " + cmp.Or(t.Detail, "no reason given"),
				Fix:     "install what it needs (test/install.sh servers) and run again; evidence with a skip is not published",
			})
		}
	}
	return fresh, findings
}

// asFinding separates what is wrong with a connector from what is wrong with the machine.
func asFinding(f discover.Folder, err error) ([]finding.Finding, error) {
	var found finding.Finding
	if errors.As(err, &found) {
		found.Connector = f.Name
		return []finding.Finding{found}, nil
	}
	return nil, err
}
