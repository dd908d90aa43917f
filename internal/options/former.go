package options

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// readFormer files the former names by their options. The error joins all that are no such names.
func (m *Model) readFormer() error {
	var (
		errs  []error
		taken map[string]bool // made when it is needed, since few connectors have former names
	)
	for _, o := range m.Options {
		for _, name := range o.Former {
			if taken == nil {
				taken = m.taken()
			}
			switch {
			case !wellNamed(name):
				errs = append(errs, fmt.Errorf("option %s: aliases:%q is no name; write small letters and digits, with a dash between words", o.Name, name))
			case taken[name]:
				errs = append(errs, fmt.Errorf("option %s: aliases:%q is the name of something else, or stands twice; a former name stands for one option", o.Name, name))
			default:
				taken[name], m.former[name] = true, o
			}
		}
	}
	return errors.Join(errs...)
}

// taken returns every name that a flag has.
func (m *Model) taken() map[string]bool {
	flags, taken := map[string]*kong.Flag{}, map[string]bool{}
	collect(m.kong.Model.Node, flags)
	for name := range flags {
		taken[name] = true
	}
	for _, o := range m.Options {
		taken[o.Name] = true
	}
	return taken
}

// wellNamed reports whether a text is words of small letters and digits with a dash between them, the first of which begins with
// a letter: what the published schema asks of a name, but for dots, which no variable can have.
func wellNamed(name string) bool {
	for word := range strings.SplitSeq(name, "-") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return name[0] > '9'
}

// names lists what the option may be called, its present name first.
func (o *Option) names() []string { return append([]string{o.Name}, o.Former...) }

// variable is the environment variable that goes with one of the option's names.
func (o *Option) variable(name string) string {
	return o.envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// OldestName returns the first name that the option had. What is kept by it outlives another name.
func (o *Option) OldestName() string {
	if len(o.Former) > 0 {
		return o.Former[0]
	}
	return o.Name
}

// byName files what is given under the names that options have now, and returns, by these, the former names that were used. What
// is given by several names of one option is a problem.
func byName[V any](m *Model, given map[string]V, at func(V) Origin) (now map[string]V, former map[string]string, problems []*Problem) {
	if len(m.former) == 0 {
		return given, nil, nil
	}
	now, former = make(map[string]V, len(given)), map[string]string{}
	for key, value := range given {
		if m.former[key] == nil {
			now[key] = value
		}
	}
	for _, o := range m.Options {
		var names []string
		for _, name := range o.names() {
			if value, ok := given[name]; ok {
				if names = append(names, name); len(names) == 1 {
					now[o.Name] = value
				}
			}
		}
		switch {
		case len(names) > 1:
			problems = append(problems, &Problem{Option: o.Name, Origin: at(now[o.Name]), Message: namesOfOne(names), Fix: "keep " + o.Name})
		case len(names) == 1 && names[0] != o.Name:
			former[o.Name] = names[0]
		}
	}
	return now, former, problems
}

// inEnv returns the value of the option's variable, and the name by which it was given: its own or a former one. The error tells
// that several are set.
func (o *Option) inEnv(lookup func(string) (string, bool)) (text, name string, err error) {
	var set []string
	for _, one := range o.names() {
		variable := o.variable(one)
		value, ok := lookup(variable)
		if !ok || value == "" {
			continue
		}
		if set = append(set, variable); len(set) == 1 {
			text, name = value, one
		}
	}
	if len(set) > 1 {
		return "", name, fmt.Errorf("%s; keep %s", namesOfOne(set), o.Env)
	}
	return text, name, nil
}

func namesOfOne(names []string) string {
	return strings.Join(names, " and ") + " are names of one option"
}
