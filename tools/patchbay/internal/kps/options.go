package kps

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// The lifecycle classes of options, as the schemas of connectors name them in x-change.
const (
	static      = "static"
	configClass = "config"
	streamClass = "stream"
)

// A side is the connector of one direction.
type side struct {
	program *connector.Program
	env     []string       // its environment
	fixed   map[string]any // options from the command line, for whatever it runs
	options map[string]option
}

// An option is what is to be known of one to tell by which way it may come.
type option struct {
	name   string // that it has now
	class  string
	kind   string   // the JSON type, if it is one word
	env    string   // the environment variable that sets it
	envs   []string // that one, and those of its former names
	secret bool
}

// newSide reads the schema of a program, whose environment is env.
func newSide(p *connector.Program, env []string) (*side, error) {
	if p.Direction != metadata.Source && p.Direction != metadata.Sink || p.Schema == nil {
		return nil, fmt.Errorf("%s does not say whether it is a source or a sink, nor what its options are: "+
			"its command metadata must print that", p.Path)
	}
	var schema struct {
		Properties map[string]struct {
			Type   any      `json:"type"`
			Change string   `json:"x-change"`
			Env    string   `json:"x-env"`
			Shared bool     `json:"x-shared"`
			Secret bool     `json:"writeOnly"`
			Former []string `json:"x-aliases"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(p.Schema, &schema); err != nil {
		return nil, fmt.Errorf("%s: the schema of its options: %w", p.Path, err)
	}
	s := &side{program: p, env: env, options: map[string]option{}}
	for name, o := range schema.Properties {
		kind, _ := o.Type.(string)
		is := option{name: name, class: class(name, o.Change, o.Shared), kind: kind, env: o.Env, envs: []string{o.Env}, secret: o.Secret}
		for _, former := range o.Former {
			is.envs = append(is.envs, strings.TrimSuffix(o.Env, variable(name))+variable(former))
		}
		for _, other := range append(o.Former, name) { // by whichever name it comes, it is the same option
			s.options[other] = is
		}
	}
	return s, nil
}

// variable is what the name of an environment variable ends in that sets an option.
func variable(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// fix gives flags to the connectors that have them; each flag must have one that does. Connectors get usual options where no
// flag says otherwise.
func fix(sides []*side, flags []string, usual map[string]any) error {
	kinds := map[string]string{}
	for _, s := range sides {
		for name, o := range s.options {
			kinds[name] = o.kind
		}
	}
	for _, s := range sides {
		all, err := s.program.FromFlags(flags, kinds)
		if err != nil {
			return err
		}
		s.fixed = map[string]any{}
		for name, value := range usual {
			if s.program.Offers(name) {
				s.fixed[name] = value
			}
		}
		for name, value := range all {
			if _, known := kinds[name]; !known {
				return fmt.Errorf("no connector here has a flag --%s", name)
			}
			if s.program.Offers(name) {
				s.fixed[name] = value
			}
		}
	}
	return nil
}

// class is the lifecycle class of an option: the one that the connector gives, else static for the flags that all connectors
// share and stream for its own. Transforms belong to the records of a stream, although the flags are shared.
func class(name, given string, shared bool) string {
	switch {
	case given != "":
		return given
	case shared && name != "map" && name != "filter" && name != "arraymap":
		return static
	}
	return streamClass
}

// resolve returns the options of a stream. The error is a *connector.Refused that lists what came by the wrong way; what is
// no option at all is left for the connector to find.
func (s *side) resolve(stream, config map[string]any) (map[string]any, error) {
	options := s.now(s.fixed)
	stream, config = s.now(stream), s.now(config)
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(stream)) {
		switch o := s.options[name]; o.class {
		case static:
			problems = append(problems, fmt.Sprintf("%s: this option is set when the connector is installed, by the environment "+
				"variable %s, and not for a stream", connector.OneLine(name), o.env))
		case configClass:
			problems = append(problems, fmt.Sprintf("%s: this option is set by the config, for all streams, and not for one",
				connector.OneLine(name)))
		default:
			options[name] = stream[name]
		}
	}
	if problems != nil {
		return nil, &connector.Refused{Problems: problems}
	}
	for name, value := range config {
		if s.options[name].class == configClass {
			options[name] = value
		}
	}
	return options, nil
}

// now returns options by the names that they have now. Of one that is given by several, each is left for the connector to refuse.
func (s *side) now(given map[string]any) map[string]any {
	options := maps.Clone(given)
	for _, former := range slices.Sorted(maps.Keys(given)) {
		if name := s.options[former].name; name != "" && name != former {
			if _, both := options[name]; !both {
				delete(options, former)
				options[name] = given[former]
			}
		}
	}
	return options
}

// environment is that of a child with these options. Variables that set one of them would prevail, so they are left out.
func (s *side) environment(options map[string]any) []string {
	drop := map[string]bool{}
	for name := range options {
		for _, variable := range s.options[name].envs {
			drop[variable] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(s.env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return drop[name]
	})
}

// plain returns metadata with its keys spelt as flags, without those that hold null, which stands for "not set".
func plain(metadata map[string]any) map[string]any {
	options := map[string]any{}
	for key, value := range metadata {
		if value != nil {
			options[flagName(key)] = value
		}
	}
	return options
}

// flagName spells a key as a flag: hyphens and underscores are the same.
func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }
