package options

import (
	"encoding/json"
	"math/big"
	"slices"

	"github.com/invopop/jsonschema"
)

// The two dialects that Schema writes.
const (
	Draft07   = "http://json-schema.org/draft-07/schema#"
	Draft2020 = "https://json-schema.org/draft/2020-12/schema"
)

// Schema describes a document of flat options, keyed by flag name, in one of the two dialects. The same model gives the
// same bytes.
func (m *Model) Schema(draft string) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Version: draft, Title: m.config.Title, Type: "object",
		Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema, Extras: map[string]any{},
	}
	and := map[string][]string{}
	xor := map[string][]string{}
	var xorOrder []string
	for _, o := range m.Options {
		s.Properties.Set(o.Name, o.schema())
		if o.Required {
			s.Required = append(s.Required, o.Name)
		}
		for _, g := range o.AND {
			and[g] = append(and[g], o.Name)
		}
		for _, g := range o.XOR {
			if !slices.Contains(xorOrder, g) {
				xorOrder = append(xorOrder, g)
			}
			xor[g] = append(xor[g], o.Name)
		}
	}
	for _, g := range xorOrder {
		for i, a := range xor[g] {
			for _, b := range xor[g][i+1:] {
				s.AllOf = append(s.AllOf, &jsonschema.Schema{Not: &jsonschema.Schema{Required: []string{a, b}}})
			}
		}
	}
	needs := map[string][]string{}
	for _, group := range and {
		for _, name := range group {
			for _, other := range group {
				if other != name && !slices.Contains(needs[name], other) {
					needs[name] = append(needs[name], other)
				}
			}
			slices.Sort(needs[name])
		}
	}
	switch {
	case len(needs) == 0:
	case draft == Draft07:
		s.Extras["dependencies"] = needs
	default:
		s.DependentRequired = needs
	}
	return s
}

// schema describes one option. The type comes from the Go type, everything else from the tags.
func (o *Option) schema() *jsonschema.Schema {
	s := o.valueSchema()
	s.Description = o.Help
	s.Default = o.Default
	s.WriteOnly = o.Secret
	s.Extras = map[string]any{"x-group": o.Group, "x-env": o.Env}
	for key, text := range map[string]string{
		"x-type": o.Type, "x-unit": o.Unit, "x-change": o.Change, "x-placeholder": o.Placeholder,
	} {
		if text != "" {
			s.Extras[key] = text
		}
	}
	if o.Kind == Array && o.sep == -1 {
		s.Extras["x-sep"] = "none" // a flag holds one element, whatever is in it
	}
	for key, on := range map[string]bool{"x-shared": o.Shared, "x-identity": o.Identity} {
		if on {
			s.Extras[key] = true
		}
	}
	return s
}

func (o *Option) valueSchema() *jsonschema.Schema {
	switch o.Kind {
	case Array:
		s := &jsonschema.Schema{Type: "array", Items: o.scalarSchema(o.Elem)}
		if o.Required {
			s.MinItems = ptr(1)
		}
		return s
	case Object:
		s := &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "string"}}
		if o.Required {
			s.MinProperties = ptr(1)
		}
		return s
	}
	return o.scalarSchema(o.Kind)
}

func (o *Option) scalarSchema(kind Kind) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"} // text types are structs or integers in Go
	if kind != String {
		s = jsonschema.ReflectFromType(o.scalarGoType())
		s.Version, s.ID = "", ""
	}
	if len(o.Enum) > 0 {
		s.Enum = o.typedEnum()
	}
	if kind == String {
		s.Pattern = o.Pattern
		if o.Required {
			s.MinLength = ptr(1)
		}
		if o.MaxLength > 0 {
			s.MaxLength = ptr(uint64(o.MaxLength))
		}
		if o.positive() {
			s.AllOf = []*jsonschema.Schema{{Pattern: "[1-9]"}} // of a text that keeps the pattern: not zero
		}
		return s
	}
	s.Minimum, s.Maximum = number(o.Min), number(o.Max)
	return s
}

func number(r *big.Rat) json.Number {
	if r == nil {
		return ""
	}
	if r.IsInt() {
		return json.Number(r.Num().String())
	}
	text, _ := r.Float64()
	b, _ := json.Marshal(text)
	return json.Number(b)
}

func ptr(n uint64) *uint64 { return &n }
