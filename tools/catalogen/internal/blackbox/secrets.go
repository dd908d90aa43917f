package blackbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
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
// that is printed. Secrets that may be set together are given in one run.
func (x *examiner) secrets(ctx context.Context) error {
	all := x.canaries()
	var attempts []leak
	for _, group := range x.confide(all) {
		more, err := x.attempts(group)
		if err != nil {
			return err
		}
		attempts = append(attempts, more...)
	}
	outputs := make([][]byte, len(attempts))
	broken := make([]string, len(attempts))
	err := x.each(ctx, len(attempts), func(ctx context.Context, i int) error {
		a := attempts[i]
		result, err := proc.Run(ctx, x.spec(a.env, a.args, bytes.NewReader(a.stdin)))
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
	if err != nil {
		return err
	}
	for _, secret := range all {
		var problems []string
		for i, attempt := range attempts {
			if !slices.Contains(attempt.given, secret) {
				continue
			}
			problem := broken[i]
			if problem == "" && tells(outputs[i], secret.value.(string)) {
				problem = "the value comes out"
			}
			if problem != "" {
				problems = append(problems, attempt.way+": "+problem)
			}
		}
		x.report(Secrets, "option "+secret.name+" never comes out", list(problems))
	}
	return nil
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

// attempts lists the ways to give secrets to the program.
func (x *examiner) attempts(group []option) ([]leak, error) {
	d := maps.Clone(x.base)
	var flags, misspelt, variables []string
	for _, s := range group {
		delete(d, s.name)
		flags = append(flags, fmt.Sprintf("--%s=%s", s.name, s.value))
		misspelt = append(misspelt, fmt.Sprintf("--%sx=%s", s.name, s.value))
		variables = append(variables, fmt.Sprintf("%s=%s", x.options[s.name].Env, s.value))
	}
	base := flagArgs(d)
	args := func(command string, more ...string) []string { return slices.Concat([]string{command}, base, more) }
	attempts := []leak{
		{way: "flag", args: args("validate", flags...)},
		{way: "flag beside a wrong flag", args: args("validate", append(slices.Clone(flags), "--no-such-option=1")...)},
	}
	for _, flag := range misspelt { // a parser may well stop at the first
		attempts = append(attempts, leak{way: "flag misspelt", args: args("validate", flag)})
	}
	attempts = append(attempts,
		leak{way: "flag of a bad run", args: args("run", append(slices.Clone(flags), "--no-such-option=1")...)},
		leak{way: "environment", env: variables, args: args("validate")},
		leak{way: "environment of a bad run", env: variables, args: args("run", "--no-such-option=1")},
	)
	values, lists, strangers := map[string]any{}, map[string]any{}, map[string]any{}
	for _, s := range group {
		values[s.name], lists[s.name], strangers[s.name+"x"] = s.value, []any{s.value}, s.value
	}
	for _, file := range []map[string]any{
		{"secrets": values}, {"parameters": values}, {"secrets": lists}, {"secrets": strangers}, {"secrets": values, "parameters": values},
	} {
		text, err := json.Marshal(file)
		if err != nil {
			return nil, err
		}
		path, err := x.file(text)
		if err != nil {
			return nil, err
		}
		attempts = append(attempts, leak{way: "config file " + redacted(text, group), args: args("validate", "--config", path)})
	}
	var lines []byte
	for _, s := range group {
		for _, value := range []any{s.value, []any{s.value}, map[string]any{s.value.(string): s.value}} {
			lines = append(append(lines, mustJSON(x.base.with(s.name, value))...), '\n')
		}
	}
	attempts = append(attempts, leak{way: "documents", args: []string{"validate", "--batch", "-"}, stdin: lines})
	lost, _ := x.astray(d)
	if d, ok := x.onceThrough(lost); ok {
		if x.options["log-level"].accepts("debug") {
			d["log-level"] = "debug"
		}
		attempts = append(attempts, leak{way: "environment of a real run", env: variables, args: append([]string{"run"}, flagArgs(d)...), stdin: []byte(oneRecord), real: true})
	}
	for i := range attempts {
		attempts[i].given = group
	}
	return attempts, nil
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
