package options

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/patchbay-dev/patchbay/common/config"
)

// A Line is a parsed command line.
type Line struct {
	Command []string            // the subcommand's words, such as "completion bash"; empty for none
	Given   map[string][]string // what each flag was given, in order; includes flags that are no options
	Order   []Occurrence        // the same in the order of the command line
	Renamed []string            // the old spellings that stood there and those of today, each as in "--a is now --b"
	Partial bool                // what is wrong with the line kept the parser from reading all of it
}

// Flag returns the last value of a flag, or "".
func (l *Line) Flag(name string) string {
	if texts := l.Given[name]; len(texts) > 0 {
		return texts[len(texts)-1]
	}
	return ""
}

// Args parses a command line, without reading anything else. It reports every unknown flag, then what else is wrong.
func (m *Model) Args(args []string) (*Line, []*Problem) {
	modern := m.modernize(args)
	problems := modern.problems
	*m.seen = nil
	ctx, err := kong.Trace(m.kong, modern.line)
	line := &Line{Given: map[string][]string{}, Renamed: modern.renamed}
	if err == nil {
		err = ctx.Error
	}
	if err != nil {
		line.Partial = true
		problems = append(problems, m.explain(err))
	} else {
		for _, p := range ctx.Path {
			if p.Command != nil {
				line.Command = append(line.Command, p.Command.Name)
			}
		}
	}
	line.Order = *m.seen
	for _, o := range line.Order {
		line.Given[o.Name] = append(line.Given[o.Name], o.Text)
	}
	return line, problems
}

// explain puts the parser's error in words that quote nothing: a stray word may be the rest of a secret with a space in it.
func (m *Model) explain(err error) *Problem {
	text, _, _ := strings.Cut(strings.TrimSpace(err.Error()), ", did you mean") // a guess that is seldom right
	p := &Problem{Message: text, Fix: "see " + m.config.Name + " --help"}
	if word, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		p.Message = "there is a word that is neither a command nor the value of a flag (put a value with spaces in quotes)"
		var commands []string
		for _, n := range m.kong.Model.Children {
			commands = append(commands, n.Name)
		}
		if near := config.Nearest(word, commands); near != "" {
			p.Fix = "did you mean the command " + near + "?"
		}
	}
	return p
}

func (m *Model) unknown(name string) *Problem {
	p := &Problem{Message: fmt.Sprintf("unknown flag --%s", name), Fix: "see " + m.config.Name + " --help"}
	if near := config.Nearest(name, m.names()); near != "" {
		p.Fix = fmt.Sprintf("did you mean --%s?", near)
	}
	return p
}

func (m *Model) isCommand(word string) bool {
	return slices.ContainsFunc(m.kong.Model.Children, func(n *kong.Node) bool { return n.Name == word })
}

func collect(n *kong.Node, flags map[string]*kong.Flag) {
	for _, f := range n.Flags {
		flags[f.Name] = f
	}
	for _, child := range n.Children {
		collect(child, flags)
	}
}
