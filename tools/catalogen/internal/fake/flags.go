package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// file reads a config file into flat options.
func (c connector) file(path string) map[string]any {
	text, err := os.ReadFile(path)
	if err != nil {
		return map[string]any{"": err.Error()} // which no schema accepts
	}
	var file struct {
		Name, Topic         any
		Parameters, Secrets map[string]any
		Transforms          []map[string]any
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return map[string]any{"": err.Error()}
	}
	_, _, properties := c.document()
	flat := map[string]any{}
	for _, part := range []map[string]any{file.Parameters, file.Secrets} {
		for key, value := range part {
			name := strings.ReplaceAll(key, "_", "-")
			c.nearest(name, properties)
			flat[name] = value
		}
	}
	for _, step := range file.Transforms {
		for kind, value := range step {
			list, _ := flat[kind].([]any)
			flat[kind] = append(list, value)
		}
	}
	if file.Topic != nil {
		flat["topic"] = file.Topic
	}
	if file.Name != nil {
		flat["name"] = file.Name
	}
	return flat
}

// flags reads a command line, a config file that it names, and the environment. It complains of unknown flags, as far as a
// connector must. The quirk "tells-former" explains former names too well.
func (c connector) flags(args []string) map[string]any {
	_, _, present := c.document()
	flat := map[string]any{}
	properties := c.former(present)
	for name, o := range properties {
		if text, ok := os.LookupEnv(o.Env); ok {
			flat[name] = decode(o.Type.First(), text)
			if o.Type.First() == "array" {
				flat[name] = []any{decode(o.Items.Type.First(), text)}
			}
		}
	}
	for len(args) > 0 {
		name, text, given := strings.Cut(strings.TrimPrefix(args[0], "--"), "=")
		args = args[1:]
		o := properties[name]
		switch {
		case !given && o.Type.Has("boolean"):
			text = "true"
		case !given && len(args) > 0:
			text, args = args[0], args[1:]
		}
		if _, now := present[name]; !now && c.is("tells-former") && properties[name].Secret {
			fmt.Fprintln(os.Stderr, name, text)
		}
		switch {
		case name == "limit" && c.is("deaf"): // to what this flag says
		case name == "config":
			maps.Copy(flat, c.file(text))
		case o.Type.First() == "array":
			list, _ := flat[name].([]any)
			flat[name] = append(list, decode(o.Items.Type.First(), text))
		default:
			c.nearest(name, properties)
			flat[name] = decode(o.Type.First(), text)
		}
	}
	return flat
}

// nearest names the option that may be meant. The quirk "curt" does not.
func (c connector) nearest(name string, properties map[string]options.Option) {
	if _, known := properties[name]; !known && !c.is("curt") {
		fmt.Fprintf(os.Stderr, "did you mean %s?\n", config.Nearest(name, slices.Collect(maps.Keys(properties))))
	}
}

// decode reads a flag's text as a JSON value of a type.
func decode(kind, text string) any {
	switch kind {
	case "integer", "number", "boolean":
		return json.RawMessage(text)
	case "object":
		key, value, _ := strings.Cut(text, "=")
		return map[string]any{key: value}
	}
	return text
}

// former adds the options by their former names, under which their schema knows them. The quirk "renamed-variables" reads no
// variable of these.
func (c connector) former(properties map[string]options.Option) map[string]options.Option {
	all := maps.Clone(properties)
	for name, o := range properties {
		word := func(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
		prefix := strings.TrimSuffix(o.Env, word(name))
		for _, alias := range o.Aliases {
			if o.Env = prefix + word(alias); c.is("renamed-variables") {
				o.Env = ""
			}
			all[alias] = o
		}
	}
	return all
}
