package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// An Option is what people are told of an option.
type Option struct {
	Name        string          `json:"-"`
	Type        json.RawMessage `json:"type"`
	Kind        string          `json:"x-type"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	Enum        []any           `json:"enum"`
	WriteOnly   bool            `json:"writeOnly"`
	Env         string          `json:"x-env"`
	Group       string          `json:"x-group"`
	Shared      bool            `json:"x-shared"`
	Hidden      bool            `json:"x-hidden"`
	Required    bool            `json:"-"`
}

// OptionTable writes a connector's options as Markdown: its own in a table for each group, the shared ones folded.
func OptionTable(doc metadata.Document) ([]byte, error) {
	options, err := readOptions(doc.Schema)
	if err != nil {
		return nil, err
	}
	var own, shared bytes.Buffer
	for _, group := range groups(options) {
		for _, part := range []struct {
			out    *bytes.Buffer
			shared bool
		}{{&own, false}, {&shared, true}} {
			writeGroup(part.out, group, part.shared, options)
		}
	}
	fmt.Fprintf(&own, "Each option is a flag, an environment variable and a key of the config file.\n")
	if shared.Len() > 0 {
		fmt.Fprintf(&own, "\n<details>\n<summary>Options that every connector has</summary>\n\n%s</details>\n", shared.String())
	}
	return own.Bytes(), nil
}

// readOptions decodes the properties in the order in which the connector printed them, which is the order of its help.
func readOptions(schema json.RawMessage) ([]Option, error) {
	var flat struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	if err := json.Unmarshal(schema, &flat); err != nil {
		return nil, err
	}
	required := map[string]bool{}
	for _, name := range flat.Required {
		required[name] = true
	}
	d := json.NewDecoder(bytes.NewReader(flat.Properties))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var options []Option
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var o Option
		if err := d.Decode(&o); err != nil {
			return nil, fmt.Errorf("option %v: %w", key, err)
		}
		o.Name = key.(string)
		o.Required = required[o.Name]
		if !o.Hidden {
			options = append(options, o)
		}
	}
	return options, nil
}

// groups lists the headings in order of appearance.
func groups(options []Option) []string {
	var names []string
	seen := map[string]bool{}
	for _, o := range options {
		if !seen[o.Group] {
			seen[o.Group] = true
			names = append(names, o.Group)
		}
	}
	return names
}

// writeGroup writes the table of one group, if it has an option of the kind.
func writeGroup(out *bytes.Buffer, group string, shared bool, options []Option) {
	started := false
	for _, o := range options {
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
		fmt.Fprintf(out, "| `--%s` | %s | %s | %s | `%s` |\n", o.Name, o.value(), o.defaultText(), cell(o.Description), o.Env)
	}
	if started {
		out.WriteByte('\n')
	}
}

// value tells which values the option takes.
func (o Option) value() string {
	if len(o.Enum) > 0 {
		var words []string
		for _, v := range o.Enum {
			words = append(words, code(fmt.Sprint(v)))
		}
		return strings.Join(words, ", ")
	}
	kind := o.Kind
	if kind == "" {
		kind = strings.Trim(string(o.Type), `"`)
	}
	switch kind {
	case "string":
		kind = "text"
	case "array":
		kind = "list"
	case "object":
		kind = "map"
	}
	if o.WriteOnly {
		return "secret"
	}
	return cell(kind)
}

// defaultText tells what holds where nothing is said.
func (o Option) defaultText() string {
	switch {
	case o.Required:
		return "required"
	case len(o.Default) == 0:
		return ""
	}
	var text string
	if json.Unmarshal(o.Default, &text) == nil {
		if text == "" {
			return ""
		}
		return code(text)
	}
	return code(string(o.Default))
}

// cell makes text safe for one cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ", "|", `\|`, "<", "&lt;", ">", "&gt;").Replace(s)
}

// code sets text as code in a cell, whatever it holds.
func code(s string) string {
	s = strings.NewReplacer("\n", `\n`, "\t", `\t`, "|", `\|`).Replace(s)
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

// addReadme writes the table of connectors into the repository's README, if it has a place for it.
func (files Files) addReadme(text []byte, index metadata.Index) error {
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
	files.Readmes["README.md"] = out
	return nil
}
