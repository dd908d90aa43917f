package blackbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// spellable tells whether a value can be written on a command line so that it comes back as it was: of the option's own
// type, and without what separates the elements of a list or a map.
func (p property) spellable(value any) bool {
	switch value := value.(type) {
	case string:
		return p.Type.Has("string") && !strings.HasPrefix(value, "@") && !strings.ContainsRune(value, 0)
	case json.Number:
		return p.Type.Has("number") || p.Type.Has("integer") && !strings.ContainsAny(value.String(), ".eE") && value != "-0"
	case bool:
		return p.Type.Has("boolean")
	case []any:
		if !p.Type.Has("array") || p.items == nil || len(value) == 0 {
			return false
		}
		return !slices.ContainsFunc(value, func(element any) bool {
			text, isText := element.(string)
			return !p.items.spellable(element) || isText && (text == "" || strings.ContainsAny(text, `,;\`))
		})
	case map[string]any:
		if !p.Type.Has("object") || len(value) == 0 {
			return false
		}
		for key, element := range value {
			if text, isText := element.(string); !isText || key == "" || strings.ContainsAny(key+text, `,;\=`) {
				return false
			}
		}
		return true
	}
	return false
}

// flagArgs writes a document as a command line.
func flagArgs(d document) []string {
	var args []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		for _, text := range options.FlagTexts(d[name]) {
			args = append(args, "--"+name+"="+text)
		}
	}
	return args
}

// configText writes a document as the text of a config file. JSON is YAML.
func configText(d document, secrets map[string]bool, spell func(string) string) ([]byte, error) {
	return json.Marshal(configFile(d, secrets, spell))
}

// configFile writes a document as a config file, keys spelt by spell and secrets in the given map.
func configFile(d document, secrets map[string]bool, spell func(string) string) map[string]any {
	parameters, hidden := map[string]any{}, map[string]any{}
	file := map[string]any{"parameters": parameters}
	var steps []any
	for _, kind := range []string{"map", "filter", "arraymap"} {
		list, _ := d[kind].([]any)
		for _, text := range list {
			steps = append(steps, map[string]any{kind: escape(text)})
		}
	}
	if len(steps) > 0 {
		file["transforms"] = steps
	}
	for name, value := range d {
		switch {
		case name == "map" || name == "filter" || name == "arraymap":
		case name == "name" || name == "topic":
			file[name] = escape(value)
		case secrets[name]:
			hidden[spell(name)] = escape(value)
		default:
			parameters[spell(name)] = escape(value)
		}
	}
	if len(hidden) > 0 {
		file["secrets"] = hidden
	}
	return file
}

// escape keeps text that looks like a reference from being one.
func escape(value any) any {
	switch value := value.(type) {
	case string:
		return strings.ReplaceAll(value, "${", "$${")
	case []any:
		wide := make([]any, len(value))
		for i, element := range value {
			wide[i] = escape(element)
		}
		return wide
	case map[string]any:
		wide := map[string]any{}
		for key, element := range value {
			wide[key] = escape(element)
		}
		return wide
	}
	return value
}

func hyphens(name string) string     { return name }
func underscores(name string) string { return strings.ReplaceAll(name, "-", "_") }
