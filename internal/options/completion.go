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

// word is something that may be completed: a flag or a command, with its values if they are known.
type word struct {
	name, help string
	values     []string
}

// WriteCompletion prints a completion script for the shell, or returns an error that names the shells there are.
func (m *Model) WriteCompletion(w io.Writer, shell string) error {
	flags, commands := m.words()
	name := m.config.Name
	function := "_" + strings.ReplaceAll(name, "-", "_")
	var b strings.Builder
	switch shell {
	case "bash":
		fmt.Fprintf(&b, "%s() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n  case $before in\n", function)
		for _, f := range flags {
			if len(f.values) > 0 {
				fmt.Fprintf(&b, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", f.name, strings.Join(f.values, " "))
			}
		}
		fmt.Fprintf(&b, "  esac\n  COMPREPLY=($(compgen -W '%s %s' -- \"$word\"))\n}\n", joined(flags, "--"), joined(commands, ""))
		fmt.Fprintf(&b, "complete -o default -F %s %s\n", function, name)
	case "zsh":
		fmt.Fprintf(&b, "#compdef %s\n_arguments -s \\\n", name)
		for _, f := range flags {
			value := ""
			if f.values != nil {
				value = fmt.Sprintf(":%s:(%s)", f.name, strings.Join(f.values, " "))
			}
			fmt.Fprintf(&b, "  '*--%s[%s]%s' \\\n", f.name, zshEscape(f.help), value)
		}
		fmt.Fprintf(&b, "  '1::command:(%s)' \\\n  '*::file:_files'\n", joined(commands, ""))
	case "fish":
		for _, f := range flags {
			fmt.Fprintf(&b, "complete -c %s -l %s -d '%s'", name, f.name, fishEscape(f.help))
			if f.values != nil {
				fmt.Fprintf(&b, " -x -a '%s'", strings.Join(f.values, " "))
			}
			b.WriteByte('\n')
		}
		for _, c := range commands {
			fmt.Fprintf(&b, "complete -c %s -n __fish_use_subcommand -a %s -d '%s'\n", name, c.name, fishEscape(c.help))
		}
	default:
		return fmt.Errorf("no completion for %q: choose one of %s", shell, strings.Join(Shells, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// words lists the flags and the commands. The values of a flag are nil where it takes none or any.
func (m *Model) words() (flags, commands []word) {
	for _, o := range m.Options {
		if !o.Hidden {
			flags = append(flags, word{o.Name, o.Help, o.Enum})
		}
	}
	var rest []word
	for name, f := range m.control {
		rest = append(rest, word{name: name, help: f.Help})
	}
	slices.SortFunc(rest, func(a, b word) int { return strings.Compare(a.name, b.name) })
	for _, n := range m.kong.Model.Children {
		commands = append(commands, word{name: n.Name, help: n.Help})
	}
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
