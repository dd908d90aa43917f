package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// kinds are the keys of which a transform has exactly one.
var kinds = []string{"map", "filter", "arraymap", "uses"}

// maxLookBack is the most records that a module can be shown.
const maxLookBack = 100_000

func (b *binder) transforms(e entry) {
	if !b.is(e.value, list, e.key) {
		return
	}
	for i, item := range e.value.items {
		path := e.key + "[" + strconv.Itoa(i) + "]"
		if b.is(item, mapping, path) {
			b.transform(item, path)
		}
	}
}

func (b *binder) transform(n *node, path string) {
	var t Transform
	var with, lookBack, initial *entry
	known, usable := true, true
	for _, e := range b.unique(n, path, false) {
		switch e.key {
		case "map", "filter", "arraymap", "uses":
			if t.Kind != "" {
				b.problem(e.line, e.column, path, fmt.Sprintf("a transform is one step: it is %s already", t.Kind),
					"start a new list item with -")
				continue
			}
			t.Kind, t.Line = e.key, e.line
			v, ok := b.value(e, path+"."+e.key, false)
			if !ok {
				usable = false
				continue
			}
			if t.Text, usable = v.Any.(string); !usable {
				b.problem(e.value.line, e.value.column, path+"."+e.key,
					"the value is "+e.value.kind.String()+" and not text", "quote it")
			}
			t.Redact = v.Redact
		case "with":
			with = &e
		case "lookback":
			lookBack = &e
		case "initial":
			initial = &e
		default:
			fix := "a transform is one of " + strings.Join(kinds, ", ")
			if nearest := Nearest(e.key, append([]string{"with", "lookback", "initial"}, kinds...)); nearest != "" {
				fix = "did you mean " + nearest + "?"
			}
			b.problem(e.line, e.column, join(path, e.key), "unknown key", fix)
			known = false
		}
	}
	if t.Kind == "" {
		if known { // else the unknown key was meant to be the kind
			b.problem(n.line, n.column, path, "the transform says nothing", "write one of "+strings.Join(kinds, ", "))
		}
		return
	}
	for _, e := range []*entry{with, lookBack, initial} {
		if e != nil && usable && t.Kind != "uses" && !strings.HasSuffix(strings.TrimSpace(t.Text), ".wasm") {
			b.problem(e.line, e.column, join(path, e.key), "only a SmartModule, a file that ends in .wasm, takes "+e.key, "remove it")
			usable = false
		}
	}
	if with != nil && usable {
		if b.is(with.value, mapping, path+".with") {
			if v, ok := b.value(*with, path+".with", false); ok {
				t.With, t.Redact = v.Any.(map[string]any), t.Redact || v.Redact
			}
		}
	}
	if lookBack != nil && usable {
		t.LookBack = b.lookBack(*lookBack, join(path, "lookback"))
	}
	if initial != nil && usable {
		v, _ := b.value(*initial, join(path, "initial"), false)
		t.Initial, t.Redact = v.Any, t.Redact || v.Redact
	}
	if usable {
		b.file.Transforms = append(b.file.Transforms, t)
	}
}

// lookBack reads which earlier records a module is shown.
func (b *binder) lookBack(e entry, path string) *LookBack {
	if !b.is(e.value, mapping, path) {
		return nil
	}
	back, given := &LookBack{}, false
	for _, f := range b.unique(e.value, path, false) {
		v, ok := b.value(f, join(path, f.key), false)
		if !ok {
			continue
		}
		text := fmt.Sprint(v.Any)
		switch f.key {
		case "last":
			n, err := strconv.Atoi(text)
			if given = true; err != nil || n < 1 || n > maxLookBack {
				b.problem(f.line, f.column, join(path, f.key), "the value is no number of records",
					fmt.Sprintf("write a whole number from 1 to %d", maxLookBack))
			}
			back.Last = n
		case "age":
			age, err := time.ParseDuration(text)
			if err != nil || age <= 0 {
				b.problem(f.line, f.column, join(path, f.key), "the value is no duration", "write one like 30m")
			}
			back.Age = age
		default:
			b.problem(f.line, f.column, join(path, f.key), "unknown key", "the keys are last, age")
		}
	}
	if !given {
		b.problem(e.line, e.column, path, "it says nothing", "write lookback: {last: 100}, and age: 1h if need be")
	}
	return back
}
