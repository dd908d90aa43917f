package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/blackbox"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// A comparison is what a connector's last release is to it.
type comparison struct {
	verdict change.Verdict
	old     []byte // the released document; nil where there is none, or where it is the same
}

// compare holds a connector against what its last release promised. The subject has been checked.
func (r *run) compare(subject rules.Subject) (comparison, []finding.Finding, error) {
	var c comparison
	f := subject.Folder
	documents := r.baseline.Documents[f.Name]
	if r.baseline.Unknown {
		documents = nil // any document of the tree may be one of the next release
	}
	var err error
	if c.verdict, err = change.Judge(f.Name, subject.Document.Version, subject.Published, documents, subject.Waivers.Changes); err != nil {
		return c, nil, fmt.Errorf("judge the version: %w", err)
	}
	old := documents[c.verdict.Released]
	if old == nil || bytes.Equal(old, subject.Published) {
		return c, nil, nil
	}
	c.old = old
	var doc metadata.Document
	if err := json.Unmarshal(c.old, &doc); err != nil {
		return c, nil, err
	}
	findings, err := rules.Promises(subject, doc, r.Today)
	return c, findings, err
}

// released holds a connector against its last release: it keeps what that promised, what the comparison finds is what the
// program shows, and no waiver is left that nothing needs. The subject has been checked. The verdict is about its version.
func (r *run) released(ctx context.Context, subject rules.Subject) (change.Verdict, []finding.Finding, error) {
	c, findings, err := r.compare(subject)
	if err != nil {
		return c.verdict, nil, err
	}
	if c.old != nil {
		contradictions, err := r.replay(ctx, subject, c.old, c.verdict.Changes)
		if err != nil {
			return c.verdict, nil, err
		}
		findings = append(findings, contradictions...)
	}
	return c.verdict, append(findings, waiverFindings(subject, c.old != nil)...), nil
}

// waiverFindings are what is wrong with a connector's waivers once they have been asked.
func waiverFindings(subject rules.Subject, compared bool) []finding.Finding {
	findings := subject.Waivers.Check(compared)
	for i := range findings {
		findings[i].Connector, findings[i].Where = subject.Folder.Name, subject.Folder.Path+"/"+findings[i].Where
	}
	return findings
}

// replay tries configurations of the old document on the new program. What it proves is kept in the local cache only: it is
// about two versions, and the catalog's evidence about one.
func (r *run) replay(ctx context.Context, subject rules.Subject, old []byte, changes []change.Change) ([]finding.Finding, error) {
	f := subject.Folder
	part, err := replayPart(old, changes)
	if err != nil {
		return nil, err
	}
	if _, known := r.Cache.Load(r.digests[f.Name], part); known {
		return nil, nil
	}
	r.Watch.Step(f.Name, "replay")
	var tests []evidence.Test
	broken, err := r.contained(ctx, subject, func(ctx context.Context, target blackbox.Target) (err error) {
		tests, err = blackbox.Replay(ctx, target, old, changes)
		return err
	})
	if err != nil || len(broken) > 0 {
		return broken, err
	}
	var findings []finding.Finding
	for _, t := range tests {
		if t.Status == metadata.Passed {
			continue
		}
		_, option, _ := strings.Cut(t.Name, "option ")
		if option != "" && subject.Waivers.Replay(option) {
			continue
		}
		findings = append(findings, finding.Finding{
			Connector: f.Name, Rule: blackbox.ReplayRule, Where: t.Name, Message: t.Detail, Fix: blackbox.ReplayFix,
		})
	}
	if len(findings) > 0 {
		return findings, nil
	}
	return r.store(ctx, f, part, tests)
}

// replayPart is the part of the cache for what the changes of one document are proved by.
func replayPart(old []byte, changes []change.Change) (evidence.Part, error) {
	text, err := json.Marshal(changes)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s%s", len(old), old, text)
	return evidence.Part("replay " + hex.EncodeToString(sum.Sum(nil))), nil
}
