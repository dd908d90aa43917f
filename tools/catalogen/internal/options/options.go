// Package options reads the JSON Schema of a connector's options, once for everybody who asks what an option is. It
// judges nothing: what a schema accepts is for the validator to say.
package options

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// NoReplacement stands where nothing takes the place of a deprecated option.
const NoReplacement = "none"

// A Schema is what is read of the schema of the flat options.
type Schema struct {
	Draft    string
	Title    string
	Required []string // by the names that they have now
	Options  []Option // in the order in which the connector prints them, which is the order of its help
}

// Read decodes a schema. The error names the option that cannot be read.
func Read(text json.RawMessage) (Schema, error) {
	var s Schema
	var allOf json.RawMessage
	err := each("schema", json.NewDecoder(bytes.NewReader(text)), func(d *json.Decoder, keyword string) error {
		switch keyword {
		case "$schema":
			return d.Decode(&s.Draft)
		case "title":
			return d.Decode(&s.Title)
		case "required":
			return d.Decode(&s.Required)
		case "allOf":
			return d.Decode(&allOf)
		case "properties":
			return each(keyword, d, func(d *json.Decoder, name string) error {
				o := Option{Name: name}
				if err := d.Decode(&o); err != nil {
					return fmt.Errorf("option %s: %w", name, err)
				}
				s.Options = append(s.Options, o)
				return nil
			})
		}
		var other json.RawMessage
		return d.Decode(&other)
	})
	if err != nil {
		return Schema{}, err
	}
	for i, o := range s.Options {
		if o.byOneName(allOf) {
			s.Required = append(s.Required, o.Name)
		}
		s.Options[i].Required = slices.Contains(s.Required, o.Name)
	}
	return s, nil
}

// byOneName tells whether a schema demands that an option is given by one of its names, which is how one is required that has
// former ones.
func (o Option) byOneName(allOf json.RawMessage) bool {
	var conditions []json.RawMessage
	if len(o.Aliases) == 0 || json.Unmarshal(allOf, &conditions) != nil {
		return false
	}
	names := append([]string{o.Name}, o.Aliases...)
	return slices.ContainsFunc(conditions, func(text json.RawMessage) bool {
		var c struct {
			OneOf []struct {
				Required []string `json:"required"`
			} `json:"oneOf"`
		}
		if json.Unmarshal(text, &c) != nil || len(c.OneOf) != len(names) {
			return false
		}
		for i, one := range c.OneOf {
			if len(one.Required) != 1 || one.Required[0] != names[i] {
				return false
			}
		}
		return true
	})
}

// Get returns the option of a name, and whether there is one.
func (s Schema) Get(name string) (Option, bool) {
	i := slices.IndexFunc(s.Options, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return s.Options[i], true
}

// Named returns the option that is taken by a name, its own or a former one, and whether there is one.
func (s Schema) Named(name string) (Option, bool) {
	if o, ok := s.Get(name); ok {
		return o, true
	}
	i := slices.IndexFunc(s.Options, func(o Option) bool { return slices.Contains(o.Aliases, name) })
	if i < 0 {
		return Option{}, false
	}
	return s.Options[i], true
}

// Names lists the options in alphabetical order.
func (s Schema) Names() []string {
	names := make([]string, len(s.Options))
	for i, o := range s.Options {
		names[i] = o.Name
	}
	slices.Sort(names)
	return names
}

// Visible lists the options that help shows, in its order.
func (s Schema) Visible() []Option {
	return slices.DeleteFunc(slices.Clone(s.Options), func(o Option) bool { return o.Hidden })
}

// An Option is one property of the schema. A keyword that is absent is the zero value.
type Option struct {
	Name     string `json:"-"`
	Required bool   `json:"-"`

	Type        Types             `json:"type"`
	Description string            `json:"description"`
	Default     json.RawMessage   `json:"default"`
	Enum        []json.RawMessage `json:"enum"`
	Const       json.RawMessage   `json:"const"`
	Examples    []json.RawMessage `json:"examples"`
	OneOf       json.RawMessage   `json:"oneOf"`
	AnyOf       json.RawMessage   `json:"anyOf"`
	Pattern     string            `json:"pattern"`
	Minimum     json.Number       `json:"minimum"`
	Maximum     json.Number       `json:"maximum"`
	Above       json.Number       `json:"exclusiveMinimum"`
	Below       json.Number       `json:"exclusiveMaximum"`
	Shortest    json.Number       `json:"minLength"` // JSON has no whole numbers: 100.0 is as good as 100
	Longest     json.Number       `json:"maxLength"`
	Items       *Option           `json:"items"`
	Properties  json.RawMessage   `json:"properties"` // of an object that has fixed keys
	Secret      bool              `json:"writeOnly"`

	Env         string `json:"x-env"`
	Group       string `json:"x-group"`
	Kind        string `json:"x-type"` // what the text means, where JSON has no type for it
	Unit        string `json:"x-unit"`
	Placeholder string `json:"x-placeholder"`
	Change      string `json:"x-change"` // the lifecycle class
	Sep         string `json:"x-sep"`    // "none": a flag holds one element, whatever commas are in it
	Shared      bool   `json:"x-shared"`
	Identity    bool   `json:"x-identity"`
	Hidden      bool   `json:"x-hidden"`

	Aliases     []string              `json:"x-aliases"` // former names that are still accepted in its place
	Deprecated  bool                  `json:"deprecated"`
	Deprecation *metadata.Deprecation `json:"x-deprecation"` // of an option that is on its way out; nil for all others
}

// DeprecatedWords says until when a deprecated option is kept and what to do, to be read after the word deprecated; it is
// empty for an option that stays. Flag writes the flag that takes its place.
func (o Option) DeprecatedWords(flag func(name string) string) string {
	d := o.Deprecation
	if d == nil {
		return ""
	}
	words := "may be gone from " + d.Date
	if d.Replacement != NoReplacement {
		words += ", use " + flag("--"+d.Replacement)
	}
	return words + ". " + d.Note
}

// Types are the JSON types that a value may have. Both forms of the keyword are read, one word and a list of them.
type Types []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Types) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]string)(t))
	}
	var one string
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*t = Types{one}
	return nil
}

// Has tells whether a value may have a type.
func (t Types) Has(name string) bool { return slices.Contains(t, name) }

// First returns the first type that is a value's own: null, which some programs write for "not set", is none. It is
// empty where no type is named.
func (t Types) First() string {
	for _, name := range t {
		if name != "null" {
			return name
		}
	}
	return ""
}

// each reads the JSON object that comes next, which an error calls what, and has do read each value, by its name, in the order
// in which they stand there, which a map would lose.
func each(what string, d *json.Decoder, do func(d *json.Decoder, name string) error) error {
	start, err := d.Token()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if start != json.Delim('{') {
		return fmt.Errorf("%s: want an object, not %v", what, start)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := do(d, name.(string)); err != nil { // the decoder gives nothing else in a name's place
			return err
		}
	}
	_, err = d.Token()
	return err
}

var _ json.Unmarshaler = (*Types)(nil)
