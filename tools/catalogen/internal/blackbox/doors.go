package blackbox

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/configschema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// Options come in by three more doors: flags, environment variables and a config file. For each option a good value is
// tried at each door, and bad ones; the verdict must be the one that validate --batch gives of the same options.

// A door turns samples, which the document holds, into what to run.
type door func(d document, samples []option) (env, args []string, err error)

// doors tries the samples at every door.
func (x *examiner) doors(ctx context.Context) error {
	problem, err := x.pickSamples(ctx)
	if err != nil {
		return err
	}
	if problem == "" {
		x.note(optionsUnderstood, "", list(x.barren()))
	}
	x.note(configSchema, "", x.derived())
	secrets := map[string]bool{}
	for name, p := range x.options {
		secrets[name] = p.Secret
	}
	for _, way := range []struct {
		rule string
		door door
		bad  []option
	}{
		{flagParity, byFlag, x.samples.bad},
		// Behind these doors stands the parser that the flags have examined: one bad value of each kind is enough.
		{environmentParity, x.byVariable, x.samples.kinds},
		{configParity, x.byFile(hyphens, nil), x.samples.kinds},
		{configSpelling, x.byFile(underscores, secrets), x.samples.kinds},
	} {
		found := problem
		if problem == "" {
			if found, err = x.enter(ctx, way.door, way.bad); err != nil {
				return err
			}
		}
		x.note(way.rule, "", found)
	}
	return nil
}

// enter tries all good samples at a door, as many at a time as go together, and the given bad ones.
func (x *examiner) enter(ctx context.Context, through door, bad []option) (string, error) {
	left, err := x.refusedByName(ctx, through, bad)
	if err != nil {
		return "", err
	}
	attempts := slices.Clone(x.samples.good)
	for _, s := range left {
		attempts = append(attempts, []option{s})
	}
	problems := make([][]string, len(attempts))
	err = x.each(ctx, len(attempts), func(ctx context.Context, i int) error {
		want := 2
		if i < len(x.samples.good) {
			want = 0
		}
		problem, err := x.attempt(ctx, through, attempts[i], want)
		if err != nil || problem == "" {
			return err
		}
		for _, s := range attempts[i] { // which of them is it?
			alone, err := x.attempt(ctx, through, []option{s}, want)
			if err != nil {
				return err
			}
			if alone != "" {
				problems[i] = append(problems[i], alone)
			}
		}
		if problems[i] == nil {
			problems[i] = []string{problem}
		}
		return nil
	})
	return list(slices.Concat(problems...)), err
}

// refusedByName gives all bad samples at once to a program that may list every problem, and returns those of which it does
// not: they are to be tried alone. One that stops at its first problem costs more starts, and is as right.
func (x *examiner) refusedByName(ctx context.Context, through door, bad []option) (left []option, err error) {
	if len(bad) < 2 {
		return bad, nil
	}
	env, args, err := through(x.base.plus(bad), bad)
	if err != nil {
		return nil, err
	}
	result, err := x.run(ctx, env, append([]string{"validate"}, args...)...)
	if err != nil {
		return nil, err
	}
	if result.Status != 2 {
		return bad, nil
	}
	named := x.subjects(result.Stderr)
	return slices.DeleteFunc(slices.Clone(bad), func(s option) bool { return named[s.name] }), nil
}

// flagWord finds what looks like a flag.
var flagWord = regexp.MustCompile(`--([a-z][a-z0-9.-]*)`)

// subjects are the options that lines of a program's complaint are about: the first flag on each.
func (x *examiner) subjects(complaint []byte) map[string]bool {
	named := map[string]bool{}
	for line := range bytes.Lines(complaint) {
		if m := flagWord.FindSubmatch(line); m != nil {
			named[string(m[1])] = true
		}
	}
	return named
}

// attempt tries samples together at a door, and tells if the status is not the wanted one.
func (x *examiner) attempt(ctx context.Context, through door, samples []option, want int) (string, error) {
	env, args, err := through(x.base.plus(samples), samples)
	if err != nil {
		return "", err
	}
	result, err := x.run(ctx, env, append([]string{"validate"}, args...)...)
	if err != nil || result.Status == want {
		return "", err
	}
	var given []string
	for _, s := range samples {
		given = append(given, fmt.Sprintf("--%s, value %s", s.name, shorten(mustJSON(s.value))))
	}
	return fmt.Sprintf("%s: status %d, but validate --batch says %d: %s",
		strings.Join(given, "; "), result.Status, want, proc.Tail(result.Stderr, 2)), nil
}

func byFlag(d document, _ []option) (env, args []string, err error) { return nil, flagArgs(d), nil }

// byVariable gives what is one text by variables, and the rest by flags: how a list is joined in a variable is the
// connector's own affair.
func (x *examiner) byVariable(d document, samples []option) (env, args []string, err error) {
	for _, s := range samples {
		if texts := options.FlagTexts(s.value); len(texts) == 1 {
			env = append(env, x.variable(s.name)+"="+texts[0])
			d = d.without(s.name)
		}
	}
	return env, flagArgs(d), nil
}

func (x *examiner) byFile(spell func(string) string, secrets map[string]bool) door {
	return func(d document, _ []option) (env, args []string, err error) {
		text, err := configText(d, secrets, spell)
		if err != nil {
			return nil, nil, err
		}
		path, err := x.file(text)
		return nil, []string{"--config", path}, err
	}
}

// unknown checks what is said of a flag and of a key that no option has, but one nearly.
func (x *examiner) unknown(ctx context.Context) error {
	near := x.longName()
	if near == "" {
		x.leave(NotApplicable, "every option is in use", unknownFlag, unknownKey)
		return nil
	}
	misspelt := near + "x"
	path, err := x.file(mustJSON(map[string]any{"parameters": map[string]any{misspelt: 1}}))
	if err != nil {
		return err
	}
	for _, way := range []struct {
		rule string
		args []string
	}{{unknownFlag, []string{"--" + misspelt + "=1"}}, {unknownKey, []string{"--config", path}}} {
		result, err := x.run(ctx, nil, slices.Concat([]string{"validate"}, way.args, flagArgs(x.base.without(near)))...)
		if err != nil {
			return err
		}
		problem := unlessStatus(result, 2)
		if problem == "" && !mentions(result.Stderr, near) {
			problem = fmt.Sprintf("of %q it says %q, not that there is %s", misspelt, proc.Tail(result.Stderr, 3), near)
		}
		x.note(way.rule, "", problem)
	}
	return nil
}

// longName returns the longest name of an option that may stand in a config file and that the program has no other reason to
// speak of; empty if there is none.
func (x *examiner) longName() string {
	longest := ""
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		_, given := x.base[name]
		_, other := x.Subject.Options.Named(name + "x")
		if p := x.options[name]; given || other || p.Hidden || p.Secret || slices.Contains(notParameters, name) {
			continue
		}
		if len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

// notParameters are options that do not stand under parameters in a config file.
var notParameters = []string{"name", "topic", "map", "filter", "arraymap"}

// derived lets the schema of the config file judge what the schema of the flat options judges, written as files.
func (x *examiner) derived() string {
	config, err := configschema.Derive(x.doc)
	if err != nil {
		return err.Error()
	}
	compiled, err := schema.Compile(mustJSON(config))
	if err != nil {
		return "it cannot be derived: " + err.Error() + "; keep what options refer to under definitions"
	}
	var problems []string
	seen := map[string]int{}
	for _, t := range x.trials {
		d, isObject := t.value.(map[string]any)
		kind := fmt.Sprint(t.test, t.valid)
		if !isObject || seen[kind] == mostDerived || !fileable(d, t.text) {
			continue
		}
		seen[kind]++
		spell := hyphens
		if seen[kind]%2 == 0 {
			spell = underscores
		}
		if valid := compiled.Valid(configFile(d, nil, spell)); valid != t.valid {
			problems = append(problems, fmt.Sprintf("%s: as options the schema says %t, as a config file %t", shorten(t.text), t.valid, valid))
		}
	}
	return list(problems)
}

// mostDerived is how many documents of each test and verdict are judged as config files too. The schema of files is made
// from that of options by moving it as it is; judging all of them would take longer than all other rules together.
const mostDerived = 8

// fileable tells whether a document can be written as a config file so that it means the same: steps stand in lists of
// text there, and the escape for references is for the reader to undo, not for the schema.
func fileable(d document, text []byte) bool {
	for _, kind := range []string{"map", "filter", "arraymap"} {
		list, isList := d[kind].([]any)
		if _, given := d[kind]; given && (!isList || slices.ContainsFunc(list, func(v any) bool { s, ok := v.(string); return !ok || s == "" })) {
			return false
		}
	}
	return !bytes.Contains(text, []byte("${"))
}
