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

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// canary is what stands for a secret: long enough to occur nowhere by chance, and changed by URL escaping.
const canary = "canary-7c1f/e93b+a5d0"

// A leak is one attempt to make the program tell a secret.
type leak struct {
	way       string
	env, args []string
	stdin     []byte
}

// secrets gives a canary to each secret option by each door, in good runs and in bad ones, and looks for it in everything
// that is printed.
func (x *examiner) secrets(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		if !x.options[name].Secret {
			continue
		}
		attempts, err := x.attempts(name)
		if err != nil {
			return err
		}
		var problems []string
		for _, attempt := range attempts {
			result, err := proc.Run(ctx, proc.Spec{
				Argv: append([]string{x.Binary}, attempt.args...), Dir: x.Scratch, Stdin: bytes.NewReader(attempt.stdin),
				Env:      append(x.Env[:len(x.Env):len(x.Env)], attempt.env...),
				Deadline: deadline, MaxStdout: maxOutput, MaxStderr: maxOutput,
			})
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				problems = append(problems, attempt.way+": "+err.Error())
			case result.Status != 0 && result.Status != 2:
				problems = append(problems, fmt.Sprintf("%s: status %d", attempt.way, result.Status))
			case tells(result.Stdout) || tells(result.Stderr):
				problems = append(problems, attempt.way+": the value comes out")
			}
		}
		x.report(Secrets, "option "+name+" never comes out", list(problems))
	}
	return nil
}

// attempts lists the ways to give a secret to the program.
func (x *examiner) attempts(name string) ([]leak, error) {
	p := x.options[name]
	base := flagArgs(x.base.without(name))
	flag := "--" + name + "=" + canary
	variable := []string{p.Env + "=" + canary}
	args := func(command string, more ...string) []string { return slices.Concat([]string{command}, base, more) }
	attempts := []leak{
		{way: "flag", args: args("validate", flag)},
		{way: "flag beside a wrong flag", args: args("validate", flag, "--no-such-option=1")},
		{way: "flag misspelt", args: args("validate", "--"+name+"x="+canary)},
		{way: "flag of a bad run", args: args("run", flag, "--no-such-option=1")},
		{way: "environment", env: variable, args: args("validate")},
		{way: "environment of a bad run", env: variable, args: args("run", "--no-such-option=1")},
	}
	for i, file := range []map[string]any{
		{"secrets": map[string]any{name: canary}},
		{"parameters": map[string]any{name: canary}},
		{"secrets": map[string]any{name: []any{canary}}},
		{"secrets": map[string]any{name + "x": canary}},
		{"secrets": map[string]any{name: canary}, "parameters": map[string]any{name: canary}},
	} {
		text, err := json.Marshal(file)
		if err != nil {
			return nil, err
		}
		path, err := x.file(fmt.Sprintf("secret-%d.yaml", i), text)
		if err != nil {
			return nil, err
		}
		attempts = append(attempts, leak{way: fmt.Sprintf("config file %s", redacted(text)), args: args("validate", "--config", path)})
	}
	var lines []byte
	for _, value := range []any{canary, []any{canary}, map[string]any{canary: canary}} {
		lines = append(append(lines, mustJSON(x.base.with(name, value))...), '\n')
	}
	return append(attempts, leak{way: "documents", args: []string{"validate", "--batch", "-"}, stdin: lines}), nil
}

// redacted shows a config file's form.
func redacted(text []byte) string {
	return string(bytes.ReplaceAll(text, []byte(canary), []byte("…")))
}

// tells tells whether output holds the canary, as it is or in one of the forms that people think hide it.
func tells(output []byte) bool {
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
