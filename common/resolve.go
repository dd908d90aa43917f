package common

import (
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/internal/options"
)

// resolved is what a command line, with environment and file, comes to.
type resolved struct {
	settings options.Settings
	steps    []step
	notes    []string // what the user should know, though nothing is wrong
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
	if d := p.info.Deprecation; d != nil {
		r.notes = append(r.notes, fmt.Sprintf("%s is deprecated, may be gone from %s, use %s; %s", p.info.Name, d.Date, d.Replacement, d.Note))
	}
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
	r.notes = append(r.notes, m.Notices(settings)...)
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
