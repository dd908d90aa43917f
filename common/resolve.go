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
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// resolved is what a command line, with environment and file, comes to.
type resolved struct {
	settings options.Settings
	steps    []step
	notes    []string // what the user should know, though nothing is wrong
}

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

// resolve takes the options from flags, environment, file and defaults, and checks all that can be checked without a
// connection. It reports every problem.
func (p *program) resolve(w world, m *options.Model, line *options.Line) (*resolved, []*options.Problem) {
	r, fileSteps, problems := p.gather(w, m, line)
	r.steps = steps(line, r.settings, fileSteps)
	r.steps = withParams(r.steps, r.settings)
	problems = append(problems, compileProblems(w, r.steps, r.settings)...)
	if len(problems) == 0 {
		s, err := p.scratch()
		if err != nil {
			return r, []*options.Problem{{Message: err.Error()}}
		}
		problems = s.semantic(r.settings)
	}
	return r, problems
}

// gather takes the options from everywhere, and checks each by itself. The steps are those of the file.
func (p *program) gather(w world, m *options.Model, line *options.Line) (r *resolved, fileSteps []step, problems []*options.Problem) {
	r = &resolved{}
	in := options.Inputs{Line: line, LookupEnv: w.lookupEnv}
	if path := line.Flag("config"); path != "" {
		file, err := config.Read(path, config.Env{LookupEnv: w.lookupEnv, ReadFile: w.readFile})
		problems = fileProblems(err)
		in.FilePath, in.Unread = path, file == nil
		if file != nil { // with or without problems: what is wrong beside these is told, too
			var more []*options.Problem
			in.File, more = p.fileOptions(file)
			problems = append(problems, more...)
			r.notes = append(r.notes, file.Notes...)
			for _, t := range file.Transforms {
				fileSteps = append(fileSteps, fileStep(t, path))
			}
			if v := file.Version; v != nil && v.Any != nil && v.Any != p.info.Version {
				r.notes = append(r.notes, fmt.Sprintf("%s is written for version %v, this is version %s", path, v.Any, p.info.Version))
			}
		}
	}
	settings, more := m.Resolve(in)
	r.settings = settings
	problems = append(problems, more...)
	for _, o := range m.Options {
		if s, ok := settings[o.Name]; ok && o.Secret && s.Origin.Kind == options.FromFlag {
			r.notes = append(r.notes, fmt.Sprintf("--%s on the command line shows in the process list; set %s, or secrets.%s in "+
				"the config file", o.Name, o.Env, o.Name))
		}
	}
	if s, ok := settings["broker"]; ok && s.Origin.Kind == options.FromFlag && holdsLogin(s.Value) {
		r.notes = append(r.notes, "the login in --broker on the command line shows in the process list; set PATCHBAY_BROKER, or "+
			"broker in the config file")
	}
	return r, fileSteps, problems
}

// holdsLogin reports whether an address in a list has user information.
func holdsLogin(broker any) bool {
	list, _ := broker.(string)
	for address := range strings.SplitSeq(list, ",") {
		_, rest, _ := strings.Cut(address, "://")
		authority, _, _ := strings.Cut(rest, "/")
		if strings.Contains(authority, "@") {
			return true
		}
	}
	return false
}

// fileOptions collects what a file says by option name.
func (p *program) fileOptions(f *config.File) (map[string]config.Value, []*options.Problem) {
	values := map[string]config.Value{}
	var problems []*options.Problem
	add := func(line int, format string, args ...any) {
		problems = append(problems, &options.Problem{
			Origin:  options.Origin{Kind: options.FromFile, Name: f.Path, Line: line},
			Message: fmt.Sprintf(format, args...),
		})
	}
	for key, v := range f.Parameters {
		switch key {
		case "name", "topic":
			add(v.Line, "%s stands at the top of the file, not under parameters", key)
		case "map", "filter", "arraymap":
			add(v.Line, "%s stands in the list of transforms, as in transforms: [{%s: …}]", key, key)
		default:
			values[key] = v
		}
	}
	if f.Name != nil {
		values["name"] = *f.Name
	}
	if f.Topic != nil {
		values["topic"] = *f.Topic
	}
	if t := f.Type; t != nil && t.Any != nil && t.Any != p.info.Name {
		add(t.Line, "the file is for %v, this is %s", t.Any, p.info.Name)
	}
	return values, problems
}

// fileStep is a transform of the config file.
func fileStep(t config.Transform, path string) step {
	s := transform.Step{Kind: transform.Kind(t.Kind), Expr: t.Text}
	if t.With != nil {
		s.Params = make(map[string]string, len(t.With))
	}
	for key, value := range t.With {
		text, isText := value.(string)
		if !isText { // a module is given text: what is none is written as JSON
			b, _ := json.Marshal(value) // of what was read from JSON or YAML, so it cannot fail
			text = string(b)
		}
		s.Params[key] = text
	}
	if back := t.LookBack; back != nil {
		s.LookBack = &smartmodule.LookBack{Last: back.Last, Age: back.Age}
	}
	return step{s, options.Origin{Kind: options.FromFile, Name: path, Line: t.Line}, t.Redact}
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

// semanticChecks tells in words what semantic checks of the shared options, for the metadata.
var semanticChecks = []string{
	"map, filter and arraymap hold jq expressions that compile, or SmartModules of their kind",
	"param needs a SmartModule",
	"acks needs the topic - and a name",
	"on-error dead-letter needs a dead-letter topic, and a topic other than - unless acks is set",
	"state kv:BUCKET needs a topic other than -",
	"dead-letter is another topic than topic",
	"broker holds addresses of one kind, with nothing behind host and port",
	"once needs JetStream where a sink reads from a broker",
	"broker-credentials-file, broker-nkey-file, broker-token, broker-user, broker-ca-file and broker-cert-file need a broker, and only one login is given",
	"topic-replicas above 1 needs a broker, and none of the topic-… options goes with plain subjects",
	"topic-max-age is 0s or at least 100ms",
	"pprof needs metrics-addr",
}

// semantic makes the checks that the schema has no words for.
func (s scratch) semantic(settings options.Settings) (problems []*options.Problem) {
	own, flags := s.own, s.flags
	if err := s.model.Bind(settings); err != nil {
		return []*options.Problem{{Message: err.Error()}}
	}
	add := func(option, message string) {
		problems = append(problems, &options.Problem{Option: option, Message: message, Semantic: true})
	}
	t, _, run, d, _ := flags.parts()
	plain := t.Topic == "-" && !t.Acks
	if t.Acks && t.Topic != "-" {
		add("acks", "goes with --topic - only")
	}
	if t.Acks && t.Name == "" {
		add("acks", "needs --name")
	}
	switch {
	case d.OnError == "dead-letter" && plain:
		add("on-error", "dead-letter needs a topic on a broker; with --topic - choose fail or skip")
	case d.OnError == "dead-letter" && d.DeadLetter == "" && !t.Acks:
		add("on-error", "dead-letter needs --dead-letter TOPIC")
	case d.OnError != "dead-letter" && d.DeadLetter != "":
		add("dead-letter", "has no effect without --on-error dead-letter")
	}
	if o := observing(flags); o.Pprof && o.MetricsAddr == "" {
		add("pprof", "has no effect without --metrics-addr")
	}
	if d.DeadLetter != "" && d.DeadLetter == t.Topic {
		add("dead-letter", "must be another topic than --topic, or dead letters would come round again")
	}
	if t.Topic != "-" { // else the broker is not used: it may be in a variable that both sides of a pipe inherit
		cloudEventsProblems(flags, add)
	}
	if !cloudevents.Serves(t.Broker) {
		if err := nats.CheckURL(t.Broker); err != nil {
			add("broker", err.Error())
		} else if t.Topic != "-" {
			connectionProblems(flags, add)
		}
	}
	if _, isSink := flags.(*sinkFlags); isSink && run.Once && strings.HasPrefix(t.Broker, "nats+core://") {
		add("once", "has no end on plain subjects, which keep nothing; use a broker with JetStream, or --max-records")
	}
	if source, ok := flags.(*sourceFlags); ok && t.Topic == "-" && strings.HasPrefix(source.State.State, "kv:") {
		add("state", "a bucket needs a topic on a broker; with --topic - choose file:PATH or none")
	}
	if v, ok := own.(Validator); ok {
		if err := v.Validate(); err != nil {
			for _, e := range split(err) {
				var problem *options.Problem
				if !errors.As(e, &problem) {
					problem = &options.Problem{Message: e.Error(), Semantic: true}
				}
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// compileProblems lists the transforms that do not compile.
func compileProblems(w world, steps []step, settings options.Settings) (problems []*options.Problem) {
	isModule := func(s step) bool { return transform.IsModule(s.Expr) }
	if s, ok := settings["param"]; ok && !slices.ContainsFunc(steps, isModule) {
		problems = append(problems, &options.Problem{
			Option: "param", Origin: s.Origin, Message: "has no effect without a SmartModule, a transform that ends in .wasm", Semantic: true,
		})
	}
	_, err := transform.Compile(bare(steps), transform.Options{ReadFile: w.readFile, ReadModule: w.readModule})
	if err == nil {
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

// split takes errors apart that were joined, and joined again.
func split(err error) (errs []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		errs = append(errs, split(e)...)
	}
	return errs
}

// fileProblems gives the problems of a config file their common form.
func fileProblems(err error) (problems []*options.Problem) {
	var all *config.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &all):
		return []*options.Problem{{Message: err.Error()}}
	}
	for _, f := range all.Problems {
		problems = append(problems, &options.Problem{Message: f.Error()})
	}
	return problems
}
