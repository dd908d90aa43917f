package options

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
)

// A Setting is the value of one option with the place it came from.
type Setting struct {
	Value  any // JSON form
	Origin Origin
}

// Settings holds the options that have a value, by name.
type Settings map[string]Setting

// Inputs are the places that values are taken from, besides the defaults.
type Inputs struct {
	Line      *Line                            // nil for none
	LookupEnv func(name string) (string, bool) // nil for none; an empty variable counts as unset
	File      map[string]config.Value          // by option name; nil for none. One whose Any is nil was refused before
	FilePath  string
	// Unread says that there is a file that could not be read. What is required may stand there, or in the part of the
	// command line that could not be read, and is not missed then.
	Unread bool
}

// Resolve takes each option's value from the place of the highest precedence: flag, environment, file, default. It checks
// every value and everything between values, and reports all problems. Nothing outside the inputs is read.
func (m *Model) Resolve(in Inputs) (Settings, []*Problem) {
	settings := Settings{}
	var former map[string]string
	var problems []*Problem
	in.File, former, problems = byName(m, in.File, func(v config.Value) Origin { return Origin{Kind: FromFile, Name: in.FilePath, Line: v.Line} })
	for _, o := range m.Options {
		if in.File[o.Name].Redact { // then no message may quote the value
			discreet := *o
			discreet.Secret = true
			o = &discreet
		}
		s, err := o.resolve(in)
		if err == nil && s.Value != nil && s.Origin.Kind != FromDefault { // defaults are checked by Verify
			err = o.Check(s.Value)
		}
		if s.Origin.Kind == FromFile {
			s.Origin.Former = former[o.Name]
		}
		if err != nil {
			problems = append(problems, &Problem{Option: o.Name, Origin: s.Origin, Message: err.Error()})
			s.Value = nil
		}
		if s.Value != nil || s.Origin.Kind != FromDefault { // what is given wrong is given
			settings[o.Name] = s
		}
	}
	for key, v := range in.File {
		if m.Option(key) == nil {
			problems = append(problems, m.unknownKey(key, Origin{Kind: FromFile, Name: in.FilePath, Line: v.Line}))
		}
	}
	slices.SortStableFunc(problems, func(a, b *Problem) int { return a.Origin.Line - b.Origin.Line })
	problems = append(problems, m.between(settings, in.Unread || in.Line != nil && in.Line.Partial)...)
	for name, s := range settings {
		if s.Value == nil {
			delete(settings, name)
		}
	}
	return settings, problems
}

// Given returns what a command line gives, in JSON form. It reports what is no value at all, and does not check more: an
// example's values are checked against the schema by the catalog.
func (m *Model) Given(line *Line) (map[string]any, []*Problem) {
	given := map[string]any{}
	var problems []*Problem
	for _, o := range m.Options {
		texts := line.Given[o.Name]
		if len(texts) == 0 {
			continue
		}
		value, err := o.fromTexts(texts)
		if err != nil {
			problems = append(problems, &Problem{Option: o.Name, Origin: Origin{Kind: FromFlag}, Message: err.Error()})
			continue
		}
		given[o.Name] = value
	}
	return given, problems
}

func (o *Option) resolve(in Inputs) (s Setting, err error) {
	if in.Line != nil {
		if texts := in.Line.Given[o.Name]; len(texts) > 0 {
			s.Origin = Origin{Kind: FromFlag}
			s.Value, err = o.fromTexts(texts)
			return s, err
		}
	}
	if in.LookupEnv != nil {
		text, name, err := o.inEnv(in.LookupEnv)
		if name != "" {
			s.Origin = Origin{Kind: FromEnv, Name: o.variable(name)}
			if name != o.Name {
				s.Origin.Former = name
			}
			if err == nil {
				s.Value, err = o.fromTexts([]string{text})
			}
			return s, err
		}
	}
	if v, ok := in.File[o.Name]; ok {
		s.Origin = Origin{Kind: FromFile, Name: in.FilePath, Line: v.Line}
		s.Value = v.Any
		if text, isText := v.Any.(string); isText && v.Reference {
			s.Value, err = o.fromTexts([]string{text})
		}
		return s, err
	}
	return Setting{o.Default, Origin{Kind: FromDefault}}, nil
}

// Check reports what is wrong with a value in its JSON form: it decodes the value only to see whether that works.
func (o *Option) Check(v any) error {
	if list, ok := v.([]any); ok && o.Kind == Array && len(list) == 0 && !o.Required {
		return nil
	}
	return o.store(reflect.New(o.goType).Elem(), v)
}

// Document checks one document of flat options, as validate --batch reads them. It reports what the schema would refuse.
func (m *Model) Document(doc map[string]any) (Settings, []*Problem) {
	settings := Settings{}
	doc, former, problems := byName(m, doc, func(any) Origin { return Origin{Kind: FromDocument} })
	for _, o := range m.Options {
		v, given := doc[o.Name]
		if !given {
			if o.Default != nil {
				settings[o.Name] = Setting{o.Default, Origin{Kind: FromDefault}}
			}
			continue
		}
		settings[o.Name] = Setting{v, Origin{Kind: FromDocument, Former: former[o.Name]}}
		if err := o.Check(v); err != nil {
			problems = append(problems, &Problem{Option: o.Name, Origin: Origin{Kind: FromDocument}, Message: err.Error()})
		}
	}
	for key := range doc {
		if m.Option(key) == nil {
			problems = append(problems, m.unknownKey(key, Origin{Kind: FromDocument}))
		}
	}
	slices.SortStableFunc(problems, func(a, b *Problem) int { return strings.Compare(a.Option+a.Message, b.Option+b.Message) })
	return settings, append(problems, m.between(settings, false)...)
}

// between checks what concerns more than one option, and what must be given unless there may be more than was read. A
// default does not count as given.
func (m *Model) between(settings Settings, unread bool) (problems []*Problem) {
	given := func(name string) bool {
		s, ok := settings[name]
		return ok && s.Origin.Kind != FromDefault
	}
	groups := map[string][]string{}
	var order []string
	for _, o := range m.Options {
		if _, ok := settings[o.Name]; o.Required && !ok && !unread {
			problems = append(problems, &Problem{Option: o.Name, Message: "is required", Fix: m.howToGive(o)})
		}
		for _, g := range o.XOR {
			if given(o.Name) {
				groups[g] = append(groups[g], "--"+o.Name)
			}
			if !slices.Contains(order, g) {
				order = append(order, g)
			}
		}
		for _, g := range o.AND {
			if !given(o.Name) {
				continue
			}
			for _, other := range m.Options {
				if slices.Contains(other.AND, g) && !given(other.Name) {
					problems = append(problems, &Problem{Option: o.Name, Message: "needs --" + other.Name + " too"})
				}
			}
		}
	}
	for _, g := range order {
		if len(groups[g]) > 1 {
			problems = append(problems, &Problem{Message: strings.Join(groups[g], " and ") + " exclude each other", Fix: "give one of them"})
		}
	}
	return problems
}

func (m *Model) howToGive(o *Option) string {
	placeholder := o.Placeholder
	if placeholder == "" {
		placeholder = strings.ToUpper(o.Name)
	}
	if o.Secret {
		return fmt.Sprintf("set %s, or secrets.%s in the config file", o.Env, o.Name)
	}
	return fmt.Sprintf("give --%s %s, set %s, or write %s in the config file", o.Name, placeholder, o.Env, o.Name)
}

func (m *Model) unknownKey(key string, at Origin) *Problem {
	p := &Problem{Origin: at, Message: fmt.Sprintf("unknown option %q", key), Fix: "see " + m.config.Name + " --help"}
	var names []string
	for _, o := range m.Options {
		names = append(names, o.Name)
	}
	if near := config.Nearest(key, names); near != "" {
		p.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return p
}

// Bind stores checked settings in the structs that the model was made from.
func (m *Model) Bind(settings Settings) error {
	for _, o := range m.Options {
		s, ok := settings[o.Name]
		if !ok {
			o.target.SetZero()
			continue
		}
		if err := o.store(o.target, s.Value); err != nil {
			return fmt.Errorf("--%s: %w", o.Name, err)
		}
	}
	return nil
}
