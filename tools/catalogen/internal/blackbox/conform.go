package blackbox

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// Conform examines any program, of which nothing is known but how to start it: argv is its absolute path and what comes
// first on its command line. An empty profile means the one that fits its metadata. It blocks like Examine; the error is
// about the machine or ctx.
func Conform(ctx context.Context, argv []string, p Profile) (report Report, err error) {
	scratch, err := os.MkdirTemp("", "patchbay-conform-")
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	subject, n, err := introduce(ctx, argv, scratch)
	if err != nil {
		return Report{}, err
	}
	if p == "" {
		p = ProfileOf(subject.Document)
	}
	if subject.Compiled == nil {
		return Report{Document: subject.Document, Profile: p, Results: n.results(p)}, nil
	}
	report, err = Examine(ctx, Target{Argv: argv, Env: probe.Env(scratch), Subject: subject, Scratch: scratch}, p)
	for i, r := range report.Results {
		if r.ID == metadataRules && n[r.ID] != nil {
			report.Results[i] = *n[r.ID]
		}
	}
	return report, err
}

// introduce asks a program for its metadata and holds that against the named rules. The subject's schema is not compiled
// where the notes tell why nothing more can be examined.
func introduce(ctx context.Context, argv []string, scratch string) (rules.Subject, notebook, error) {
	n := notebook{}
	var subject rules.Subject
	output, err := probe.Run(ctx, append(argv[:len(argv):len(argv)], "metadata"), scratch, scratch, probe.Deadline)
	if err == nil {
		subject.Text = output
		subject.Document, subject.Published, err = probe.Decode(output)
	}
	var bad finding.Finding
	switch {
	case ctx.Err() != nil:
		return subject, n, ctx.Err()
	case errors.As(err, &bad):
		n.note(metadataDocument, "", bad.Message)
		return subject, n, nil
	case err != nil:
		return subject, n, err
	}
	n.note(metadataDocument, "", "")
	// Without a repository, the folder is what the metadata says.
	subject.Folder = discover.Folder{Name: subject.Document.Name, Direction: subject.Document.Direction}
	subject, findings := rules.Check(subject)
	for _, f := range findings {
		n.note(metadataRules, f.Where, fmt.Sprintf("[%s] %s; %s", f.Rule, f.Message, f.Fix))
	}
	return subject, n, nil
}
