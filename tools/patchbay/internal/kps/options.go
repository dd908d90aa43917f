package kps

import (
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

// transforms are the shared flags that a stream may have of its own.
var transforms = []string{"map", "filter", "arraymap", "param", "initial"}

// A side is the connector of one direction.
type side struct {
	program *connector.Program
	env     []string       // its environment
	fixed   map[string]any // options from the command line, for whatever it runs
}

// newSide is of a program that says enough of itself; env is its environment.
func newSide(p *connector.Program, env []string) (*side, error) {
	if p.Direction != metadata.Source && p.Direction != metadata.Sink || p.Options == nil {
		return nil, fmt.Errorf("%s does not say whether it is a source or a sink, nor what its options are: "+
			"its command metadata must print that", p.Path)
	}
	return &side{program: p, env: env}, nil
}

// variables are the environment variables that set an option, by whichever of its names.
func variables(o connector.Option) []string {
	word := func(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
	all := []string{o.Env}
	for _, former := range o.Former {
		all = append(all, strings.TrimSuffix(o.Env, word(o.Name))+word(former))
	}
	return all
}

// fix gives flags to the connectors that have them; each flag must have one that does. Connectors get usual options where no
// flag says otherwise.
func fix(sides []*side, flags []string, usual map[string]any) error {
	kinds := map[string]string{}
	for _, s := range sides {
		for name, o := range s.program.Options {
			kinds[name] = string(o.Type)
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
func class(o connector.Option) string {
	switch {
	case o.Change != "":
		return o.Change
	case o.Shared && !slices.Contains(transforms, o.Name):
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
		switch o := s.program.Options[name]; class(o) {
		case static:
			problems = append(problems, fmt.Sprintf("%s: this option is set when the connector is installed, by the environment "+
				"variable %s, and not for a stream", connector.OneLine(name), o.Env))
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
		if class(s.program.Options[name]) == configClass {
			options[name] = value
		}
	}
	return options, nil
}

// now returns options by the names that they have now. Of one that is given by several, each is left for the connector to refuse.
func (s *side) now(given map[string]any) map[string]any {
	options := maps.Clone(given)
	for _, former := range slices.Sorted(maps.Keys(given)) {
		if name := s.program.Options[former].Name; name != "" && name != former {
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
		for _, variable := range variables(s.program.Options[name]) {
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
