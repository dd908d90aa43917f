package options

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// A Spelling is how the users of another program write a flag of this one.
type Spelling struct {
	Name string // of our flag
	// Read turns their value into ours; nil where both are the same. A problem leaves the flag out.
	Read func(value string) (string, *Problem)
}

// A modernizing is a command line on its way to the parser: what nobody knows is taken out, and what is spelt as it once was, or
// as others do, is spelt as it is today.
type modernizing struct {
	*Model
	flags    map[string]*kong.Flag
	rest     []string            // words that are still to be read
	line     []string            // for the parser
	renamed  []string            // what was spelt anew, in words
	names    map[string][]string // the flags by which options were given that have former names, by present name
	problems []*Problem
}

// modernize takes the flags out that do not exist, together with what looks like their values, and reports each. Old spellings
// are replaced.
func (m *Model) modernize(args []string) *modernizing {
	z := &modernizing{Model: m, flags: map[string]*kong.Flag{}, rest: args, names: map[string][]string{}}
	collect(m.kong.Model.Node, z.flags)
	for len(z.rest) > 0 {
		word := z.next()
		name, isFlag := strings.CutPrefix(word, "--")
		if !isFlag {
			z.line = append(z.line, word)
			continue
		}
		if name == "" { // "--" ends the flags
			z.line = append(append(z.line, word), z.rest...)
			break
		}
		name, value, hasValue := strings.Cut(name, "=")
		switch f, old := z.flags[name], z.spelling(name); {
		case f != nil:
			z.given(m.Option(name), name)
			z.line = append(z.line, word)
			if !hasValue && takesNext(f) && len(z.rest) > 0 { // a value may look like a flag
				z.line = append(z.line, z.next())
			}
		case old.Name != "":
			z.replace(name, old, value, hasValue)
		default:
			z.problems = append(z.problems, m.unknown(name))
			if !hasValue && len(z.rest) > 0 && !strings.HasPrefix(z.rest[0], "-") && !m.isCommand(z.rest[0]) {
				z.next()
			}
		}
	}
	for _, o := range m.Options {
		if names := z.names[o.Name]; len(names) > 1 {
			z.problems = append(z.problems, &Problem{Message: namesOfOne(names), Fix: "keep --" + o.Name})
		}
	}
	return z
}

// next takes the next word.
func (z *modernizing) next() string {
	word := z.rest[0]
	z.rest = z.rest[1:]
	return word
}

// spelling returns what an old spelling stands for; the zero value if it is none. A former name of an option comes first.
func (z *modernizing) spelling(name string) Spelling {
	if o := z.former[name]; o != nil {
		return Spelling{Name: o.Name}
	}
	return z.config.Spellings[name]
}

// replace writes a flag, and its value, in the spelling of today.
func (z *modernizing) replace(name string, s Spelling, value string, hasValue bool) {
	z.given(z.former[name], name)
	if told := fmt.Sprintf("--%s is now --%s", name, s.Name); !slices.Contains(z.renamed, told) {
		z.renamed = append(z.renamed, told)
	}
	if !hasValue && takesNext(z.flags[s.Name]) && len(z.rest) > 0 {
		value, hasValue = z.next(), true
	}
	if !hasValue { // if one is missing, the parser says so
		z.line = append(z.line, "--"+s.Name)
		return
	}
	if s.Read != nil {
		ours, problem := s.Read(value)
		if problem != nil {
			z.problems = append(z.problems, problem)
			return
		}
		value = ours
	}
	z.line = append(z.line, "--"+s.Name+"="+value)
}

// given notes by which flag an option was given that has former names.
func (z *modernizing) given(o *Option, name string) {
	if o != nil && len(o.Former) > 0 && !slices.Contains(z.names[o.Name], "--"+name) {
		z.names[o.Name] = append(z.names[o.Name], "--"+name)
	}
}

// takesNext reports whether the word behind a flag is its value.
func takesNext(f *kong.Flag) bool { return !f.Mapper.(recorder).IsBool() }
