package options

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
)

// EncodeSchema returns the bytes that the schema's own MarshalJSON does. That one goes over each part several times, which
// is a good part of the time that `metadata` takes; this one knows the keywords that schemas of options have, and leaves
// a schema with any other to the library.
func EncodeSchema(s *jsonschema.Schema) ([]byte, error) {
	e := &encoder{}
	e.schema(s)
	return e.out, e.err
}

type encoder struct {
	out []byte
	err error // the first
}

func (e *encoder) schema(s *jsonschema.Schema) {
	known := jsonschema.Schema{
		Version: s.Version, AllOf: s.AllOf, Not: s.Not, Items: s.Items, Properties: s.Properties,
		AdditionalProperties: s.AdditionalProperties, Type: s.Type, Enum: s.Enum, Maximum: s.Maximum, Minimum: s.Minimum,
		MaxLength: s.MaxLength, MinLength: s.MinLength, Pattern: s.Pattern, MinItems: s.MinItems, MinProperties: s.MinProperties,
		Required: s.Required, Title: s.Title, Description: s.Description, Default: s.Default, WriteOnly: s.WriteOnly,
		Extras: s.Extras,
	}
	if !reflect.DeepEqual(*s, known) || reflect.DeepEqual(*s, jsonschema.Schema{}) {
		e.value(s)
		return
	}
	e.out = append(e.out, '{')
	open := len(e.out)
	key := func(name string) {
		if len(e.out) > open {
			e.out = append(e.out, ',')
		}
		e.out = append(append(append(e.out, '"'), name...), `":`...)
	}
	text := func(name, value string) {
		if value != "" {
			key(name)
			e.value(value)
		}
	}
	plain := func(name, literal string) {
		if literal != "" {
			key(name)
			e.out = append(e.out, literal...)
		}
	}
	count := func(name string, n *uint64) {
		if n != nil {
			plain(name, strconv.FormatUint(*n, 10))
		}
	}
	part := func(name string, s *jsonschema.Schema) {
		if s != nil {
			key(name)
			e.schema(s)
		}
	}
	text("$schema", s.Version)
	if len(s.AllOf) > 0 {
		key("allOf")
		e.out = append(e.out, '[')
		for i, each := range s.AllOf {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			e.schema(each)
		}
		e.out = append(e.out, ']')
	}
	part("not", s.Not)
	part("items", s.Items)
	if s.Properties != nil {
		key("properties")
		e.out = append(e.out, '{')
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			if p.Prev() != nil {
				e.out = append(e.out, ',')
			}
			e.value(p.Key)
			e.out = append(e.out, ':')
			e.schema(p.Value)
		}
		e.out = append(e.out, '}')
	}
	part("additionalProperties", s.AdditionalProperties)
	text("type", s.Type)
	if len(s.Enum) > 0 {
		key("enum")
		e.value(s.Enum)
	}
	plain("maximum", string(s.Maximum))
	plain("minimum", string(s.Minimum))
	count("maxLength", s.MaxLength)
	count("minLength", s.MinLength)
	text("pattern", s.Pattern)
	count("minItems", s.MinItems)
	count("minProperties", s.MinProperties)
	if len(s.Required) > 0 {
		key("required")
		e.value(s.Required)
	}
	text("title", s.Title)
	text("description", s.Description)
	if s.Default != nil {
		key("default")
		e.value(s.Default)
	}
	if s.WriteOnly {
		plain("writeOnly", "true")
	}
	if len(s.Extras) > 0 {
		if len(e.out) > open {
			e.out = append(e.out, ',')
		}
		for i, name := range slices.Sorted(maps.Keys(s.Extras)) {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			e.value(name)
			e.out = append(e.out, ':')
			e.value(s.Extras[name])
		}
	}
	e.out = append(e.out, '}')
}

// value writes a value that is no schema.
func (e *encoder) value(v any) {
	if s, ok := v.(string); ok && isPlain(s) {
		e.out = append(append(append(e.out, '"'), s...), '"')
		return
	}
	text, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.out = append(e.out, text...)
}

// isPlain reports whether a string stands between quotes as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			return false
		}
	}
	return true
}
