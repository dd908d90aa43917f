package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/configschema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// Options come in by three more doors: flags, environment variables and a config file. For each option a good and a bad
// value is tried at each door; the verdict must be the one that validate --batch gives of the same options.

// An option is one option with one value.
type option struct {
	name  string
	value any
}

// samples picks for each option a value that the schema accepts and one that it refuses, both fit for a command line.
func (x *examiner) samples() []option {
	var samples []option
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		p := x.options[name]
		good, bad := false, p.Shared // what every connector shares is refused by the same parser in all of them
		for _, value := range slices.Concat(p.Examples, p.Enum, p.candidates()) {
			if !p.spellable(value) || isEmpty(value) {
				continue
			}
			accepted := p.accepts(value)
			if accepted && !good || !accepted && !bad {
				samples = append(samples, option{name, value})
				good, bad = good || accepted, bad || !accepted
			}
		}
	}
	return samples
}

// door tries samples at one door: enter turns a base document and a sample into what to run.
func (x *examiner) door(ctx context.Context, test string, samples []option, enter func(option) (env, args []string, err error)) error {
	var trials []trial
	for _, s := range samples {
		text, err := json.Marshal(x.base.with(s.name, s.value))
		if err != nil {
			return err
		}
		trials = append(trials, trial{test, text})
	}
	verdicts, problem, err := x.batch(ctx, trials)
	if err != nil {
		return err
	}
	if problem != "" {
		x.report(Parity, test, problem)
		return nil
	}
	var problems []string
	for i, s := range samples {
		env, args, err := enter(s)
		if err != nil {
			return err
		}
		result, err := x.run(ctx, env, append([]string{"validate"}, args...)...)
		if err != nil {
			return err
		}
		want := 2
		if *verdicts[i].Valid {
			want = 0
		}
		if result.Status != want {
			problems = append(problems, fmt.Sprintf("--%s, value %s: status %d, but validate --batch says %d: %s",
				s.name, shorten(mustJSON(s.value)), result.Status, want, proc.Tail(result.Stderr, 2)))
		}
	}
	x.report(Parity, test, list(problems))
	return nil
}

func (x *examiner) flags(ctx context.Context) error {
	return x.door(ctx, "flags agree with documents", x.samples(), func(s option) (env, args []string, err error) {
		return nil, flagArgs(x.base.with(s.name, s.value)), nil
	})
}

func (x *examiner) environment(ctx context.Context) error {
	var single []option // how a list is joined in a variable is the connector's own affair
	for _, s := range x.samples() {
		if len(flagTexts(s.value)) == 1 {
			single = append(single, s)
		}
	}
	return x.door(ctx, "environment variables agree with documents", single, func(s option) (env, args []string, err error) {
		return []string{x.options[s.name].Env + "=" + flagTexts(s.value)[0]}, flagArgs(x.base.without(s.name)), nil
	})
}

func (x *examiner) configFile(ctx context.Context) error {
	if err := x.derived(); err != nil {
		return err
	}
	secrets := map[string]bool{}
	for name, p := range x.options {
		secrets[name] = p.Secret
	}
	for _, way := range []struct {
		test    string
		spell   func(string) string
		secrets map[string]bool
	}{
		{"config files agree with documents", hyphens, nil},
		{"config files take underscores and secrets", underscores, secrets},
	} {
		err := x.door(ctx, way.test, x.samples(), func(s option) (env, args []string, err error) {
			text, err := configText(x.base.with(s.name, s.value), way.secrets, way.spell)
			if err != nil {
				return nil, nil, err
			}
			path, err := x.file("config.yaml", text)
			return nil, []string{"--config", path}, err
		})
		if err != nil {
			return err
		}
	}
	path, err := x.file("config.yaml", []byte(`{"parameters": {"no-such-option": 1}}`))
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

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// derived lets the schema of the config file judge what the schema of the flat options judges, written as files.
func (x *examiner) derived() error {
	text, err := configschema.Derive(x.doc)
	if err != nil {
		return err
	}
	compiled, err := schema.Compile(text)
	if err != nil {
		return err
	}
	var problems []string
	for _, t := range x.trials() {
		d, err := decodeDocument(t.text)
		if err != nil || d == nil || !fileable(d) {
			continue
		}
		for _, spell := range []func(string) string{hyphens, underscores} {
			file, err := configText(d, nil, spell)
			if err != nil {
				return err
			}
			flat, wide := x.Subject.Compiled.ValidateText(t.text), compiled.ValidateText(file)
			if (len(flat) == 0) != (len(wide) == 0) {
				problems = append(problems, fmt.Sprintf("%s: %d problems as options, %d as a config file", shorten(t.text), len(flat), len(wide)))
			}
		}
	}
	x.report(Parity, "the config file's schema agrees with the options' schema", list(problems))
	return nil
}

// fileable tells whether a document can be written as a config file so that it means the same: steps stand in lists of
// text there, and the escape for references is for the reader to undo, not for the schema.
func fileable(d document) bool {
	for _, kind := range []string{"map", "filter", "arraymap"} {
		list, isList := d[kind].([]any)
		if _, given := d[kind]; given && (!isList || slices.ContainsFunc(list, func(v any) bool { s, ok := v.(string); return !ok || s == "" })) {
			return false
		}
	}
	return !bytes.Contains(mustJSON(d), []byte("${"))
}
