package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A trial is one document to be judged by the schema and by the program.
type trial struct {
	test  string // the name of the test it belongs to
	text  []byte
	value any  // text, decoded
	valid bool // what the schema says
}

// A verdict is one line of what validate --batch answers.
type verdict struct {
	Valid    *bool     `json:"valid"`
	Problems []problem `json:"problems"`
}

// A problem is one reason for a refusal. A semantic one is about what a schema cannot say.
type problem struct {
	Option   string `json:"option"`
	Message  string `json:"message"`
	Semantic bool   `json:"semantic"`
}

// String writes the problem on one line.
func (p problem) String() string {
	if p.Option == "" { // the message names what it is about
		return p.Message
	}
	return fmt.Sprintf("--%s: %s", p.Option, p.Message)
}

// accepts tells whether the program refuses nothing that a schema can say.
func (v verdict) accepts() bool {
	return !slices.ContainsFunc(v.Problems, func(p problem) bool { return !p.Semantic })
}

// parity lets the schema and the program judge the same documents, hundreds of them through one process.
func (x *examiner) parity(ctx context.Context) error {
	verdicts, problem, err := x.batch(ctx, x.trials)
	if err != nil {
		return err
	}
	x.note(batchVerdicts, "", problem)
	if problem != "" {
		return nil
	}
	problems := map[string][]string{}
	x.judged = map[string]verdict{}
	var semantic []string
	for i, t := range x.trials {
		x.judged[string(t.text)] = verdicts[i]
		for _, p := range verdicts[i].Problems {
			if p.Semantic && len(x.doc.SemanticChecks) == 0 {
				semantic = append(semantic, fmt.Sprintf("%s: %s", shorten(t.text), p))
			}
		}
		if _, ok := problems[t.test]; !ok {
			problems[t.test] = nil
		}
		if t.valid != verdicts[i].accepts() {
			refusals := x.Subject.Compiled.Validate(t.value)
			problems[t.test] = append(problems[t.test], disagreement(t.text, refusals, verdicts[i]))
		}
	}
	x.note(semanticDeclared, "", list(semantic))
	for _, test := range slices.Sorted(maps.Keys(problems)) {
		x.note(schemaParity, test, list(problems[test]))
	}
	return nil
}

// makeTrials makes every document to be judged, in a fixed order.
func (x *examiner) makeTrials() []trial {
	var trials []trial
	seen := map[string]bool{}
	try := func(test string, text []byte) {
		if value, err := schema.Parse(text); err == nil && !seen[string(text)] {
			seen[string(text)] = true
			trials = append(trials, trial{test, text, value, x.Subject.Compiled.Valid(value)})
		}
	}
	add := func(test string, value any) {
		if text, err := json.Marshal(value); err == nil {
			try(test, text)
		}
	}
	const whole = "whole documents"
	add(whole, x.base)
	add(whole, document{})
	for _, example := range x.doc.Examples {
		try(whole, compact(example.Options))
	}
	for _, value := range []any{nil, true, number("5"), "text", []any{}} {
		add(whole, value)
	}
	names := slices.Sorted(maps.Keys(x.options))
	for _, name := range names {
		test := "option " + name
		add(test, x.base.without(name))
		for i, value := range x.options[name].candidates() {
			if !x.proven(x.options[name]) || i%turns == x.turn() {
				add(test, x.base.with(name, value))
			}
		}
		x.formerTrials(name, add)
		for _, misspelt := range []string{name + "x", name[:len(name)-1], strings.ToUpper(name), strings.ReplaceAll(name, "-", "_") + "_"} {
			if _, exists := x.options[misspelt]; !exists && misspelt != "" {
				add("unknown options", x.base.with(misspelt, "a"))
			}
		}
	}
	for _, s := range x.candidateSamples() {
		add("option "+s.name, x.base.with(s.name, s.value))
	}
	for _, group := range groups(x.doc.Schema) {
		none, all := maps.Clone(x.base), maps.Clone(x.base)
		for _, name := range group {
			delete(none, name)
		}
		for _, name := range group {
			value, ok := x.options[name].valid()
			if !ok {
				continue
			}
			all[name] = value
			add("options together", none.with(name, value))
			add("options together", x.base.with(name, value))
		}
		add("options together", all)
		add("options together", none)
		for _, name := range group {
			add("options together", all.without(name))
		}
	}
	return trials
}

// turns is how many connectors together try all values of an option that is proven; each tries its share.
const turns = 8

// turn is the connector's share, by its name.
func (x *examiner) turn() int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(x.doc.Name))
	return int(sum.Sum32() % turns)
}

// groups returns the sets of options that the schema ties together: required lists below the top, and dependencies.
func groups(text []byte) [][]string {
	var top map[string]any
	if json.Unmarshal(text, &top) != nil {
		return nil
	}
	var found [][]string
	words := func(value any) (names []string) {
		list, _ := value.([]any)
		for _, element := range list {
			if name, ok := element.(string); ok {
				names = append(names, name)
			}
		}
		return names
	}
	var walk func(value any, depth int)
	walk = func(value any, depth int) {
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				walk(element, depth+1)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				switch key {
				case "properties", "$defs", "definitions":
					continue
				case "required":
					if names := words(value[key]); depth > 0 && len(names) > 0 {
						found = append(found, names)
					}
				case "dependencies", "dependentRequired":
					needs, _ := value[key].(map[string]any)
					for _, name := range slices.Sorted(maps.Keys(needs)) {
						found = append(found, append([]string{name}, words(needs[name])...))
					}
				}
				walk(value[key], depth+1)
			}
		}
	}
	walk(top, 0)
	return found
}

// batch lets the program judge all documents in one process. The problem is about the answers as a whole.
func (x *examiner) batch(ctx context.Context, trials []trial) (verdicts []verdict, problem string, err error) {
	var input bytes.Buffer
	for _, t := range trials {
		input.Write(t.text)
		input.WriteByte('\n')
	}
	spec := x.spec(nil, []string{"validate", "--batch", "-"}, &input)
	spec.Deadline = batchDeadline
	result, err := x.exec(ctx, spec)
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if err != nil {
		return nil, "validate --batch - " + err.Error(), nil
	}
	lines := bytes.Split(bytes.TrimSuffix(result.Stdout, []byte("\n")), []byte("\n"))
	if len(lines) != len(trials) {
		return nil, fmt.Sprintf("validate --batch - answered %d lines with %d (status %d): %s", len(trials), len(lines), result.Status, proc.Tail(result.Stderr, 3)), nil
	}
	for i, line := range lines {
		var v verdict
		if err := json.Unmarshal(line, &v); err != nil || v.Valid == nil {
			return nil, fmt.Sprintf("answer %d is no verdict: %s", i+1, shorten(line)), nil
		}
		if *v.Valid != (len(v.Problems) == 0) {
			return nil, fmt.Sprintf("answer %d contradicts itself: %s", i+1, shorten(line)), nil
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, "", nil
}

// disagreement shows a document and both verdicts.
func disagreement(text []byte, refusals []schema.Problem, v verdict) string {
	says := "the schema accepts"
	if len(refusals) > 0 {
		says = "the schema refuses (" + refusals[0].String() + ")"
	}
	parser := "the program accepts"
	for _, p := range v.Problems {
		if !p.Semantic {
			parser = fmt.Sprintf("the program refuses (%s)", p)
			break
		}
	}
	return fmt.Sprintf("%s: %s, %s", shorten(text), says, parser)
}

// shorten cuts a text for a message.
func shorten(text []byte) string {
	const most = 300
	if len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "…"
}

// compact puts a JSON value on one line.
func compact(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}
