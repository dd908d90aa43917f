package options

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Shells lists the shells that WriteCompletion knows.
var Shells = []string{"bash", "zsh", "fish"}

// word is something that may be completed: a flag or a command, with what may follow it if that is known.
type word struct {
	name, help string
	takesValue bool
	values     []string // of a flag, or the commands below a command
}

// WriteCompletion prints a completion script for the shell. For a shell that it does not know the error is a *Problem, which
// names those there are.
func (m *Model) WriteCompletion(w io.Writer, shell string) error {
	flags, commands := m.words()
	name := m.config.Name
	function := "_" + strings.ReplaceAll(name, "-", "_")
	var b strings.Builder
	switch shell {
	case "bash":
		fmt.Fprintf(&b, "%s() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n", function)
		// Bash takes --flag=value for three words.
		b.WriteString("  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n")
		b.WriteString("  case $before in\n")
		var open []string // flags with a value that only the user knows, which is left to bash: it may be a file
		for _, f := range flags {
			switch {
			case len(f.values) > 0:
				fmt.Fprintf(&b, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", f.name, strings.Join(f.values, " "))
			case f.takesValue:
				open = append(open, "--"+f.name)
			}
		}
		for _, c := range commands {
			if len(c.values) > 0 {
				fmt.Fprintf(&b, "    %s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", c.name, strings.Join(c.values, " "))
			}
		}
		fmt.Fprintf(&b, "    completion) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", strings.Join(Shells, " "))
		if len(open) > 0 {
			fmt.Fprintf(&b, "    %s) COMPREPLY=(); return ;;\n", strings.Join(open, "|"))
		}
		fmt.Fprintf(&b, "  esac\n  COMPREPLY=($(compgen -W '%s %s' -- \"$word\"))\n}\n", joined(flags, "--"), joined(commands, ""))
		fmt.Fprintf(&b, "complete -o default -F %s %s\n", function, name)
	case "zsh":
		fmt.Fprintf(&b, "#compdef %s\n_arguments -s \\\n", name)
		for _, f := range flags {
			value := ""
			switch {
			case len(f.values) > 0:
				value = fmt.Sprintf(":%s:(%s)", f.name, strings.Join(f.values, " "))
			case f.takesValue:
				value = ":" + f.name + ":_files"
			}
			fmt.Fprintf(&b, "  '*--%s[%s]%s' \\\n", f.name, zshEscape(f.help), value)
		}
		fmt.Fprintf(&b, "  '1::command:(%s)' \\\n", joined(commands, ""))
		for _, c := range commands {
			if len(c.values) > 0 {
				fmt.Fprintf(&b, "  '2::%s:(%s)' \\\n", c.name, strings.Join(c.values, " "))
			}
		}
		b.WriteString("  '*::file:_files'\n")
	case "fish":
		for _, f := range flags {
			fmt.Fprintf(&b, "complete -c %s -l %s -d '%s'", name, f.name, fishEscape(f.help))
			switch {
			case len(f.values) > 0:
				fmt.Fprintf(&b, " -x -a '%s'", strings.Join(f.values, " "))
			case f.takesValue:
				b.WriteString(" -r")
			}
			b.WriteByte('\n')
		}
		for _, c := range commands {
			fmt.Fprintf(&b, "complete -c %s -n __fish_use_subcommand -a %s -d '%s'\n", name, c.name, fishEscape(c.help))
			if len(c.values) > 0 {
				fmt.Fprintf(&b, "complete -c %s -n '__fish_seen_subcommand_from %s' -a '%s'\n", name, c.name, strings.Join(c.values, " "))
			}
		}
	default:
		return &Problem{Message: fmt.Sprintf("no completion for %q: choose one of %s", shell, strings.Join(Shells, ", "))}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// words lists the flags, those of commands included, and the commands.
func (m *Model) words() (flags, commands []word) {
	for _, o := range m.Options {
		if !o.Hidden {
			flags = append(flags, word{o.Name, o.Help, !o.IsBool(), o.Enum})
		}
	}
	var rest []word
	add := func(f *kong.Flag) {
		rest = append(rest, word{name: f.Name, help: f.Help, takesValue: !f.Mapper.(recorder).IsBool()})
	}
	for _, f := range m.control {
		add(f)
	}
	for _, n := range m.kong.Model.Children {
		command := word{name: n.Name, help: n.Help}
		for _, below := range n.Children {
			command.values = append(command.values, below.Name)
		}
		commands = append(commands, command)
		for _, f := range n.Flags {
			add(f)
		}
	}
	slices.SortFunc(rest, func(a, b word) int { return strings.Compare(a.name, b.name) })
	return append(flags, rest...), commands
}

func joined(words []word, prefix string) string {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = prefix + w.name
	}
	return strings.Join(names, " ")
}

func zshEscape(s string) string {
	return strings.NewReplacer("'", "’", "[", "(", "]", ")", ":", " -").Replace(s)
}

func fishEscape(s string) string { return strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) }

// Commands lists the program's commands with their help, in the order of the struct.
func (m *Model) Commands() [][2]string {
	var out [][2]string
	var walk func(prefix string, nodes []*kong.Node)
	walk = func(prefix string, nodes []*kong.Node) {
		for _, n := range nodes {
			if len(n.Children) == 0 {
				out = append(out, [2]string{prefix + n.Name, n.Help})
			}
			walk(prefix+n.Name+" ", n.Children)
		}
	}
	walk("", m.kong.Model.Children)
	return out
}
