package blackbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// canaries gives each secret option a value that stands for a secret: long enough to occur nowhere by chance, and changed by
// URL escaping.
func (x *examiner) canaries() []option {
	var secrets []option
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if x.options[name].Secret {
			secrets = append(secrets, option{name, fmt.Sprintf("canary-7c1f/e93b+a5d0-%02d", len(secrets))})
		}
	}
	return secrets
}

// A leak is one attempt to make the program tell secrets.
type leak struct {
	way       string
	env, args []string
	stdin     []byte
	given     []option // the secrets that it knows
	real      bool     // it does what the connector is for, and may fail at that
}

// secrets gives a canary to each secret option by each door, in good runs and in bad ones, and looks for it in everything
// that is printed. In a good run secrets are given that may be set together, in a bad one all.
func (x *examiner) secrets(ctx context.Context) error {
	all := x.canaries()
	if len(all) == 0 {
		x.leave(NotApplicable, "no option is a secret", secretHidden)
		return nil
	}
	attempts, err := x.badAttempts(all)
	if err != nil {
		return err
	}
	for _, group := range x.worthwhile(x.confide(all)) {
		more, err := x.goodAttempts(group)
		if err != nil {
			return err
		}
		attempts = append(attempts, more...)
	}
	problems := map[string][]string{}
	outputs, err := x.betray(ctx, attempts, problems)
	if err != nil {
		return err
	}
	// A parser may well stop at the first flag that it does not know: then each is given alone.
	var alone []leak
	for _, s := range all {
		if !bytes.Contains(outputs[0], []byte(s.name+"x")) {
			alone = append(alone, x.misspelt([]option{s}))
		}
	}
	if _, err := x.betray(ctx, alone, problems); err != nil {
		return err
	}
	for _, secret := range all {
		x.note(secretHidden, "option "+secret.name, list(problems[secret.name]))
	}
	return nil
}

// betray runs the attempts, adds to the problems of each secret, by its option, and returns what was printed.
func (x *examiner) betray(ctx context.Context, attempts []leak, problems map[string][]string) ([][]byte, error) {
	outputs := make([][]byte, len(attempts))
	broken := make([]string, len(attempts))
	err := x.each(ctx, len(attempts), func(ctx context.Context, i int) error {
		a := attempts[i]
		result, err := x.exec(ctx, x.spec(a.env, a.args, bytes.NewReader(a.stdin)))
		outputs[i] = slices.Concat(result.Stdout, []byte{'\n'}, result.Stderr)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			broken[i] = err.Error()
		case result.Status != 0 && result.Status != 2 && (result.Status != 1 || !a.real):
			broken[i] = fmt.Sprintf("status %d", result.Status)
		}
		return nil
	})
	for i, a := range attempts {
		for _, secret := range a.given {
			problem := broken[i]
			if problem == "" && tells(outputs[i], secret.value.(string)) {
				problem = "the value comes out"
			}
			if problem != "" {
				problems[secret.name] = append(problems[secret.name], a.way+": "+problem)
			}
		}
	}
	return outputs, err
}

// confide puts secrets into lists to give in one run: those with which the schema accepts the canaries together, so that
// nothing keeps the program from its work, and in a list of their own those whose canary it refuses anyway.
func (x *examiner) confide(all []option) [][]option {
	var fit, unfit []option
	for _, s := range all {
		if x.accepts(x.base.with(s.name, s.value)) {
			fit = append(fit, s)
		} else {
			unfit = append(unfit, s)
		}
	}
	groups := x.together(fit)
	if unfit != nil {
		groups = append(groups, unfit)
	}
	return groups
}

// secretArgs is a command with the options of the base, less some secrets, and more.
func (x *examiner) secretArgs(command string, secrets []option, more ...string) []string {
	d := maps.Clone(x.base)
	for _, s := range secrets {
		delete(d, s.name)
	}
	return slices.Concat([]string{command}, flagArgs(d), more)
}

// flagsAndVariables gives secrets as flags and as variables.
func (x *examiner) flagsAndVariables(secrets []option) (flags, variables []string) {
	for _, s := range secrets {
		flags = append(flags, fmt.Sprintf("--%s=%s", s.name, s.value))
		variables = append(variables, fmt.Sprintf("%s=%s", x.options[s.name].Env, s.value))
	}
	return flags, variables
}

// misspelt gives secrets by flags that are nearly theirs.
func (x *examiner) misspelt(secrets []option) leak {
	var flags []string
	for _, s := range secrets {
		flags = append(flags, fmt.Sprintf("--%sx=%s", s.name, s.value))
	}
	return leak{way: "flag misspelt", args: x.secretArgs("validate", secrets, flags...), given: secrets}
}

// badAttempts lists runs with secrets that end with a complaint; the first is that of misspelt flags.
func (x *examiner) badAttempts(all []option) ([]leak, error) {
	flags, variables := x.flagsAndVariables(all)
	wrong := append(slices.Clone(flags), "--no-such-option=1")
	attempts := []leak{
		x.misspelt(all),
		{way: "flag beside a wrong flag", args: x.secretArgs("validate", all, wrong...)},
		{way: "flag of a bad run", args: x.secretArgs("run", all, wrong...)},
		{way: "environment of a bad run", env: variables, args: x.secretArgs("run", all, "--no-such-option=1")},
	}
	if before := x.formerly(all); before != nil {
		var flags []string
		for _, s := range before {
			flags = append(flags, fmt.Sprintf("--%s=%s", s.name, s.value))
		}
		attempts = append(attempts, leak{way: "flag of a former name", args: x.secretArgs("validate", all, append(flags, "--no-such-option=1")...)})
	}
	values, lists, strangers := map[string]any{}, map[string]any{}, map[string]any{}
	var lines []byte
	for _, s := range append(x.formerly(all), all...) {
		values[s.name], lists[s.name], strangers[s.name+"x"] = s.value, []any{s.value}, s.value
		for _, value := range []any{s.value, []any{s.value}, map[string]any{s.value.(string): s.value}} {
			lines = append(append(lines, mustJSON(x.base.with(s.name, value))...), '\n')
		}
	}
	for _, file := range []map[string]any{{"secrets": lists}, {"secrets": strangers}, {"secrets": values, "parameters": values}} {
		a, err := x.fileAttempt(file, all)
		if err != nil {
			return nil, err
		}
		attempts = append(attempts, a)
	}
	attempts = append(attempts, leak{way: "documents", args: []string{"validate", "--batch", "-"}, stdin: lines})
	for i := range attempts {
		attempts[i].given = all
	}
	return attempts, nil
}

// goodAttempts lists runs with secrets that may be set together.
func (x *examiner) goodAttempts(group []option) ([]leak, error) {
	flags, variables := x.flagsAndVariables(group)
	attempts := []leak{{way: "flag", args: x.secretArgs("validate", group, flags...)}}
	values := map[string]any{}
	for _, s := range group {
		values[s.name] = s.value
	}
	for _, file := range []map[string]any{{"secrets": values}, {"parameters": values}} {
		a, err := x.fileAttempt(file, group)
		if err != nil {
			return nil, err
		}
		attempts = append(attempts, a)
	}
	d := maps.Clone(x.base)
	for _, s := range group {
		delete(d, s.name)
	}
	lost, _ := x.astray(d, x.nothing())
	if d, ok := x.onceThrough(lost); ok {
		if x.options["log-level"].accepts("debug") {
			d["log-level"] = "debug"
		}
		attempts = append(attempts, leak{way: "environment of a real run", env: variables, args: append([]string{"run"}, flagArgs(d)...), stdin: []byte(oneRecord), real: true})
	} else {
		attempts = append(attempts, leak{way: "environment", env: variables, args: x.secretArgs("validate", group)})
	}
	for i := range attempts {
		attempts[i].given = group
	}
	return attempts, nil
}

// fileAttempt gives secrets by a config file.
func (x *examiner) fileAttempt(file map[string]any, secrets []option) (leak, error) {
	text := mustJSON(file)
	path, err := x.file(text)
	return leak{way: "config file " + redacted(text, secrets), args: x.secretArgs("validate", secrets, "--config", path)}, err
}

// redacted shows a config file's form.
func redacted(text []byte, secrets []option) string {
	shown := string(text)
	for _, s := range secrets {
		shown = strings.ReplaceAll(shown, s.value.(string), "…")
	}
	return shown
}

// tells tells whether output holds a canary, as it is or in one of the forms that people think hide it.
func tells(output []byte, canary string) bool {
	for _, form := range []string{
		canary, url.QueryEscape(canary), url.PathEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary)),
		base64.URLEncoding.EncodeToString([]byte(canary)), hex.EncodeToString([]byte(canary)),
	} {
		if bytes.Contains(output, []byte(form)) {
			return true
		}
	}
	return false
}
