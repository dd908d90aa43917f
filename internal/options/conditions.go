package options

import (
	"maps"
	"slices"
)

// A condition writes the members of a schema of a whole document: what holds between options. Where an option has former names
// a condition is about all its names, so that the schema accepts what the parser does.
type condition func(w *writer)

// given is that all these names are there.
func given(names ...string) condition { return func(w *writer) { w.list("required", names) } }

func not(c condition) condition {
	return func(w *writer) {
		w.key("not")
		w.open('{')
		c(w)
		w.close('}')
	}
}

// choice is oneOf or anyOf.
func choice(keyword string, of []condition) condition {
	return func(w *writer) { w.conditions(keyword, of) }
}

func (w *writer) conditions(keyword string, all []condition) {
	if len(all) == 0 {
		return
	}
	w.key(keyword)
	w.array(len(all), func(i int) {
		w.open('{')
		all[i](w)
		w.close('}')
	})
}

// each is one condition for each name.
func each(names []string) (all []condition) {
	for _, name := range names {
		all = append(all, given(name))
	}
	return all
}

// required lists the options that must be given and have one name. Of the others oneName says so.
func (m *Model) required() (names []string) {
	for _, o := range m.Options {
		if o.Required && len(o.Former) == 0 {
			names = append(names, o.Name)
		}
	}
	return names
}

// oneName says of each option that had other names that it is given by one of them, and by one only.
func (m *Model) oneName() (all []condition) {
	for _, o := range m.Options {
		names := o.names()
		switch {
		case len(names) == 1:
		case o.Required:
			all = append(all, choice("oneOf", each(names)))
		default:
			for i := range names {
				all = append(all, apart(names[:i], names[i:i+1])...)
			}
		}
	}
	return all
}

// apart says that no name of one list is given beside one of another.
func apart(these, those []string) (all []condition) {
	for _, a := range these {
		for _, b := range those {
			all = append(all, not(given(a, b)))
		}
	}
	return all
}

// exclusive says of each two options that exclude each other that they do, in the order of the options.
func (m *Model) exclusive() (all []condition) {
	xor := map[string][]*Option{}
	var order []string
	for _, o := range m.Options {
		for _, group := range o.XOR {
			if xor[group] == nil {
				order = append(order, group)
			}
			xor[group] = append(xor[group], o)
		}
	}
	for _, group := range order {
		for i, a := range xor[group] {
			for _, b := range xor[group][i+1:] {
				all = append(all, apart(a.names(), b.names())...)
			}
		}
	}
	return all
}

// needs returns which options each option cannot do without, by all its names and sorted. What is needed and has several names
// is a condition of its own.
func (m *Model) needs() (needs map[string][]string, more []condition) {
	and := map[string][]*Option{}
	for _, o := range m.Options {
		for _, group := range o.AND {
			and[group] = append(and[group], o)
		}
	}
	needs = map[string][]string{}
	for _, group := range slices.Sorted(maps.Keys(and)) {
		for _, o := range and[group] {
			for _, other := range and[group] {
				if other == o {
					continue
				}
				for _, name := range o.names() {
					switch {
					case len(other.Former) > 0:
						more = append(more, choice("anyOf", append([]condition{not(given(name))}, each(other.names())...)))
					case !slices.Contains(needs[name], other.Name):
						needs[name] = append(needs[name], other.Name)
						slices.Sort(needs[name])
					}
				}
			}
		}
	}
	return needs, more
}

// lists writes the options that each option needs.
func (w *writer) lists(keyword string, lists map[string][]string) {
	if len(lists) == 0 {
		return
	}
	w.key(keyword)
	w.open('{')
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		w.list(key, lists[key])
	}
	w.close('}')
}

// writeFormer writes that an option is taken by its former names, too. They are no properties, so that whoever makes a form, a
// table or a help of the schema shows an option once.
func (m *Model) writeFormer(w *writer) {
	if len(m.former) == 0 {
		return
	}
	w.key("patternProperties")
	w.open('{')
	for _, o := range m.Options {
		for _, name := range o.Former {
			w.key("^" + name + "$")
			w.open('{')
			w.text("$ref", "#/properties/"+o.Name)
			w.close('}')
		}
	}
	w.close('}')
}
