package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// prove takes one connector through all stages.
func (r *run) prove(ctx context.Context, f discover.Folder) (Row, *publish.Connector, []finding.Finding, error) {
	row, conn, subject, findings, err := r.introduce(ctx, f)
	if err != nil {
		return row, nil, findings, err
	}
	text, unread := ReadReadme(f.Dir)
	sources, err := r.scan(f)
	if unread == nil {
		sources = append(sources, readmeFindings(f, text)...)
	}
	if findings = append(findings, sources...); conn == nil || err != nil {
		return row, nil, findings, err
	}
	if unread != nil {
		return row, nil, append(findings, finding.Finding{
			Connector: f.Name, Rule: "readme", Where: f.Path, Message: unread.Error(), Fix: "let README.md be a file of the folder itself",
		}), nil
	}
	conn.Readme = text
	if conn.Changelog, err = readText(f.Dir, readme.ChangelogFile); err != nil {
		return row, nil, append(findings, finding.Finding{
			Connector: f.Name, Rule: "changelog", Where: f.Path, Message: err.Error(),
			Fix: "let " + readme.ChangelogFile + " be a file of the folder itself",
		}), nil
	}
	conn.Inputs = r.digests[f.Name]
	if len(findings) > 0 {
		// Tests would prove nothing for long: to mend the metadata changes what they prove it of. And an examination that
		// starts from wrong metadata meets the same mistake a hundred times. What else shows without a test is told too.
		_, more, err := r.compare(subject)
		return row, nil, slices.Concat(findings, more, waiverFindings(subject, false)), err
	}
	// A program is examined while its tests run: both wait for it most of the time.
	var suites, examination proof
	err = parallel.Each(ctx, 2, 2, func(ctx context.Context, i int) (err error) {
		if i == 0 {
			examination, err = r.examine(ctx, subject)
		} else {
			suites, err = r.suites(ctx, f, &row)
		}
		return err
	})
	if err != nil {
		return row, nil, nil, err
	}
	verdict, found, err := r.released(ctx, subject)
	if err != nil {
		return row, nil, nil, err
	}
	conn.Verdict = verdict
	findings = slices.Concat(suites.findings, examination.findings, found)
	tests := slices.Concat(suites.tests, examination.tests)
	row.Cached = suites.known && examination.known
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
	if subject.Compiled != nil { // else the version may be anything, such as lines that look like ours
		row.Version = subject.Document.Version
		// Cloned, for it is held to the end, and with it the room in which it has grown.
		conn = &publish.Connector{Folder: f, Document: subject.Document, Text: bytes.Clone(subject.Published)}
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
	p, err := r.suites(ctx, f, &row)
	row.Cached, row.Tests = p.known, evidence.Count(p.tests)
	return row, nil, p.findings, err
}

// buildOwn builds a folder that has its own build rule.
func (r *run) buildOwn(ctx context.Context, f discover.Folder) error {
	if !f.Has("build") {
		return nil
	}
	r.Watch.Step(f.Name, "make build")
	home, err := r.homes.Take()
	if err != nil {
		return err
	}
	defer r.homes.Return(home)
	cage := r.workCage()
	if err := build.Own(proc.Within(ctx, cage), r.Bin, f, home); err != nil {
		return err
	}
	return escaped(cage, "make build")
}

// document asks a connector for its metadata and prepares what the rules look at.
func (r *run) document(ctx context.Context, f discover.Folder) (rules.Subject, error) {
	subject := rules.Subject{Folder: f}
	home, err := r.homes.Take()
	if err != nil {
		return subject, err
	}
	defer r.homes.Return(home)
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
			Fix: `write it like {"secret-marked": {"an-option": {"reason": "why it is none", "expires": "2027-01-31"}}}`,
		}
	}
	return subject, nil
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
