package publish

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// referencePattern is a whole value that is taken from elsewhere, and the escape for text that begins like one.
const referencePattern = `^(\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}|.*\$\$\{.*)$`

// outside are the options that a config file says at its top level, under these or other names.
var outside = []string{"name", "topic", "map", "filter", "arraymap", "config"}

type object = map[string]any

// ConfigSchema derives the JSON Schema of a connector's config file from the schema of its flat options. Any scalar may be
// a reference, keys may be written with hyphens or underscores, and what is required may stand in either map.
func ConfigSchema(doc metadata.Document) ([]byte, error) {
	var flat struct {
		Schema     string                     `json:"$schema"`
		Title      string                     `json:"title"`
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	if err := json.Unmarshal(doc.Schema, &flat); err != nil {
		return nil, err
	}
	parameters, secrets := object{}, object{}
	var needed []any
	for _, name := range slices.Sorted(maps.Keys(flat.Properties)) {
		if slices.Contains(outside, name) {
			continue
		}
		var option object
		if err := json.Unmarshal(flat.Properties[name], &option); err != nil {
			return nil, fmt.Errorf("option %s: %w", name, err)
		}
		value := referable(option)
		spellings := []string{name}
		if under := strings.ReplaceAll(name, "-", "_"); under != name {
			spellings = append(spellings, under)
		}
		var places []any
		for _, spelling := range spellings {
			parameters[spelling] = value
			places = append(places, has("parameters", spelling))
			if option["writeOnly"] == true {
				secrets[spelling] = value
				places = append(places, has("secrets", spelling))
			}
		}
		if slices.Contains(flat.Required, name) {
			needed = append(needed, object{"anyOf": places, "description": "The option " + name + " is required."})
		}
	}
	text := func(description string) object {
		return referable(object{"type": "string", "minLength": 1, "description": description})
	}
	config := object{
		"$schema":              flat.Schema,
		"title":                flat.Title + " config file",
		"description":          "The config file of " + doc.Name + ", version " + doc.Version + ".",
		"type":                 "object",
		"additionalProperties": false,
		"properties": object{
			"name":       text("The name of this instance."),
			"type":       object{"const": doc.Name, "description": "The connector."},
			"version":    text("The version of the connector."),
			"topic":      text("The topic."),
			"parameters": object{"type": "object", "description": "Options by name.", "properties": parameters, "additionalProperties": false},
			"secrets":    object{"type": "object", "description": "Options that are secrets.", "properties": secrets, "additionalProperties": false},
			"transforms": transforms(text),
		},
	}
	if slices.Contains(flat.Required, "topic") {
		config["required"] = []string{"topic"}
	}
	if len(needed) > 0 {
		config["allOf"] = needed
	}
	return encode(config)
}

// has is true of a file that has a key in one of its maps.
func has(part, key string) object {
	return object{"required": []string{part}, "properties": object{part: object{"required": []string{key}}}}
}

// referable widens the schema of a value so that each scalar in it may be a reference. What the option says of itself
// stays at the top, where editors look for it.
func referable(option object) object {
	switch option["type"] {
	case "array":
		return with(option, "items")
	case "object":
		return with(option, "additionalProperties")
	}
	value, outer := object{}, object{}
	for key, v := range option {
		if key == "description" || key == "default" || key == "writeOnly" || strings.HasPrefix(key, "x-") {
			outer[key] = v
		} else {
			value[key] = v
		}
	}
	outer["anyOf"] = []any{value, object{"type": "string", "pattern": referencePattern}}
	return outer
}

// with returns a list's or a map's schema with its elements referable.
func with(option object, elements string) object {
	wide := maps.Clone(option)
	if inner, ok := wide[elements].(object); ok {
		wide[elements] = referable(inner)
	}
	return wide
}

// transforms is the schema of the list of steps.
func transforms(text func(string) object) object {
	step := func(kind, description string, more object) object {
		properties := object{kind: text(description)}
		maps.Copy(properties, more)
		return object{"type": "object", "properties": properties, "required": []string{kind}, "additionalProperties": false}
	}
	return object{
		"type": "array", "description": "What happens to each record, in this order.",
		"items": object{"oneOf": []any{
			step("map", "An expression with one output.", nil),
			step("filter", "An expression that is true of the records to keep.", nil),
			step("arraymap", "An expression with any number of outputs.", nil),
			step("uses", "The path of a module.", object{"with": object{"type": "object", "description": "The module's parameters."}}),
		}},
	}
}
