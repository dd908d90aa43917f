package options

import (
	"slices"

	"github.com/invopop/jsonschema"
)

// The two dialects that Schema writes.
const (
	Draft07   = "http://json-schema.org/draft-07/schema#"
	Draft2020 = "https://json-schema.org/draft/2020-12/schema"
)

// Schema describes a document of flat options, keyed by flag name, in one of the two dialects: a JSON Schema whose lines,
// but for the first, begin with the prefix. Our own keywords come after the standard ones. The same model gives the same
// bytes.
func (m *Model) Schema(draft, prefix string) []byte {
	w := &writer{b: make([]byte, 0, 1024*len(m.Options)), line: "\n" + prefix}
	w.open('{')
	w.text("$schema", draft)
	needs, more := m.needs()
	w.conditions("allOf", slices.Concat(m.oneName(), m.exclusive(), more))
	w.key("properties")
	w.open('{')
	for _, o := range m.Options {
		w.key(o.Name)
		o.writeSchema(w)
	}
	w.close('}')
	m.writeFormer(w)
	w.key("additionalProperties")
	w.value(false)
	w.text("type", "object")
	w.list("required", m.required())
	if draft != Draft07 {
		w.lists("dependentRequired", needs)
	}
	w.text("title", m.config.Title)
	if draft == Draft07 {
		w.lists("dependencies", needs) // what dependentRequired is called there
	}
	w.close('}')
	return w.b
}

// writeSchema describes one option. The type comes from the Go type, everything else from the tags.
func (o *Option) writeSchema(w *writer) {
	w.open('{')
	switch o.Kind {
	case Array:
		w.key("items")
		w.open('{')
		o.writeScalar(w, o.Elem)
		w.close('}')
		w.text("type", "array")
		if o.Required {
			w.count("minItems", 1)
		}
	case Object:
		w.key("additionalProperties")
		w.open('{')
		w.text("type", "string")
		w.close('}')
		w.text("type", "object")
		if o.Required {
			w.count("minProperties", 1)
		}
	default:
		o.writeScalar(w, o.Kind)
	}
	w.text("description", o.Help)
	if o.Default != nil {
		w.key("default")
		w.value(o.Default)
	}
	w.flag("deprecated", o.Deprecation != nil) // draft-07 has no such keyword, and ignores it
	w.flag("writeOnly", o.Secret)
	w.list("x-aliases", o.Former)
	w.text("x-change", o.Change)
	if d := o.Deprecation; d != nil {
		w.key("x-deprecation")
		w.open('{')
		w.text("date", d.Date)
		w.text("replacement", d.Replacement)
		w.text("note", d.Note)
		w.close('}')
	}
	w.text("x-env", o.Env)
	w.text("x-group", o.Group)
	w.flag("x-hidden", o.Hidden)
	w.flag("x-identity", o.Identity)
	w.text("x-placeholder", o.Placeholder)
	if o.Kind == Array && o.sep == -1 {
		w.text("x-sep", "none") // a flag holds one element, whatever is in it
	}
	w.flag("x-shared", o.Shared)
	w.text("x-type", o.Type)
	w.text("x-unit", o.Unit)
	w.close('}')
}

// writeScalar writes what holds of a value that is neither a list nor a map, or of an element.
func (o *Option) writeScalar(w *writer, kind Kind) {
	if kind == String && o.positive() {
		w.key("allOf") // of a text that keeps the pattern: not zero
		w.array(1, func(int) {
			w.open('{')
			w.text("pattern", "[1-9]")
			w.close('}')
		})
	}
	if kind == String {
		w.text("type", "string") // text types are structs or integers in Go
	} else {
		w.text("type", jsonschema.ReflectFromType(o.scalarGoType()).Type)
	}
	if words := o.typedEnum(); len(words) > 0 {
		w.key("enum")
		w.value(words)
	}
	if kind != String {
		w.rational("maximum", o.Max)
		w.rational("minimum", o.Min)
		return
	}
	w.count("maxLength", o.MaxLength)
	if o.Required {
		w.count("minLength", 1)
	}
	w.text("pattern", o.Pattern)
}
