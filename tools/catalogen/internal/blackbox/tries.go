package blackbox

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
)

// makeTries makes every configuration to be tried, in a fixed order.
func (r *replay) makeTries(base document) {
	for _, example := range r.old.doc.Examples {
		if d, err := decodeDocument(example.Options); err == nil && r.old.accepts(d) {
			r.tries = append(r.tries, try{test: "the examples", text: compact(example.Options)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.old.options)) {
		p := r.old.options[name]
		for _, value := range slices.Concat(p.examples, []any{p.preset}, p.candidates(), p.between(r.new.named(name))) {
			if !p.accepts(value) {
				continue
			}
			if d, ok := r.old.fit(base, name, value); ok {
				r.tries = append(r.tries, try{test: "option " + name, option: name, value: value, text: mustJSON(r.mend(d, name))})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.new.options)) {
		if d := r.without(base, name); r.old.accepts(d) {
			d = r.mend(d, name)
			r.tries = append(r.tries, try{test: "without " + name, option: name, absent: true, text: mustJSON(d)})
		}
	}
}

// without returns a copy of an old configuration in which nothing sets an option of the new program, by whichever name.
func (r *replay) without(old document, name string) document {
	d := old.without(name)
	for given := range old {
		if r.new.named(given).Name == name {
			delete(d, given)
		}
	}
	return d
}

// between returns numbers half way from an old bound to a new one: what a bound that moved by less than one shuts out.
func (p property) between(now property) (values []any) {
	if p.items != nil && now.items != nil {
		for _, value := range p.items.between(*now.items) {
			values = append(values, []any{value})
		}
		return values
	}
	bounds := func(p property) (all []*big.Rat) {
		for _, bound := range []json.Number{p.Minimum, p.Maximum, p.Above, p.Below} {
			if n, ok := new(big.Rat).SetString(bound.String()); ok {
				all = append(all, n)
			}
		}
		return all
	}
	for _, a := range bounds(p) {
		for _, b := range bounds(now) {
			middle := new(big.Rat).Add(a, b)
			values = append(values, number(decimal(middle.Quo(middle, big.NewRat(2, 1)))))
		}
	}
	return values
}

// fit returns a configuration that sets an option: the base, else the base with the options that go with it, else without
// those that exclude it.
func (x *examiner) fit(base document, name string, value any) (document, bool) {
	d := base.with(name, value)
	if x.accepts(d) {
		return d, true
	}
	for _, group := range groups(x.doc.Schema) {
		if !slices.Contains(group, name) {
			continue
		}
		together, alone := maps.Clone(d), maps.Clone(d)
		for _, other := range group {
			if other == name {
				continue
			}
			delete(alone, other)
			if value, ok := x.options[other].valid(); ok {
				together[other] = value
			}
		}
		for _, d := range []document{together, alone} {
			if x.accepts(d) {
				return d, true
			}
		}
	}
	return nil, false
}

// mend makes all of a configuration fit for the new version but one option, so that a refusal is about that one: what the
// new schema does not accept is left out, and what it demands is added.
func (r *replay) mend(d document, but string) document {
	mended := document{}
	given := map[string]bool{} // by the names of now
	for name, value := range d {
		if p := r.new.named(name); name == but || p.accepts(value) {
			mended[name], given[p.Name] = value, true
		}
	}
	for _, name := range r.new.Subject.Options.Required {
		if given[name] || name == but {
			continue
		}
		if value, ok := r.new.options[name].valid(); ok {
			mended[name] = value
		}
	}
	return mended
}
