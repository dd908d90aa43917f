package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// keys are the top-level keys, in the order in which messages name them.
var keys = []string{"name", "type", "version", "topic", "parameters", "secrets", "transforms"}

// binder turns the tree of a file into a File and collects everything that is wrong with it.
type binder struct {
	file       *File
	references references
	literal    bool // values are taken as they are: text holds no references, and what is null is as good as absent
	problems   []Problem
}

func (b *binder) problem(line, column int, key, message, fix string) {
	b.problems = append(b.problems, Problem{b.file.Path, line, column, key, message, fix})
}

func (b *binder) bind(root *node) {
	if root.kind != mapping {
		b.problem(root.line, root.column, "", "the file is "+root.kind.String()+" and not a mapping",
			"its keys are "+strings.Join(keys, ", "))
	}
	given := map[string]int{} // option key to the line where it stands, in parameters and secrets alike
	for _, e := range b.unique(root, "", false) {
		switch e.key {
		case "name":
			b.file.Name = b.word(e)
		case "type":
			b.file.Type = b.word(e)
		case "version":
			b.file.Version = b.word(e)
		case "topic":
			b.file.Topic = b.word(e)
		case "parameters", "secrets":
			b.options(e, given)
		case "transforms":
			b.transforms(e)
		default:
			if b.fluvio(e) {
				continue
			}
			fix := "the keys are " + strings.Join(keys, ", ") + "; a connector's options stand under parameters"
			nearest := Nearest(e.key, keys)
			if nearest != "" {
				fix = "did you mean " + nearest + "?"
			}
			b.problem(e.line, e.column, e.key, "unknown key", fix)
			if nearest == "parameters" || nearest == "secrets" { // what stands below is not missing for that
				b.options(e, given)
			}
		}
	}
	b.problems = sortProblems(b.problems)
}

// unique gives a mapping's usable entries and reports the others. Keys below secrets are a part of the secret: they are
// not named.
func (b *binder) unique(n *node, path string, secret bool) []entry {
	lines := map[string]int{}
	var usable []entry
	for _, e := range n.entries {
		key := path
		if !secret && e.message == "" {
			key = join(path, e.key)
		}
		if e.message != "" {
			b.problem(e.line, e.column, key, e.message, e.fix)
			continue
		}
		if first, ok := lines[e.key]; ok {
			b.problem(e.line, e.column, key, fmt.Sprintf("the key stands in line %d already", first), "keep one of them")
			continue
		}
		lines[e.key] = e.line
		usable = append(usable, e)
	}
	return usable
}

// word reads a top-level scalar, which is text.
func (b *binder) word(e entry) *Value {
	v, ok := b.value(e, e.key, false)
	if !ok {
		return &v
	}
	if _, ok := v.Any.(string); !ok {
		b.problem(e.value.line, e.value.column, e.key, "the value is "+e.value.kind.String()+" and not text", "quote it")
		v.Any = nil
	}
	return &v
}

func (b *binder) options(e entry, given map[string]int) {
	if !b.is(e.value, mapping, e.key) {
		return
	}
	secret := Nearest(e.key, keys) == "secrets"
	for _, option := range e.value.entries {
		if option.message != "" {
			b.problem(option.line, option.column, e.key, option.message, option.fix)
			continue
		}
		path := join(e.key, option.key)
		name := strings.ReplaceAll(option.key, "_", "-")
		if name == "" {
			b.problem(option.line, option.column, e.key, "a key is empty", "name the option")
			continue
		}
		if first, ok := given[name]; ok {
			b.problem(option.line, option.column, path,
				fmt.Sprintf("option %s stands in line %d already", oneLine(name), first),
				"keep one of them; hyphens and underscores are the same, and so are parameters and secrets")
			continue
		}
		given[name] = option.line
		b.file.Parameters[name], _ = b.value(option, path, secret)
	}
}

// is says whether a value is of the kind that its key needs, and reports it if not.
func (b *binder) is(n *node, want kind, path string) bool {
	switch n.kind {
	case want:
		return true
	case null:
		b.problem(n.line, n.column, path, "the value is null", "leave the key out")
	case invalid:
		b.problem(n.line, n.column, path, n.message, n.fix)
	default:
		b.problem(n.line, n.column, path, "the value is "+n.kind.String()+" and not "+want.String(), "")
	}
	return false
}

// value resolves one option or word; it is false, and the value holds nothing, if it reported a problem.
func (b *binder) value(e entry, path string, secret bool) (Value, bool) {
	before := len(b.problems)
	v := Value{Line: e.line, Secret: secret, Redact: secret}
	v.Any, v.Reference = b.resolve(e.value, path, &v)
	if len(b.problems) > before {
		v.Any = nil
		return v, false
	}
	return v, true
}

// resolve gives the JSON form of a node and whether all of it came from a reference. Whatever holds a reference is marked
// in v as not to be shown.
func (b *binder) resolve(n *node, path string, v *Value) (form any, reference bool) {
	switch n.kind {
	case text:
		if b.literal {
			return n.text, false
		}
		s, reference, message, fix := b.references.expand(n.text)
		if message != "" {
			b.problem(n.line, n.column, path, message, fix)
		}
		v.Redact = v.Redact || reference
		return s, reference
	case number:
		return json.Number(n.text), false
	case boolean:
		return strings.EqualFold(n.text, "true"), false
	case list:
		items := make([]any, 0, len(n.items))
		for i, item := range n.items {
			if !b.leftOut(item) {
				form, _ := b.resolve(item, path+"["+strconv.Itoa(i)+"]", v)
				items = append(items, form)
			}
		}
		return items, false
	case mapping:
		fields := make(map[string]any, len(n.entries))
		for _, e := range b.unique(n, path, v.Secret) {
			below := path
			if !v.Secret {
				below = join(path, e.key)
			}
			if !b.leftOut(e.value) {
				fields[e.key], _ = b.resolve(e.value, below, v)
			}
		}
		return fields, false
	case null:
		b.problem(n.line, n.column, path, "the value is null", "leave the key out")
	case invalid:
		b.problem(n.line, n.column, path, n.message, n.fix)
	}
	return nil, false
}

// leftOut says whether a value is as good as absent.
func (b *binder) leftOut(n *node) bool { return b.literal && n.kind == null }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
