package options

import (
	"encoding/json"
	"math/big"
	"slices"

	"github.com/invopop/jsonschema"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// The two dialects that Schema writes.
const (
	Draft07   = "http://json-schema.org/draft-07/schema#"
	Draft2020 = "https://json-schema.org/draft/2020-12/schema"
)

// A Schema is a JSON Schema of options: the keywords that they need, in the order in which they are printed, with our own ones
// after the standard ones. It is encoded at each start of metadata, and in one pass, which a general type for schemas is not.
type Schema struct {
	Version              string              `json:"$schema,omitempty"`
	AllOf                []*Schema           `json:"allOf,omitempty"`
	Not                  *Schema             `json:"not,omitempty"`
	Items                *Schema             `json:"items,omitempty"`
	Properties           properties          `json:"properties,omitempty"`
	AdditionalProperties any                 `json:"additionalProperties,omitempty"` // a *Schema, or false
	Type                 string              `json:"type,omitempty"`
	Enum                 []any               `json:"enum,omitempty"`
	Maximum              json.Number         `json:"maximum,omitempty"`
	Minimum              json.Number         `json:"minimum,omitempty"`
	MaxLength            int                 `json:"maxLength,omitempty"`
	MinLength            int                 `json:"minLength,omitempty"`
	Pattern              string              `json:"pattern,omitempty"`
	MinItems             int                 `json:"minItems,omitempty"`
	MinProperties        int                 `json:"minProperties,omitempty"`
	Required             []string            `json:"required,omitempty"`
	DependentRequired    map[string][]string `json:"dependentRequired,omitempty"`
	Title                string              `json:"title,omitempty"`
	Description          string              `json:"description,omitempty"`
	Default              any                 `json:"default,omitempty"`
	Deprecated           bool                `json:"deprecated,omitempty"`
	WriteOnly            bool                `json:"writeOnly,omitempty"`

	Dependencies map[string][]string   `json:"dependencies,omitempty"` // what dependentRequired is called in draft-07
	Change       string                `json:"x-change,omitempty"`
	Deprecation  *metadata.Deprecation `json:"x-deprecation,omitempty"`
	Env          string                `json:"x-env,omitempty"`
	Group        string                `json:"x-group,omitempty"`
	Identity     bool                  `json:"x-identity,omitempty"`
	Placeholder  string                `json:"x-placeholder,omitempty"`
	Sep          string                `json:"x-sep,omitempty"`
	Shared       bool                  `json:"x-shared,omitempty"`
	TextType     string                `json:"x-type,omitempty"`
	Unit         string                `json:"x-unit,omitempty"`
}

// properties are schemas in the order of the flags, which is why they are no map.
type properties []property

type property struct {
	name   string
	schema *Schema
}

// MarshalJSON writes one object.
func (ps properties) MarshalJSON() ([]byte, error) {
	b := make([]byte, 1, 1024*len(ps)+2) // more than most need: growing would copy all of it again and again
	b[0] = '{'
	for i, p := range ps {
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		schema, err := json.Marshal(p.schema)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), schema...)
	}
	return append(b, '}'), nil
}

// Schema describes a document of flat options, keyed by flag name, in one of the two dialects. The same model gives the
// same bytes.
func (m *Model) Schema(draft string) *Schema {
	s := &Schema{
		Version: draft, Title: m.config.Title, Type: "object",
		AdditionalProperties: false,
	}
	and := map[string][]string{}
	xor := map[string][]string{}
	var xorOrder []string
	for _, o := range m.Options {
		s.Properties = append(s.Properties, property{o.Name, o.schema()})
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
				s.AllOf = append(s.AllOf, &Schema{Not: &Schema{Required: []string{a, b}}})
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
		s.Dependencies = needs
	default:
		s.DependentRequired = needs
	}
	return s
}

// schema describes one option. The type comes from the Go type, everything else from the tags.
func (o *Option) schema() *Schema {
	s := o.valueSchema()
	s.Description = o.Help
	s.Default = o.Default
	s.WriteOnly = o.Secret
	s.Env, s.Group, s.Shared, s.Identity = o.Env, o.Group, o.Shared, o.Identity
	s.TextType, s.Unit, s.Change, s.Placeholder = o.Type, o.Unit, o.Change, o.Placeholder
	if o.Kind == Array && o.sep == -1 {
		s.Sep = "none" // a flag holds one element, whatever is in it
	}
	if o.Deprecation != nil {
		s.Deprecated, s.Deprecation = true, o.Deprecation // draft-07 has no keyword for the first, and ignores it
	}
	return s
}

func (o *Option) valueSchema() *Schema {
	switch o.Kind {
	case Array:
		s := &Schema{Type: "array", Items: o.scalarSchema(o.Elem)}
		if o.Required {
			s.MinItems = 1
		}
		return s
	case Object:
		s := &Schema{Type: "object", AdditionalProperties: &Schema{Type: "string"}}
		if o.Required {
			s.MinProperties = 1
		}
		return s
	}
	return o.scalarSchema(o.Kind)
}

func (o *Option) scalarSchema(kind Kind) *Schema {
	s := &Schema{Type: "string"} // text types are structs or integers in Go
	if kind != String {
		s.Type = jsonschema.ReflectFromType(o.scalarGoType()).Type
	}
	if len(o.Enum) > 0 {
		s.Enum = o.typedEnum()
	}
	if kind == String {
		s.Pattern = o.Pattern
		if o.Required {
			s.MinLength = 1
		}
		if o.MaxLength > 0 {
			s.MaxLength = o.MaxLength
		}
		if o.positive() {
			s.AllOf = []*Schema{{Pattern: "[1-9]"}} // of a text that keeps the pattern: not zero
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
