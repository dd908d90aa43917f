package change

import (
	"encoding/json"
	"slices"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// value compares what two schemas accept, of an option or of the elements of a list. Beside another type the rest means
// nothing, so it is not told then.
func (c *comparison) value(about subject, old, new object) {
	if !equal(old["type"], new["type"]) {
		if !widerType(old, new) {
			c.add("option-type-changed", about, orNone(show(old["type"])), orNone(show(new["type"])))
			return
		}
		c.add("option-type-widened", about, show(old["type"]), orNone(show(new["type"])))
	}
	c.enum(about, old, new)
	whole := canonical(new["type"]) == `"integer"`
	c.bounds("option-range", about, numbers(old, whole), numbers(new, whole))
	for _, of := range [][2]string{{"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"}} {
		c.bounds("option-length", about, lengths(old, of[0], of[1]), lengths(new, of[0], of[1]))
	}
	switch {
	case equal(old["pattern"], new["pattern"]):
	case new["pattern"] == nil:
		c.add("option-pattern-removed", about, show(old["pattern"]), "none")
	default:
		c.add("option-pattern-changed", about, orNone(show(old["pattern"])), show(new["pattern"]))
	}
	c.all(about, old["allOf"], new["allOf"])
	from, isObject := member(old, "items")
	to, isStill := member(new, "items")
	if isObject && isStill {
		c.value(about.under("element"), from, to)
		for _, key := range union(from, to) {
			if (textual(key) || slices.Contains(ruled, key)) && !equal(from[key], to[key]) {
				c.add("option-text-changed", about.under("element"), show(from[key]), show(to[key]))
			}
		}
	}
	for _, key := range union(old, new) {
		switch {
		case key == "items" && isObject && isStill, slices.Contains(compared, key), textual(key), slices.Contains(ruled, key):
		case !equal(old[key], new[key]):
			c.add("option-constraint-changed", about, key+" "+orNone(show(old[key])), key+" "+orNone(show(new[key])))
		}
	}
}

// compared are the keywords whose effect on what is accepted has rules of its own.
var compared = []string{
	"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
	"minItems", "maxItems", "minProperties", "maxProperties", "pattern", "allOf",
}

// member reads a schema within a schema, which may also be true or false.
func member(o object, key string) (object, bool) {
	var inner object
	return inner, json.Unmarshal(o[key], &inner) == nil && inner != nil
}

// widerType tells whether the new type admits all values of the old one.
func widerType(old, new object) bool {
	var was, is options.Types
	if new["type"] == nil {
		return true
	}
	if old["type"] == nil || json.Unmarshal(old["type"], &was) != nil || json.Unmarshal(new["type"], &is) != nil {
		return false
	}
	return !slices.ContainsFunc(was, func(name string) bool {
		return !is.Has(name) && (name != "integer" || !is.Has("number"))
	})
}

// enum compares lists of allowed values. A schema without one allows all.
func (c *comparison) enum(about subject, old, new object) {
	was, is := allowed(old), allowed(new)
	missing := func(of, in []json.RawMessage) bool {
		return slices.ContainsFunc(of, func(a json.RawMessage) bool {
			return !slices.ContainsFunc(in, func(b json.RawMessage) bool { return equal(a, b) })
		})
	}
	told := func(values []json.RawMessage) string {
		if values == nil {
			return "any"
		}
		return list(values)
	}
	if is != nil && (was == nil || missing(was, is)) {
		c.add("option-enum-narrowed", about, told(was), told(is))
	}
	if was != nil && (is == nil || missing(is, was)) {
		c.add("option-enum-widened", about, told(was), told(is))
	}
	if was != nil && is != nil && !missing(was, is) && !missing(is, was) && list(was) != list(is) {
		c.add("option-text-changed", about, list(was), list(is))
	}
}

func allowed(o object) []json.RawMessage {
	if o["const"] != nil {
		return []json.RawMessage{o["const"]}
	}
	var values []json.RawMessage
	if json.Unmarshal(o["enum"], &values) != nil {
		return nil
	}
	return values
}
