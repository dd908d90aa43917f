package change

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"

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
	c.bounds("option-range", about, object.lower, object.upper, old, new, whole)
	for _, of := range [][2]string{{"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"}} {
		floor := func(o object, _ bool) bound {
			if n := o.number(of[0]); n != nil && n.Sign() > 0 {
				return bound{value: n}
			}
			return bound{}
		}
		ceiling := func(o object, _ bool) bound { return bound{value: o.number(of[1])} }
		c.bounds("option-length", about, floor, ceiling, old, new, false)
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
		if key == "items" && isObject && isStill || slices.Contains(compared, key) || textual(key) || slices.Contains(ruled, key) {
			continue
		}
		if !equal(old[key], new[key]) {
			c.add("option-constraint-changed", about, key+" "+orNone(show(old[key])), key+" "+orNone(show(new[key])))
		}
	}
}

// compared are the keywords whose effect on what is accepted has rules of its own.
var compared = []string{
	"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems",
	"minProperties", "maxProperties", "pattern", "allOf",
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
	return !slices.ContainsFunc(was, func(name string) bool { return !is.Has(name) && (name != "integer" || !is.Has("number")) })
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

// A bound is one end of a range. Without a value there is none.
type bound struct {
	value *big.Rat
	open  bool // the value itself is outside
}

func (o object) lower(whole bool) bound { return o.end("minimum", "exclusiveMinimum", 1, whole) }
func (o object) upper(whole bool) bound { return o.end("maximum", "exclusiveMaximum", -1, whole) }

// end is the tighter of the two keywords for one end of a range. Inwards is the direction of tighter: 1 or -1. A number that
// is whole is one step inwards of the bound that it may not reach.
func (o object) end(closed, open string, inwards int, whole bool) bound {
	b := bound{value: o.number(closed)}
	if limit := o.number(open); limit != nil && (b.value == nil || limit.Cmp(b.value)*inwards >= 0) {
		b = bound{value: limit, open: true}
		if whole && limit.IsInt() {
			b = bound{value: new(big.Rat).Add(limit, big.NewRat(int64(inwards), 1))}
		}
	}
	return b
}

// tighter tells whether a bound excludes something that another does not.
func (b bound) tighter(than bound, inwards int) bool {
	switch {
	case b.value == nil:
		return false
	case than.value == nil:
		return true
	}
	order := b.value.Cmp(than.value) * inwards
	return order > 0 || order == 0 && b.open && !than.open
}

// bounds compares two ranges. One that lost something is narrower, whatever it gained.
func (c *comparison) bounds(rule string, about subject, lower, upper func(object, bool) bound, old, new object, whole bool) {
	from, to := [2]bound{lower(old, whole), upper(old, whole)}, [2]bound{lower(new, whole), upper(new, whole)}
	switch {
	case to[0].tighter(from[0], 1) || to[1].tighter(from[1], -1):
		c.add(rule+"-narrowed", about, interval(from), interval(to))
	case from[0].tighter(to[0], 1) || from[1].tighter(to[1], -1):
		c.add(rule+"-widened", about, interval(from), interval(to))
	}
}

func interval(ends [2]bound) string {
	var words []string
	for i, sign := range []string{"at least ", "at most "} {
		b := ends[i]
		if b.value == nil {
			continue
		}
		if b.open {
			sign = []string{"above ", "below "}[i]
		}
		words = append(words, sign+decimal(b.value))
	}
	if words == nil {
		return "any"
	}
	return strings.Join(words, ", ")
}

// decimal writes a number as people do, where that is exact.
func decimal(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact {
		return r.RatString()
	}
	return r.FloatString(digits)
}
