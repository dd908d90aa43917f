package publish

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// OptionTable writes a connector's options as Markdown: its own in a table for each group, the shared ones folded.
func OptionTable(schema options.Schema) []byte {
	shown := schema.Visible()
	var own, shared bytes.Buffer
	for _, group := range groups(shown) {
		for _, part := range []struct {
			out    *bytes.Buffer
			shared bool
		}{{&own, false}, {&shared, true}} {
			writeGroup(part.out, group, part.shared, shown)
		}
	}
	fmt.Fprintf(&own, "Each option is a flag, an environment variable and a key of the config file.\n")
	if shared.Len() > 0 {
		fmt.Fprintf(&own, "\n<details>\n<summary>Options that every connector has</summary>\n\n%s</details>\n", shared.String())
	}
	return own.Bytes()
}

// groups lists the headings in order of appearance.
func groups(shown []options.Option) []string {
	var names []string
	seen := map[string]bool{}
	for _, o := range shown {
		if !seen[o.Group] {
			seen[o.Group] = true
			names = append(names, o.Group)
		}
	}
	return names
}

// writeGroup writes the table of one group, if it has an option of the kind.
func writeGroup(out *bytes.Buffer, group string, shared bool, shown []options.Option) {
	started := false
	for _, o := range shown {
		if o.Group != group || o.Shared != shared {
			continue
		}
		if !started {
			if group != "" {
				fmt.Fprintf(out, "**%s**\n\n", cell(group))
			}
			out.WriteString("| Flag | Value | Default | Meaning | Environment |\n|---|---|---|---|---|\n")
			started = true
		}
		fmt.Fprintf(out, "| `--%s` | %s | %s | %s | `%s` |\n", o.Name, values(o), defaultText(o), meaning(o), o.Env)
	}
	if started {
		out.WriteByte('\n')
	}
}

// meaning tells what an option does, after whether it goes.
func meaning(o options.Option) string {
	if words := o.DeprecatedWords(func(flag string) string { return "`" + flag + "`" }); words != "" {
		return "**Deprecated**, " + cell(words+" "+o.Description) + formerly(o)
	}
	return cell(o.Description) + formerly(o)
}

// formerly tells which names an option had.
func formerly(o options.Option) string {
	if len(o.Aliases) == 0 {
		return ""
	}
	names := make([]string, len(o.Aliases))
	for i, name := range o.Aliases {
		names[i] = code("--" + name)
	}
	return " Formerly " + strings.Join(names, ", ") + "."
}

// values tells which values an option takes.
func values(o options.Option) string {
	if len(o.Enum) > 0 {
		var words []string
		for _, v := range o.Enum {
			words = append(words, code(cmp.Or(options.Plain(v), string(v))))
		}
		return strings.Join(words, ", ")
	}
	if o.Secret {
		return "secret"
	}
	kind := cmp.Or(o.Kind, o.Type.First())
	switch kind {
	case "string":
		kind = "text"
	case "array":
		kind = "list"
	case "object":
		kind = "map"
	}
	return cell(kind)
}

// defaultText tells what holds where nothing is said.
func defaultText(o options.Option) string {
	if o.Required {
		return "required"
	}
	if text := options.Plain(o.Default); text != "" && !o.Secret {
		return code(text)
	}
	return ""
}

// plain is text on one line that holds no markup, and visible is text whose line ends can be seen.
var (
	plain   = strings.NewReplacer("\n", " ", "\t", " ", "<", "&lt;", ">", "&gt;")
	visible = strings.NewReplacer("\n", `\n`, "\t", `\t`)
)

// cell makes text safe for one cell of a Markdown table.
func cell(s string) string { return bars(plain.Replace(s)) }

// bar finds a bar with the backslashes before it.
var bar = regexp.MustCompile(`\\*\|`)

// bars escapes each bar, and each backslash before one, which would take its escape away.
func bars(s string) string {
	return bar.ReplaceAllStringFunc(s, func(found string) string {
		return strings.Repeat(`\`, 2*len(found)-1) + "|"
	})
}

// code sets text as code in a cell, whatever it holds: the fence is longer than any run of backticks inside.
func code(s string) string {
	s = bars(visible.Replace(s))
	if !strings.Contains(s, "`") {
		return "`" + s + "`"
	}
	fence := "``"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + " " + s + " " + fence
}

// addTable writes the table of connectors into the repository's README, if it has a place for it.
func (m *made) addTable(text []byte, index metadata.Index) error {
	if !bytes.Contains(text, []byte("<!-- "+readme.Connectors+":")) {
		return nil
	}
	var table bytes.Buffer
	table.WriteString("| Connector | Version | Stability | What it does |\n|---|---|---|---|\n")
	for _, e := range index.Connectors {
		fmt.Fprintf(&table, "| [%s](%s) | %s | %s | %s |\n", e.Name, e.Path, e.Version, e.Stability, cell(e.Description))
	}
	out, err := readme.Replace(text, readme.Connectors, table.Bytes())
	if err != nil {
		return err
	}
	m.readme("README.md", out)
	return nil
}
