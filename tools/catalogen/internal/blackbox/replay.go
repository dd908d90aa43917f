package blackbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// Comparing two documents tells what should become of a user's configurations. Here they are tried: what the old schema
// accepts is given to the new program. Each rule of a change says which answer to expect, and another answer means that one
// of the two engines is wrong.

// Replayed is the suite of what Replay finds. A test of it that failed breaks the rule ReplayRule. It is about an old version,
// too, so it is never published.
const (
	Replayed   = "replay"
	ReplayRule = "replay"
	ReplayFix  = "the comparison of documents and the program disagree: one of the two is wrong; please report it"
)

// A replay holds configurations of an old version against the program of a new one.
type replay struct {
	old     *examiner // is never run
	new     *examiner
	changes []change.Change
	tries   []try
	tests   []evidence.Test
}

// report adds a test, which passed if there is no problem.
func (r *replay) report(name, problem string) {
	status := metadata.Passed
	if problem != "" {
		status = metadata.Failed
	}
	r.tests = append(r.tests, evidence.Test{
		TestResult: metadata.TestResult{Suite: Replayed, Name: r.old.doc.Version + ": " + name, Status: status}, Detail: problem,
	})
}

// A try is one configuration of the old version and the test that it belongs to.
type try struct {
	test   string
	option string // by its old name; empty where the configuration as a whole is tried
	absent bool   // the option is left out
	value  any    // of the option, where it is not
	text   []byte
}

// Replay gives the target's program configurations that an old document's schema accepts, all of them to one process, and
// holds the answers against the changes from that document to the target's. There is a test for each option that was
// tried; one that failed is a contradiction between the two. It blocks until the program has ended. The error is about the
// machine, ctx or a document that cannot be read.
func Replay(ctx context.Context, t Target, old []byte, changes []change.Change) ([]evidence.Test, error) {
	before, err := past(old)
	if err != nil {
		return nil, fmt.Errorf("read the document to compare with: %w", err)
	}
	now := &examiner{Target: t, doc: t.Subject.Document, tempo: usual}
	now.options = readProperties(t.Subject.Options, t.Subject.Compiled)
	r := &replay{old: before, new: now, changes: changes}
	base, problem := r.base()
	if problem != "" {
		r.report("a valid set of options", problem)
		return r.tests, nil
	}
	r.makeTries(base)
	trials := make([]trial, len(r.tries))
	for i, t := range r.tries {
		trials[i].text = t.text
	}
	verdicts, problem, err := now.batch(ctx, trials)
	if err != nil {
		return nil, err
	}
	r.report("validate --batch answers each line", problem)
	if problem == "" {
		r.judge(verdicts)
	}
	return r.tests, nil
}

// past makes an examiner of a document alone.
func past(text []byte) (*examiner, error) {
	var doc metadata.Document
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	read, err := options.Read(doc.Schema)
	if err != nil {
		return nil, err
	}
	compiled, err := rules.Compile(doc.Schema)
	if err != nil {
		return nil, err
	}
	x := &examiner{Target: Target{Subject: rules.Subject{Document: doc, Options: read, Compiled: compiled}}, doc: doc}
	x.options = readProperties(read, compiled)
	return x, nil
}

// base is a configuration of the old version: its first example, else its required options.
func (r *replay) base() (base document, problem string) {
	for _, example := range r.old.doc.Examples {
		if d, err := decodeDocument(example.Options); err == nil && r.old.accepts(d) {
			return d, ""
		}
	}
	return r.old.required()
}

// judge reports a test for each option, and one for the examples.
func (r *replay) judge(verdicts []verdict) {
	tried := map[string][]int{}
	for i, t := range r.tries {
		tried[t.test] = append(tried[t.test], i)
	}
	for _, test := range slices.Sorted(maps.Keys(tried)) {
		of := tried[test]
		problem := ""
		if option := r.tries[of[0]].option; option == "" {
			problem = r.wholes(of, verdicts)
		} else {
			problem = r.contradiction(option, of, verdicts)
		}
		r.report(test, problem)
	}
}

// contradiction holds what became of the tries of one option against what its changes say.
func (r *replay) contradiction(option string, of []int, verdicts []verdict) string {
	said := r.about(option, r.tries[of[0]].absent)
	refused := slices.IndexFunc(of, func(i int) bool { return !verdicts[i].accepts() && !r.conditional(r.tries[i]) })
	promise := slices.IndexFunc(said, func(c change.Change) bool { return c.Rule.Replay == change.Refuses })
	blind := slices.ContainsFunc(said, func(c change.Change) bool { return c.Rule.Replay == change.Blind })
	switch {
	case promise >= 0 && refused < 0:
		return fmt.Sprintf("%s says that something which %s accepts is refused now, but the program accepts all %d configurations that were tried, such as %s",
			said[promise].Rule.ID, r.old.doc.Version, len(of), shorten(r.tries[of[0]].text))
	case promise < 0 && refused >= 0 && !blind:
		i := of[refused]
		return fmt.Sprintf("%s, but the program refuses %s (%s), which fits the schema of %s", words(said), shorten(r.tries[i].text),
			verdicts[i].refusal(), r.old.doc.Version)
	}
	return ""
}

// wholes holds what became of the old examples, as they are, against all changes. They work, so the program may not refuse
// them for a reason either of which its schema says nothing, unless something else tells that it may.
func (r *replay) wholes(of []int, verdicts []verdict) string {
	for _, c := range r.changes {
		if c.Rule.Replay != change.Accepts {
			return ""
		}
	}
	for _, i := range of {
		if !*verdicts[i].Valid {
			return fmt.Sprintf("no change says that it is refused, but the program refuses an example of %s: %s (%s)",
				r.old.doc.Version, shorten(r.tries[i].text), verdicts[i].Problems[0])
		}
	}
	return ""
}

// about returns the changes that tell what becomes of an option's values, or of leaving it out. The option has its old name.
func (r *replay) about(option string, absent bool) []change.Change {
	names := []string{option}
	for _, c := range r.changes {
		if (c.Rule.ID == "option-renamed" || c.Rule.ID == "option-renamed-with-alias") && c.Old == option {
			names = append(names, c.Option)
		}
	}
	var found []change.Change
	for _, c := range r.changes {
		demands := c.Rule.ID == "option-required" || c.Rule.ID == "option-added-required"
		former := c.Rule.ID == "option-renamed" || c.Rule.ID == "option-alias-removed" // is about the old name alone
		switch {
		case demands != absent, former && c.Old != option:
		case former || slices.Contains(names, c.Option):
			found = append(found, c)
		}
	}
	return found
}

// conditional tells whether a refusal may come from what options ask of each other, where changes of that are blind: the
// option by itself is as the new schema wants it.
func (r *replay) conditional(t try) bool {
	if !slices.ContainsFunc(r.changes, func(c change.Change) bool { return c.Option == "" && c.Rule.ID == "condition-added" }) {
		return false
	}
	if t.absent {
		return !slices.Contains(r.new.Subject.Options.Required, t.option)
	}
	return r.new.named(t.option).accepts(t.value)
}

// words tells what the comparison says, for a contradiction.
func words(said []change.Change) string {
	if len(said) == 0 {
		return "the comparison finds no change"
	}
	var ids []string
	for _, c := range said {
		ids = append(ids, c.Rule.ID)
	}
	return strings.Join(slices.Compact(ids), ", ") + " says that nothing is refused"
}

// refusal is the first problem for which a schema has words.
func (v verdict) refusal() problem {
	i := slices.IndexFunc(v.Problems, func(p problem) bool { return !p.Semantic })
	return v.Problems[i]
}
