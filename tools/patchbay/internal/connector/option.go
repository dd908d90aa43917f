package connector

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// An Option is what a program's schema says of one.
type Option struct {
	Name  string `json:"-"` // that it has now
	Type  Type   `json:"type"`
	Items struct {
		Type Type `json:"type"`
	} `json:"items"`
	Former []string `json:"x-aliases"` // names that it had and is still taken by
	Env    string   `json:"x-env"`     // the environment variable that sets it; empty for none
	Change string   `json:"x-change"`  // its lifecycle class; empty if it does not say
	Shared bool     `json:"x-shared"`  // every connector has it, and it means the same to all
	Secret bool     `json:"writeOnly"`
}

// ReadOptions returns the options of a schema by all their names: by whichever one comes, it is the same. A schema that cannot
// be read has none: nil.
func ReadOptions(schema json.RawMessage) map[string]Option {
	var flat struct {
		Properties map[string]Option `json:"properties"`
	}
	if json.Unmarshal(schema, &flat) != nil {
		return nil
	}
	options := map[string]Option{}
	for name, o := range flat.Properties {
		o.Name = name
		for _, other := range append(o.Former, name) {
			options[other] = o
		}
	}
	return options
}

// A Type is one of JSON Schema. Of several, as in ["integer","null"], it is the first that is not null.
type Type string

// UnmarshalJSON never fails: what is no type is an empty one.
func (t *Type) UnmarshalJSON(data []byte) error {
	var one string
	var several []string
	if json.Unmarshal(data, &one) == nil {
		several = []string{one}
	} else {
		_ = json.Unmarshal(data, &several)
	}
	if i := slices.IndexFunc(several, func(s string) bool { return s != "null" }); i >= 0 {
		*t = Type(several[i])
	}
	return nil
}

// FromFlags turns flags, as somebody would write them behind the program's name, into options for Configure: --name=value,
// --name value, --name and --no-name for switches. A list takes its flag several times, and so does a map, for a key=value
// each. Which text is a number or a switch is what the program's schema says; what it does not know stays text, and
// Configure tells. more adds options that the program does not have, as name and JSON Schema type. No error holds a value.
func (p *Program) FromFlags(args []string, more map[string]string) (map[string]any, error) {
	options := map[string]any{}
	for len(args) > 0 {
		flag := args[0]
		args = args[1:]
		name, isFlag := strings.CutPrefix(flag, "--")
		name, text, given := strings.Cut(name, "=")
		if !isFlag || name == "" {
			return nil, fmt.Errorf("flags look like --name=value or --name value, and one of the words is neither")
		}
		o := p.Options[name]
		if typ, ok := more[name]; ok {
			o.Type = Type(typ)
		}
		switched, isNo := strings.CutPrefix(name, "no-")
		switch {
		case given:
		case o.Type == "boolean":
			text = "true"
		case isNo && p.Options[switched].Type == "boolean":
			name, text, o = switched, "false", p.Options[switched]
		case len(args) == 0 || strings.HasPrefix(args[0], "--"):
			return nil, fmt.Errorf("--%s needs a value; where the value starts with --, write --%s=VALUE", name, name)
		default:
			text, args = args[0], args[1:]
		}
		if err := o.add(options, name, text); err != nil {
			return nil, err
		}
	}
	return options, nil
}

// add adds the text of a flag to the options.
func (o Option) add(options map[string]any, name, text string) error {
	before, again := options[name]
	switch o.Type {
	case "array":
		list, _ := before.([]any)
		options[name] = append(list, o.Items.Type.value(text))
	case "object":
		pairs, _ := before.(map[string]any)
		if pairs == nil {
			pairs = map[string]any{}
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--%s takes a pair; write it like --%s key=value", name, name)
		}
		pairs[key] = value
		options[name] = pairs
	default:
		if again {
			return fmt.Errorf("--%s is given twice", name)
		}
		options[name] = o.Type.value(text)
	}
	return nil
}

// value is a text as the type has it, or the text where it is no such value.
func (t Type) value(text string) any {
	switch t {
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true"
		}
	case "integer", "number":
		if strings.Trim(text, "-0123456789.eE+") == "" && json.Valid([]byte(text)) {
			return json.Number(text)
		}
	}
	return text
}
