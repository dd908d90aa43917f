package change

import (
	"encoding/json"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// contract compares what two documents say of records. A source promises, a sink demands, so the same change of a schema is
// good news of the one and bad news of the other.
func (c *comparison) contract(before, after document) {
	about := subject{place: "record"}
	old, new := before.Record, after.Record
	switch {
	case len(old) == 0 && len(new) == 0:
	case len(old) == 0:
		c.add("record-introduced", about, "", "described")
	case len(new) == 0:
		c.add("record-dropped", about, "described", "")
	default:
		r := recordComparison{c, after.Direction == metadata.Sink}
		r.schemas(about, old, new, 0)
	}
}

type recordComparison struct {
	*comparison
	sink bool
}

// maxDepth is how deep a record's schema is unfolded. What lies deeper is compared as a whole.
const maxDepth = 16

// schemas compares two schemas of one place in a record.
func (r recordComparison) schemas(about subject, old, new json.RawMessage, depth int) {
	was, is := object(nil), object(nil)
	if json.Unmarshal(old, &was) != nil || json.Unmarshal(new, &is) != nil || depth == maxDepth {
		if !equal(old, new) {
			r.add("record-constraint-changed", about, show(old), show(new))
		}
		return
	}
	if !equal(was["type"], is["type"]) {
		r.add("record-field-retyped", about, orNone(show(was["type"])), orNone(show(is["type"])))
	}
	r.fields(about, was, is, depth)
	_, from := member(was, "items")
	_, to := member(is, "items")
	if from && to {
		r.schemas(about.under("element"), was["items"], is["items"], depth+1)
	}
	for _, key := range union(was, is) {
		switch {
		case key == "type", key == "properties", key == "required", key == "items" && from && to, equal(was[key], is[key]):
		case textual(key), key == "$schema", key == "$id", key == "default":
			r.add("text-changed", about, show(was[key]), show(is[key]))
		default:
			r.add("record-constraint-changed", about, key+" "+orNone(show(was[key])), key+" "+orNone(show(is[key])))
		}
	}
}

// fields compares the fields of an object, and which of them must be there.
func (r recordComparison) fields(about subject, was, is object, depth int) {
	before, _ := member(was, "properties")
	after, _ := member(is, "properties")
	needed, need := names(was["required"]), names(is["required"])
	fields := union(before, after)
	for _, name := range slices.Concat(needed, need) {
		if !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	for _, name := range fields {
		field := about.under(name)
		required, wasRequired := slices.Contains(need, name), slices.Contains(needed, name)
		switch {
		case before[name] != nil && after[name] == nil:
			r.add("record-field-removed", field, name, "")
			continue
		case before[name] == nil && after[name] != nil && !wasRequired && !(r.sink && required):
			r.add("record-field-added", field, "", name)
			continue
		}
		switch {
		case required == wasRequired:
		case required && r.sink:
			r.add("record-field-demanded", field, "optional", "required")
		case required:
			r.add("record-field-promised", field, "optional", "required")
		case r.sink:
			r.add("record-field-released", field, "required", "optional")
		default:
			r.add("record-field-unsure", field, "required", "optional")
		}
		switch {
		case after[name] == nil:
		case before[name] != nil:
			r.schemas(field, before[name], after[name], depth+1)
		case wasRequired: // named before, and described now
			r.add("record-field-added", field, "", name)
			if r.sink { // which took whatever the field held
				r.schemas(field, json.RawMessage("{}"), after[name], depth+1)
			}
		}
	}
}

// names reads a list of names.
func names(text json.RawMessage) []string {
	var list []string
	if json.Unmarshal(text, &list) != nil {
		return nil
	}
	return list
}
