package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// What a connector finds is its system's affair, and there is none here. What can be held is how discover answers: wrong
// options, a system that is not there, and the form of whatever it prints all the same.

// discover examines the command discover, or that there is none.
func (x *examiner) discover(ctx context.Context) error {
	lost, pointed := x.astray(x.base, x.nothing())
	if !rules.HasCommand(x.doc, "discover") {
		x.leave(NotApplicable, "there is no discover command", discoverUsage, discoverLines)
		return x.unlisted(ctx, lost)
	}
	x.leave(NotApplicable, "there is a discover command", discoverUnlisted)
	if err := x.refuses(ctx); err != nil {
		return err
	}
	const patience = "500ms"
	if x.options["start-timeout"].accepts(patience) {
		lost["start-timeout"] = patience
	}
	result, err := x.run(ctx, nil, append([]string{"discover"}, flagArgs(lost)...)...)
	if err != nil {
		return err
	}
	x.note(discoverLines, "", pointless(result, pointed))
	return x.found(ctx, result.Stdout)
}

// unlisted gives the word to a connector that does not list it, with options that are right, so that nothing else is wrong. If it
// takes the word for none, it makes one pass that leads nowhere.
func (x *examiner) unlisted(ctx context.Context, lost document) error {
	d, _ := x.onceThrough(lost)
	if !x.has("once") {
		delete(d, "once")
	}
	result, err := x.run(ctx, nil, append([]string{"discover"}, flagArgs(d)...)...)
	if err != nil {
		return err
	}
	problem := unlessStatus(result, 2)
	if problem == "" && len(result.Stdout) > 0 {
		problem = "it is refused, and this is printed: " + shorten(result.Stdout)
	}
	x.note(discoverUnlisted, "", problem)
	return nil
}

// refuses gives values that the schema refuses, two at the most: a search need not make the checks that no schema has words for.
func (x *examiner) refuses(ctx context.Context) error {
	x.note(discoverUsage, "", "")
	bad := slices.DeleteFunc(slices.Clone(x.samples.kinds), func(o option) bool { return x.options[o.name].accepts(o.value) })
	if len(bad) == 0 {
		return nil
	}
	bad = bad[:min(2, len(bad))]
	result, err := x.run(ctx, nil, append([]string{"discover"}, flagArgs(x.base.plus(bad))...)...)
	if err != nil {
		return err
	}
	problem := unlessStatus(result, 2)
	named := x.subjects(result.Stderr)
	missing := slices.DeleteFunc(slices.Clone(bad), func(o option) bool { return named[o.name] })
	switch {
	case problem != "":
	case len(result.Stdout) > 0:
		problem = "it is refused, and this is printed: " + shorten(result.Stdout)
	case len(missing) == len(bad), len(missing) > 0 && x.profile.Includes(SDK): // others may stop at the first
		problem = fmt.Sprintf("no line is about --%s, which is wrong: %s", missing[0].name, proc.Tail(result.Stderr, 3))
	}
	x.note(discoverUsage, "bad values", problem)
	return nil
}

// pointless tells what is wrong with the end of a search, which must fail where it was pointed at a system that is not there.
func pointless(result proc.Result, pointed bool) string {
	switch {
	case result.Status == 1 && len(result.Stdout) > 0:
		return "status 1, and this is printed: " + shorten(result.Stdout)
	case result.Status == 1 && len(bytes.TrimSpace(result.Stderr)) == 0:
		return "status 1, and nothing says why"
	case result.Status == 0 && pointed:
		return "status 0, though nobody listens at the system's address"
	case result.Status != 0 && result.Status != 1:
		return fmt.Sprintf("status %d: %s", result.Status, proc.Tail(result.Stderr, 3))
	}
	return ""
}

// found holds each line that discover prints against what a line is, and its options beside those of the base against the
// schema and the program.
func (x *examiner) found(ctx context.Context, lines []byte) error {
	names := map[string]bool{}
	var trials []trial
	for line := range bytes.Lines(lines) {
		d, name, problem := x.foundLine(line)
		if problem == "" && names[name] {
			problem = "another line has the name " + name
		}
		names[name] = true
		if problem != "" {
			x.note(discoverLines, "", shorten(bytes.TrimSpace(line))+": "+problem)
			continue
		}
		trials = append(trials, trial{text: mustJSON(d)})
	}
	if len(trials) == 0 {
		return nil
	}
	verdicts, problem, err := x.batch(ctx, trials)
	if err != nil || problem != "" {
		return err // parity tells
	}
	for i, v := range verdicts {
		if !*v.Valid {
			x.note(discoverLines, "", fmt.Sprintf("the program refuses what it has found, %s: %s", shorten(trials[i].text), v.Problems[0]))
		}
	}
	return nil
}

// foundLine reads one line, and returns the options of a run of what it tells.
func (x *examiner) foundLine(line []byte) (run document, name, problem string) {
	var found struct {
		Name    string         `json:"name"`
		Options map[string]any `json:"options"`
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&found); err != nil || d.More() {
		return nil, "", "it is no JSON object with a name and options"
	}
	if strings.TrimSpace(found.Name) == "" {
		return nil, "", "it has no name"
	}
	run = x.base
	for option, value := range found.Options {
		p, known := x.options[option]
		switch {
		case !known:
			return nil, found.Name, "there is no option " + option
		case p.Shared:
			return nil, found.Name, option + " is not the connector's own"
		case p.Secret:
			return nil, found.Name, option + " is a secret"
		}
		run = run.with(option, value)
	}
	if !x.accepts(run) {
		return nil, found.Name, "the schema refuses these options beside " + shorten(mustJSON(x.base))
	}
	return run, found.Name, ""
}
