package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/literal"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/outcome"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
)

// form is embedded by the commands that compare with the last release.
type form struct {
	Against string `help:"Git reference of the last release (default: the newest reachable tag); fails if it cannot be read." placeholder:"REF"`
	Format  string `help:"How to tell it: text, json (docs/versions.md), github (annotations of a workflow) or junit." enum:"text,json,github,junit" default:"text"`
}

// prose is where the form leaves room for progress and tables: all forms but text are for programs and have stdout alone.
func (f form) prose(s streams) io.Writer {
	if f.Format == "text" {
		return s.out
	}
	return s.err
}

// judge gathers the verdicts on the versions of all connectors that got through. Those whose version is wrong are taken out of
// the result, and their findings are put in.
func judge(result *pipeline.Result) (outcome.Outcome, error) {
	o := outcome.Outcome{Against: result.Baseline.Ref, Note: result.Baseline.Note}
	var right []publish.Connector
	wrong := map[string]bool{}
	for _, conn := range result.Connectors {
		c := outcome.Connector{Verdict: conn.Verdict, Folder: conn.Folder, SDKVersion: conn.Document.SDKVersion}
		if conn.Verdict.Finding == nil {
			right = append(right, conn)
		} else {
			wrong[conn.Folder.Name] = true
			result.Findings = append(result.Findings, *conn.Verdict.Finding)
			if err := locate(&c, conn); err != nil {
				return o, err
			}
		}
		o.Connectors = append(o.Connectors, c)
	}
	result.Connectors = right
	for i, row := range result.Rows {
		if wrong[row.Name] {
			result.Rows[i].OK = false
		}
	}
	result.Findings = append(result.Findings, sharedFlags(o.Connectors)...)
	finding.Sort(result.Findings)
	o.Findings = result.Findings
	return o, nil
}

// The version of the shared flags is a constant, which sharedRule wants raised with them.
const (
	sharedRule = "sdk-version"
	sharedFile = "common/shared.go"
	sharedName = "sdkVersion"
)

// sharedFlags finds that the shared flags changed and their version, which hosts know them by, did not.
func sharedFlags(compared []outcome.Connector) []finding.Finding {
	for _, c := range compared {
		changed, told := false, c.SDKVersion == ""
		for _, one := range c.Changes {
			changed = changed || one.Shared && one.Rule.Bump > change.Patch
			told = told || one.Rule.ID == "sdk-changed"
		}
		if changed && !told {
			return []finding.Finding{{
				Rule: sharedRule, Where: "/sdk_version", Fix: "raise " + sharedName + " in " + sharedFile,
				Message: fmt.Sprintf("shared flags have changed since the release, and sdk_version is still %s", c.SDKVersion),
			}}
		}
	}
	return nil
}

// raiseShared raises the version of the shared flags if a finding asks for it, and tells whether it did. One that is no
// whole number is left to people.
func raiseShared(root string, findings []finding.Finding) (bool, error) {
	if !slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Rule == sharedRule }) {
		return false, nil
	}
	place, said, err := literal.FindConst(root, sharedFile, sharedName)
	if errors.Is(err, literal.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	number, err := strconv.Atoi(said)
	if err != nil {
		return false, nil //nolint:nilerr // see above
	}
	return true, place.Set(strconv.Itoa(number + 1))
}

// locate finds where a version has to be set.
func locate(c *outcome.Connector, conn publish.Connector) error {
	place, err := literal.Find(conn.Folder, c.Version)
	if err == nil {
		c.Places = []string{place.String()}
		return nil
	}
	if !errors.Is(err, literal.ErrNone) {
		return err
	}
	c.ByHand = true
	places, err := literal.Mentions(conn.Folder, c.Version)
	for _, p := range places {
		c.Places = append(c.Places, p.String())
	}
	return err
}

type diffCmd struct {
	work
	form
	Names []string `arg:"" optional:"" name:"name" help:"Connectors to compare (default: all)."`
}

// Run compares the connectors' metadata with what is released, and runs no test.
func (d diffCmd) Run(ctx context.Context, s streams) error {
	_, o, err := describe(ctx, d.work, d.form, d.Names, d.prose(s))
	if err != nil {
		return err
	}
	if err := o.Write(s.out, d.Format); err != nil {
		return err
	}
	if !o.OK() {
		return errFailed
	}
	return nil
}

// describe builds connectors, asks them for their metadata and judges their versions.
func describe(ctx context.Context, w work, f form, names []string, prose io.Writer) (pipeline.Result, outcome.Outcome, error) {
	live := prose
	if !terminal(live) {
		live = io.Discard // it is over before anybody reads how far it is
	}
	b := board(live)
	defer b.Close()
	c, err := w.config(b)
	if err != nil {
		return pipeline.Result{}, outcome.Outcome{}, err
	}
	c.Against, c.Only = f.Against, names
	result, err := pipeline.Describe(ctx, c)
	if err != nil {
		return result, outcome.Outcome{}, err
	}
	o, err := judge(&result)
	if err != nil {
		return result, o, err
	}
	b.Close()
	progress.Report(prose, nil, otherThanVersions(result.Findings))
	return result, o, nil
}

// otherThanVersions leaves out the findings that an outcome tells in a shorter way.
func otherThanVersions(findings []finding.Finding) []finding.Finding {
	var rest []finding.Finding
	for _, f := range findings {
		if !change.AboutVersion(f) {
			rest = append(rest, f)
		}
	}
	return rest
}
