package change

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// What a schema demands of several options at once it says of all names that each is taken by. So that a rename with an alias
// is told once, conditions are compared by the names that options have now.

// formerNames returns the names that options had, each with the one that it has in the newer document.
func formerNames(before, after options.Schema) map[string]string {
	now := map[string]string{}
	for _, o := range after.Options {
		for _, alias := range o.Aliases {
			if _, there := after.Get(alias); !there {
				now[alias] = o.Name
			}
		}
	}
	for _, o := range before.Options {
		for _, alias := range o.Aliases {
			if _, there := after.Get(alias); there {
				continue // what the newer document says of it is about another option
			}
			if name, renamed := now[o.Name]; renamed && now[alias] == "" {
				now[alias] = name
			} else if now[alias] == "" {
				now[alias] = o.Name
			}
		}
	}
	return now
}

// origins returns the options of the older document that are one option now, each by the first of its names, of today's first.
func origins(before, after document, now options.Option) (names []string, were []options.Option) {
	for _, name := range append([]string{now.Name}, now.Aliases...) {
		if _, own := after.schema.Get(name); own && name != now.Name {
			continue
		}
		was, there := before.schema.Named(name)
		if there && !slices.ContainsFunc(were, func(o options.Option) bool { return o.Name == was.Name }) {
			names, were = append(names, name), append(were, was)
		}
	}
	return names, were
}

// united tells of options that became one that they cannot be given together any more, as no two names of one option can.
func (c *comparison) united(before, after document) {
	for _, now := range after.schema.Options {
		names, _ := origins(before, after, now)
		for i, name := range names {
			for _, other := range names[:i] {
				if !apart(before.conditions, other, name) {
					c.add("condition-added", subject{place: "options"}, "", words(exclusion(other, name)))
				}
			}
		}
	}
}

// wasDemanded tells whether an option had to be given before, by whatever name.
func wasDemanded(before, after document, now options.Option) bool {
	names, were := origins(before, after, now)
	return slices.ContainsFunc(were, func(o options.Option) bool { return o.Required }) ||
		slices.ContainsFunc(elements(before.conditions["allOf"]), func(text json.RawMessage) bool {
			choices := oneOf(text)
			return choices != nil && !slices.ContainsFunc(choices, func(name string) bool { return !slices.Contains(names, name) })
		})
}

// apart tells whether conditions keep two options from being given together.
func apart(conditions object, a, b string) bool {
	all := elements(conditions["allOf"])
	return holds(all, exclusion(a, b)) || holds(all, exclusion(b, a)) || slices.ContainsFunc(all, func(text json.RawMessage) bool {
		choices := oneOf(text)
		return slices.Contains(choices, a) && slices.Contains(choices, b)
	})
}

// oneOf returns the options of which a condition demands exactly one; nil if it says something else.
func oneOf(condition json.RawMessage) (names []string) {
	c, ok := readClause(condition)
	for _, choice := range c.OneOf {
		if !ok || len(choice.Required) != 1 || !equal(marshal(choice), marshal(clause{Required: choice.Required})) {
			return nil
		}
		names = append(names, choice.Required[0])
	}
	return names
}

// exclusion is the condition that two options are not given together.
func exclusion(a, b string) json.RawMessage {
	return marshal(clause{Not: &clause{Required: []string{a, b}}})
}

// modern returns a schema's conditions by the names that options have now, without those that are about the names of one option
// only: that it is given by one of them follows from x-aliases and from whether it is required.
func modern(conditions object, now map[string]string) object {
	if len(now) == 0 {
		return conditions
	}
	rest := maps.Clone(conditions)
	needs := map[string][]string{}
	need := func(name string, others ...string) {
		needs[name] = slices.Compact(slices.Sorted(slices.Values(append(needs[name], others...))))
	}
	for _, key := range []string{"dependencies", "dependentRequired"} {
		inner, _ := member(rest, key)
		for name, text := range inner {
			var others []string
			if json.Unmarshal(text, &others) == nil {
				need(renamed(now, name)[0], renamed(now, others...)...)
				delete(inner, name)
			}
		}
		put(rest, key, inner, len(inner))
	}
	var all []json.RawMessage
	for _, text := range elements(rest["allOf"]) {
		c, ok := readClause(text)
		if !ok {
			all = append(all, text)
			continue
		}
		c.rename(now)
		if len(c.AnyOf) == 2 && c.AnyOf[0].Not != nil && len(c.AnyOf[0].Not.Required) == 1 { // not this one, or that one
			need(c.AnyOf[0].Not.Required[0], c.AnyOf[1].Required...)
			continue
		}
		if c.Not != nil && len(c.Not.Required) == 1 || len(c.OneOf) == 1 {
			continue
		}
		if text := marshal(c); !holds(all, text) {
			all = append(all, text)
		}
	}
	put(rest, "allOf", all, len(all))
	inner, ok := member(rest, "dependencies") // those that are left are no lists
	if !ok {
		inner = object{}
	}
	for name, others := range needs {
		inner[name] = marshal(others)
	}
	put(rest, "dependencies", inner, len(inner))
	if patterns, ok := member(rest, "patternProperties"); ok {
		for name, is := range now {
			if equal(patterns["^"+name+"$"], marshal(map[string]string{"$ref": "#/properties/" + is})) {
				delete(patterns, "^"+name+"$")
			}
		}
		put(rest, "patternProperties", patterns, len(patterns))
	}
	return rest
}

// put sets a keyword, or takes it away where nothing is left of it.
func put(o object, key string, value any, size int) {
	if size == 0 {
		delete(o, key)
	} else {
		o[key] = marshal(value)
	}
}

// marshal encodes what was made of JSON and strings.
func marshal(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic("change: " + err.Error())
	}
	return text
}

// renamed returns names by which options go now, sorted.
func renamed(now map[string]string, names ...string) []string {
	all := slices.Clone(names)
	for i, name := range all {
		if is, former := now[name]; former {
			all[i] = is
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A clause is a condition that speaks of nothing but which options are given.
type clause struct {
	Required []string `json:"required,omitempty"`
	Not      *clause  `json:"not,omitempty"`
	OneOf    []clause `json:"oneOf,omitempty"`
	AnyOf    []clause `json:"anyOf,omitempty"`
}

// readClause reads a condition. It tells whether it is one that common writes.
func readClause(text json.RawMessage) (c clause, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return c, d.Decode(&c) == nil && (c.Not == nil || len(c.Not.Required) > 1) && len(c.OneOf) != 1
}

// rename gives options the names that they have now; choices that are the same then are one.
func (c *clause) rename(now map[string]string) {
	c.Required = renamed(now, c.Required...)
	if c.Not != nil {
		c.Not.rename(now)
	}
	for _, choices := range []*[]clause{&c.OneOf, &c.AnyOf} {
		var kept []clause
		for _, choice := range *choices {
			choice.rename(now)
			if !slices.ContainsFunc(kept, func(k clause) bool { return bytes.Equal(marshal(k), marshal(choice)) }) {
				kept = append(kept, choice)
			}
		}
		*choices = kept
	}
}
