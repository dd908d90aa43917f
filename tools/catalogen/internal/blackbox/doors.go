package blackbox

import (
	"bytes"
	"context"
	"fmt"
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
		x.report(Parity, "each kind of option has a value that works", list(x.barren()))
	}
	x.report(Parity, "the config file's schema agrees with the options' schema", x.derived())
	secrets := map[string]bool{}
	for name, p := range x.options {
		secrets[name] = p.Secret
	}
	for _, way := range []struct {
		test string
		door door
		bad  []option
	}{
		{"flags agree with documents", byFlag, x.samples.bad},
		// Behind these doors stands the parser that the flags have examined: one bad value of each kind is enough.
		{"environment variables agree with documents", x.byVariable, x.samples.kinds},
		{"config files agree with documents", x.byFile(hyphens, nil), x.samples.kinds},
		{"config files take underscores and secrets", x.byFile(underscores, secrets), x.samples.kinds},
	} {
		found := problem
		if problem == "" {
			if found, err = x.enter(ctx, way.door, way.bad); err != nil {
				return err
			}
		}
		x.report(Parity, way.test, found)
	}
	return x.unknownKey(ctx)
}

// enter tries all good samples at a door, as many at a time as go together, and the given bad ones each alone.
func (x *examiner) enter(ctx context.Context, through door, bad []option) (string, error) {
	attempts := slices.Clone(x.samples.good)
	for _, s := range bad {
		attempts = append(attempts, []option{s})
	}
	problems := make([][]string, len(attempts))
	err := x.each(ctx, len(attempts), func(ctx context.Context, i int) error {
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
			env = append(env, x.options[s.name].Env+"="+texts[0])
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

// unknownKey checks that a config file with a key that no option has is refused.
func (x *examiner) unknownKey(ctx context.Context) error {
	path, err := x.file([]byte(`{"parameters": {"no-such-option": 1}}`))
	if err != nil {
		return err
	}
	result, err := x.run(ctx, nil, append([]string{"validate", "--config", path}, flagArgs(x.base)...)...)
	if err != nil {
		return err
	}
	problem := ""
	if result.Status != 2 {
		problem = fmt.Sprintf("status %d, not 2", result.Status)
	}
	x.report(Parity, "config files refuse an unknown key", problem)
	return nil
}

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
	for _, t := range x.trials {
		d, isObject := t.value.(map[string]any)
		if !isObject || !fileable(d, t.text) {
			continue
		}
		for _, spell := range []func(string) string{hyphens, underscores} {
			if valid := compiled.Valid(configFile(d, nil, spell)); valid != t.valid {
				problems = append(problems, fmt.Sprintf("%s: as options the schema says %t, as a config file %t", shorten(t.text), t.valid, valid))
			}
		}
	}
	return list(problems)
}

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
