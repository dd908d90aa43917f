package options

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// WriteHelp prints the usage of a command, or of the whole program where command is empty: flags in groups, each with its
// default, its allowed values and its environment variable.
func (m *Model) WriteHelp(w io.Writer, command []string) error {
	ctx, err := kong.Trace(m.kong, command)
	if err != nil {
		return err
	}
	usage := "[command]"
	if len(command) > 0 {
		usage = strings.Join(command, " ")
	}
	if _, err := fmt.Fprintf(w, "Usage: %s %s [flags]\n", m.config.Name, usage); err != nil {
		return err
	}
	m.kong.Stdout = w
	return ctx.PrintUsage(false)
}

// describe completes the help of a flag with what its option says beside it.
func (m *Model) describe(v *kong.Value) string {
	var facts []string
	o := m.Option(v.Name)
	if o == nil {
		return v.Help
	}
	if o.Deprecation != nil {
		facts = append(facts, deprecatedWords(o.Deprecation))
	}
	if o.Required {
		facts = append(facts, "required")
	}
	if o.defaultStr != "" {
		facts = append(facts, "default "+o.defaultStr)
	}
	if len(o.Enum) > 0 {
		facts = append(facts, "one of "+strings.Join(o.Enum, ", "))
	}
	return fmt.Sprintf("%s [%s]", v.Help, strings.Join(append(facts, "$"+o.Env), "; "))
}
