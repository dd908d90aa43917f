// Package configschema derives the JSON Schema of a connector's config file from the schema of its flat options, for
// editors and for checking a file without the connector.
package configschema

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

// referencePattern is a whole value that is taken from elsewhere, or text that holds the escape for what looks like one.
const referencePattern = `^(\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}$|.*\$\$\{)`

// outside are the options that a config file does not take under parameters: it says them at its top level, or as steps.
var outside = []string{"name", "topic", "map", "filter", "arraymap", "config"}

type object = map[string]any

// Derive returns the schema, decoded. Any scalar may be a reference to the environment or a file, keys may be written with
// hyphens or underscores, every option may stand under parameters or secrets, and steps are a list.
func Derive(doc metadata.Document) (map[string]any, error) {
	value, err := schema.Parse(doc.Schema)
	if err != nil {
		return nil, fmt.Errorf("options of %s: %w", doc.Name, err)
	}
	whole, _ := value.(object)
	options, _ := whole["properties"].(object)
	parameters := object{}
	for name, value := range options {
		option, isSchema := value.(object)
		if slices.Contains(outside, name) || !isSchema {
			continue
		}
		parameters[name] = referable(option)
		for _, other := range append(words(option["x-aliases"]), name) {
			for _, key := range []string{other, underscored(other)} {
				if key != name {
					parameters[key] = object{"$ref": "#/properties/parameters/properties/" + name}
				}
			}
		}
	}
	properties := object{
		"name":       text("The name of this instance."),
		"type":       object{"const": doc.Name, "description": "The connector."},
		"version":    text("The version of the connector."),
		"topic":      text("The topic."),
		"parameters": closed("Options by name.", parameters),
		"secrets":    object{"description": "Options by name that are secrets.", "allOf": []any{object{"$ref": "#/properties/parameters"}}},
		"transforms": object{"type": "array", "description": "What happens to each record, in this order.", "items": object{"oneOf": steps()}},
	}
	for _, name := range []string{"name", "topic"} {
		if option, ok := options[name].(object); ok {
			properties[name] = referable(option)
		}
	}
	config := closed("The config file of "+doc.Name+", version "+doc.Version+".", properties)
	title, _ := whole["title"].(string)
	config["title"] = strings.TrimSpace(title + " config file")
	for _, key := range []string{"$schema", "$defs"} { // what options refer to comes along
		if value, ok := whole[key]; ok {
			config[key] = value
		}
	}
	l := lifter{definitions: object{}}
	if own, ok := whole["definitions"].(object); ok {
		maps.Copy(l.definitions, own)
	}
	if all := l.lift(whole); len(all) > 0 {
		config["allOf"] = all
	}
	if len(l.definitions) > 0 {
		config["definitions"] = l.definitions
	}
	return config, nil
}

// closed is an object with the given keys and no others.
func closed(description string, properties object) object {
	return object{"type": "object", "description": description, "properties": properties, "additionalProperties": false}
}

func text(description string) object {
	return referable(object{"type": "string", "minLength": 1, "description": description})
}

// underscored is the other spelling of an option's key.
func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// A lifter turns what a schema says of the presence of options into the same about their places in a file. Where an option
// stands is defined once, however often it is spoken of.
type lifter struct{ definitions object }

// lift turns what a schema says of the presence of options into the same about their places in a file. Keywords that say
// more than presence are left out: the file's schema then accepts what the connector itself still refuses.
func (l lifter) lift(s object) []any {
	var all []any
	for _, name := range words(s["required"]) {
		all = append(all, l.present(name))
	}
	for _, key := range []string{"dependencies", "dependentRequired"} {
		needs, _ := s[key].(object)
		for _, name := range slices.Sorted(maps.Keys(needs)) {
			for _, other := range words(needs[name]) {
				all = append(all, object{"anyOf": []any{object{"not": l.present(name)}, l.present(other)}})
			}
		}
	}
	if inner, ok := s["not"].(object); ok {
		if lifted := l.lift(inner); len(lifted) > 0 {
			all = append(all, object{"not": object{"allOf": lifted}})
		}
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := s[key].([]any)
		var branches []any
		for _, element := range list {
			inner, _ := element.(object)
			if lifted := l.lift(inner); len(lifted) > 0 {
				branches = append(branches, object{"allOf": lifted})
			}
		}
		// A branch that says nothing of presence would be true of every file, and a choice with it says nothing.
		if len(branches) > 0 && (key == "allOf" || len(branches) == len(list)) {
			all = append(all, object{key: branches})
		}
	}
	return all
}

// words reads a list of names.
func words(value any) []string {
	list, _ := value.([]any)
	var names []string
	for _, element := range list {
		if name, ok := element.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// present is true of a file that sets an option.
func (l lifter) present(name string) object {
	switch name {
	case "name", "topic":
		return object{"required": []string{name}}
	case "map", "filter", "arraymap":
		return object{"required": []string{"transforms"}, "properties": object{"transforms": object{"contains": object{"required": []string{name}}}}}
	}
	id := "given:" + name
	if _, known := l.definitions[id]; !known {
		var places []any
		for _, part := range []string{"parameters", "secrets"} {
			for _, key := range slices.Compact([]string{name, underscored(name)}) {
				places = append(places, object{"required": []string{part}, "properties": object{part: object{"required": []string{key}}}})
			}
		}
		l.definitions[id] = object{"anyOf": places, "description": "The option " + name + " is set."}
	}
	return object{"$ref": "#/definitions/" + url.PathEscape(id)}
}

// referable widens the schema of a value so that each scalar in it may be a reference. What the option says of itself
// stays at the top, where editors look for it.
func referable(option object) object {
	switch option["type"] {
	case "array":
		return wideElements(option, "items")
	case "object":
		return wideElements(option, "additionalProperties")
	}
	value, outer := object{}, object{}
	for key, v := range option {
		if annotation(key) {
			outer[key] = v
		} else {
			value[key] = v
		}
	}
	outer["anyOf"] = []any{value, object{"type": "string", "pattern": referencePattern}}
	return outer
}

// annotation tells whether a keyword says something of an option and nothing of its values.
func annotation(key string) bool {
	return key == "description" || key == "default" || key == "writeOnly" || key == "deprecated" || strings.HasPrefix(key, "x-")
}

// wideElements returns a list's or a map's schema with its elements referable; the list itself may be a reference too.
func wideElements(option object, elements string) object {
	wide := maps.Clone(option)
	if inner, ok := wide[elements].(object); ok {
		wide[elements] = referable(inner)
	}
	outer := object{}
	for key := range option {
		if annotation(key) {
			outer[key] = wide[key]
			delete(wide, key)
		}
	}
	outer["anyOf"] = []any{wide, object{"type": "string", "pattern": referencePattern}}
	return outer
}

// steps are the forms that one transform may take.
func steps() []any {
	step := func(kind, description string) object {
		lookback := closed("Which earlier records the module is shown.", object{
			"last": object{"type": "integer", "minimum": 1, "maximum": 100000, "description": "How many at the most."},
			"age":  text("How old at the most, such as 1h."),
		})
		lookback["required"] = []string{"last"}
		s := closed("", object{
			kind: text(description), "with": object{"type": "object", "description": "The module's parameters."}, "lookback": lookback,
			"initial": object{
				"type":        []string{"string", "number", "boolean", "object", "array"},
				"description": "What an aggregate begins with, where nothing is saved. What is no text is handed over as JSON.",
			},
		})
		delete(s, "description")
		s["required"] = []string{kind}
		if kind != "uses" { // which takes a module only
			module := object{"properties": object{kind: object{"pattern": `\.wasm\s*$|^\$\{`}}}
			s["dependencies"] = object{"with": module, "lookback": module, "initial": module}
		}
		return s
	}
	return []any{
		step("map", "An expression with one output, or the path of a SmartModule."),
		step("filter", "An expression that is true of the records to keep, or the path of a SmartModule."),
		step("arraymap", "An expression with any number of outputs, or the path of a SmartModule."),
		step("uses", "The path of a SmartModule of any kind."),
	}
}
