package common

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
	"github.com/patchbay-dev/patchbay/internal/transform"
)

// A step is a transform with the place it came from.
type step struct {
	transform.Step
	origin options.Origin
	redact bool // it came from a reference, and no message quotes it
}

// bare gives the steps without their places.
func bare(steps []step) []transform.Step {
	out := make([]transform.Step, len(steps))
	for i, s := range steps {
		out[i] = s.Step
	}
	return out
}

// fileStep is a transform of the config file.
func fileStep(t config.Transform, path string) step {
	s := transform.Step{Kind: transform.Kind(t.Kind), Expr: t.Text}
	if t.With != nil {
		s.Params = make(map[string]string, len(t.With))
	}
	for key, value := range t.With {
		s.Params[key] = moduleText(value)
	}
	if t.Initial != nil {
		s.Initial = moduleText(t.Initial)
	}
	if back := t.LookBack; back != nil {
		s.LookBack = &smartmodule.LookBack{Last: back.Last, Age: back.Age}
	}
	return step{s, options.Origin{Kind: options.FromFile, Name: path, Line: t.Line}, t.Redact}
}

// moduleText is a value as a module is given it: what is no text is written as JSON.
func moduleText(value any) string {
	if text, isText := value.(string); isText {
		return text
	}
	b, _ := json.Marshal(value) // of what was read from JSON or YAML, so it cannot fail
	return string(b)
}

// initial is what --initial says.
func initial(settings options.Settings) string {
	text, _ := settings["initial"].Value.(string)
	return text
}

// withParams gives the SmartModules among the steps the parameters of --param. Those that stand with a step win.
func withParams(steps []step, settings options.Settings) []step {
	params, _ := settings["param"].Value.(map[string]any)
	for i, s := range steps {
		if len(params) == 0 || !transform.IsModule(s.Expr) {
			continue
		}
		all := map[string]string{}
		for key, value := range params {
			all[key], _ = value.(string) // Resolve has refused all else
		}
		maps.Copy(all, s.Params)
		steps[i].Params = all
	}
	return steps
}

// steps puts the transforms in order. They are one list: the place of the highest precedence that has any gives them all.
func steps(line *options.Line, settings options.Settings, file []step) (out []step) {
	for _, o := range line.Order {
		if isTransform(o.Name) {
			out = append(out, step{Step: transform.Step{Kind: transform.Kind(o.Name), Expr: o.Text}})
		}
	}
	if len(out) == 0 {
		out = settingSteps(settings)
	}
	if len(out) == 0 {
		out = file
	}
	return out
}

// settingSteps are the transforms that stand among the options, in the order of their kinds.
func settingSteps(settings options.Settings) (out []step) {
	for _, name := range transformNames {
		list, _ := settings[name].Value.([]any)
		for _, expr := range list {
			out = append(out, step{
				Step: transform.Step{Kind: transform.Kind(name), Expr: expr.(string)}, origin: settings[name].Origin,
			})
		}
	}
	return out
}

// transformNames are the options that hold transforms, in the order in which a flat document applies them.
var transformNames = []string{"map", "filter", "arraymap"}

func isTransform(name string) bool { return slices.Contains(transformNames, name) }

// compileProblems lists the transforms that do not compile.
func compileProblems(w world, steps []step, settings options.Settings) (problems []*options.Problem) {
	isModule := func(s step) bool { return transform.IsModule(s.Expr) }
	if s, ok := settings["param"]; ok && !slices.ContainsFunc(steps, isModule) {
		problems = append(problems, &options.Problem{
			Option: "param", Origin: s.Origin, Message: "has no effect without a SmartModule, a transform that ends in .wasm", Semantic: true,
		})
	}
	chain, err := transform.Compile(bare(steps), transform.Options{ReadFile: w.readFile, ReadModule: w.readModule})
	if err == nil {
		if s, ok := settings["initial"]; ok && !chain.Keeps() {
			problems = append(problems, &options.Problem{
				Option: "initial", Origin: s.Origin, Message: "has no effect without a SmartModule that aggregates", Semantic: true,
			})
		}
		return problems
	}
	for _, e := range split(err) {
		problem := &options.Problem{Message: e.Error(), Semantic: true}
		var syntax *transform.SyntaxError
		if errors.As(e, &syntax) {
			flag := string(syntax.Kind)
			problem.Origin = steps[syntax.Index].origin
			problem.Message = strings.TrimPrefix(problem.Message, "--"+flag+": ")
			if syntax.Kind != transform.Uses { // which is no flag
				problem.Option = flag
			}
			if steps[syntax.Index].redact {
				problem.Message = "the expression behind the reference does not compile"
				if transform.IsModule(steps[syntax.Index].Expr) {
					problem.Message = "the file behind the reference cannot be used as a SmartModule here"
				}
				if syntax.Line > 0 {
					problem.Message += fmt.Sprintf(" at line %d, column %d", syntax.Line, syntax.Column)
				}
			}
		}
		problems = append(problems, problem)
	}
	return problems
}
