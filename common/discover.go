package common

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/options"
)

// A Discoverer is an options struct that can tell what there is for it in its system: the streams, tables or topics that a
// source could read or a sink could write. Its connector has the command discover.
type Discoverer interface {
	// Discover connects, changes nothing, and returns what it finds, each with another name, in an order that is the same
	// each time. It blocks until it has all of it, or ctx ends, after --start-timeout at the latest. An error ends the
	// command with status 1, and nothing is printed.
	//
	// The options are those of a run, each with a value that its tags allow, but for two things: a required one that is
	// tagged discover need not be given, and Validate has not been called, since what it asks for may be what is looked for.
	// What is given beyond what it takes to connect narrows down what is found.
	Discover(ctx context.Context) ([]Found, error)
}

// A Found is something that a source could read or a sink could write.
type Found struct {
	// Name tells it from the others; it is for people, and not empty.
	Name string `json:"name"`
	// Options are what a connector of it is set to, keyed by flag name, beside the options that Discover had: together they
	// are all that a run needs. Only the connector's own options stand there, and no secrets. What is found and cannot be
	// set, since an option's tags do not allow its name, is left out of what the command prints, with a note.
	Options map[string]any `json:"options,omitempty"`
}

// discover prints what the connector finds, one JSON object a line. It takes the command line of a run, and needs of it only
// what says how to reach the system.
func (p *program) discover(ctx context.Context, w world, m *options.Model, line *options.Line, problems []*options.Problem) int {
	for _, o := range m.Options {
		if o.Discover || o.Name == "topic" {
			o.Required = false
		}
	}
	r, _, more := p.gather(w, m, line)
	if problems = append(problems, more...); len(problems) > 0 {
		return p.refuse(w, problems)
	}
	own, flags, err := p.bind(r.settings)
	if err != nil {
		return p.report(w, err)
	}
	_, _, run, _, _ := flags.parts()
	late := fmt.Errorf("no answer within the start timeout of %s; --start-timeout gives it longer", run.StartTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, run.StartTimeout, late)
	defer cancel()
	found, err := own.(Discoverer).Discover(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var lines []byte
	if err == nil {
		lines, err = p.foundLines(w, m, found)
	}
	if err != nil { // of a server, perhaps, which has written it in several lines
		return p.report(w, fmt.Errorf("discover: %s", strings.Join(strings.Fields(err.Error()), " ")))
	}
	_, err = w.stdout.Write(lines)
	return p.report(w, err)
}

// foundLines writes what was found as lines. The error is a mistake of the connector's author.
func (p *program) foundLines(w world, m *options.Model, found []Found) ([]byte, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	names := map[string]bool{}
	for i, f := range found {
		if f.Name == "" || names[f.Name] {
			return nil, fmt.Errorf("%d of %d has no name, or that of another", i+1, len(found))
		}
		names[f.Name] = true
		unfit, err := unfit(m, f.Options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if unfit != nil {
			fmt.Fprintf(w.stderr, "%s: left out, since no option can be set to it: %v\n", p.info.Name, unfit)
			continue
		}
		if err := lines.Encode(f); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// unfit says which option does not take its value, nil if all do. The error tells that there is no such option to find.
func unfit(m *options.Model, found map[string]any) (*options.Problem, error) {
	values, err := options.JSONForm(found)
	if err != nil {
		return nil, err
	}
	var problem *options.Problem
	for name, value := range values {
		o := m.Option(name)
		if o == nil || o.Shared || o.Secret {
			return nil, fmt.Errorf("%s is no option of the connector's own that may be shown", name)
		}
		if err := o.Check(value); err != nil && (problem == nil || name < problem.Option) {
			problem = &options.Problem{Option: name, Message: err.Error()}
		}
	}
	return problem, nil
}
