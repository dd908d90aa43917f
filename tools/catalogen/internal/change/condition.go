package change

import (
	"encoding/json"
	"slices"
	"strings"
)

// conditions compares what two schemas demand of several options at once.
func (c *comparison) conditions(about subject, old, new object) {
	c.all(about, old["allOf"], new["allOf"])
	was, is := needs(old), needs(new)
	for _, key := range union(was, is) {
		c.condition(about, was[key], is[key], "with --"+key+": ")
	}
	for _, key := range union(old, new) {
		switch {
		case slices.Contains([]string{"$schema", "properties", "required", "allOf"}, key), dependent(key):
		case key == "title" || textual(key):
			if !equal(old[key], new[key]) {
				c.add("text-changed", about, show(old[key]), show(new[key]))
			}
		default:
			c.condition(about, old[key], new[key], key+" ")
		}
	}
}

// dependent tells whether a keyword says what comes with an option. The drafts have several words for it.
func dependent(key string) bool {
	return key == "dependencies" || key == "dependentRequired" || key == "dependentSchemas"
}

// needs gathers what has to come with each option.
func needs(o object) object {
	all := object{}
	for _, key := range []string{"dependencies", "dependentRequired", "dependentSchemas"} {
		inner, _ := member(o, key)
		for name, value := range inner {
			if all[name] != nil { // said in two keywords: kept apart, so that neither is lost
				name = key + " " + name
			}
			all[name] = value
		}
	}
	return all
}

// condition compares one condition. No text is none.
func (c *comparison) condition(about subject, old, new json.RawMessage, prefix string) {
	switch {
	case equal(old, new):
	case new == nil:
		c.add("condition-removed", about, prefix+show(old), "")
	case old == nil:
		c.add("condition-added", about, "", prefix+show(new))
	default:
		c.add("condition-added", about, prefix+show(old), prefix+show(new))
	}
}

// all compares the elements of allOf, whose order means nothing.
func (c *comparison) all(about subject, old, new json.RawMessage) {
	was, is := elements(old), elements(new)
	for _, e := range is {
		if !holds(was, e) {
			c.add("condition-added", about, "", words(e))
		}
	}
	for _, e := range was {
		if !holds(is, e) {
			c.add("condition-removed", about, words(e), "")
		}
	}
}

func holds(list []json.RawMessage, e json.RawMessage) bool {
	return slices.ContainsFunc(list, func(other json.RawMessage) bool { return equal(other, e) })
}

// elements reads a list. What is none is one element, so that a change of it is seen.
func elements(text json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(text) > 0 && json.Unmarshal(text, &list) != nil {
		return []json.RawMessage{text}
	}
	return list
}

// words tells of the one condition that common writes, that options exclude each other. All others stand for themselves.
func words(condition json.RawMessage) string {
	var exclusive struct {
		Not struct {
			Required []string `json:"required"`
		} `json:"not"`
	}
	if json.Unmarshal(condition, &exclusive) == nil && len(exclusive.Not.Required) > 1 {
		return "not together: --" + strings.Join(exclusive.Not.Required, " --")
	}
	return show(condition)
}
