package change

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// options compares the options of two documents, and the conditions that hold between them.
func (c *comparison) options(before, after document) {
	renamed := renames(before, after)
	taken := slices.Collect(maps.Values(renamed))
	for _, now := range after.schema.Options {
		was, there := before.schema.Get(now.Name)
		about := subject{place: "--" + now.Name, option: now.Name, shared: now.Shared}
		switch {
		case there:
			c.option(about, before, after, was, now)
		case slices.Contains(taken, now.Name):
			// told below, under the name that it had
		case formerly(before, now) != "":
			c.add("option-renamed-with-alias", about, formerly(before, now), now.Name)
		case now.Required:
			c.add("option-added-required", about, "", now.Name)
		default:
			c.add("option-added", about, "", now.Name)
		}
	}
	for _, was := range before.schema.Options {
		if _, there := after.schema.Get(was.Name); there {
			continue
		}
		about := subject{place: "--" + was.Name, option: was.Name, shared: was.Shared}
		name, ok := renamed[was.Name]
		if !ok {
			c.add("option-removed", about, was.Name, "")
			continue
		}
		now, _ := after.schema.Get(name)
		about.option, about.shared = name, now.Shared
		id := "option-renamed"
		if slices.Contains(now.Aliases, was.Name) {
			id = "option-renamed-with-alias"
		}
		c.add(id, about, was.Name, name)
		now.Env = was.Env // a variable follows its flag
		c.option(subject{"--" + name, name, now.Shared}, before, after, was, now)
	}
	c.order(before.schema, after.schema)
	c.united(before, after)
	now := formerNames(before.schema, after.schema)
	c.conditions(subject{place: "options"}, modern(before.conditions, now), modern(after.conditions, now))
	if from, to := before.schema.Draft, after.schema.Draft; from != to {
		c.add("format-changed", subject{place: "options"}, from, to)
	}
}

// formerly is the former name that a new option takes over while the old name is still an option of its own.
func formerly(before document, now options.Option) string {
	for _, alias := range now.Aliases {
		if _, was := before.schema.Get(alias); was {
			return alias
		}
	}
	return ""
}

// renames pairs options that are gone with the ones that took their place: those that have them as an alias, else the new
// one that is the same in all but what follows from a name, where no other pair is possible.
func renames(before, after document) map[string]string {
	pairs := map[string]string{}
	gone, fresh := map[string][]string{}, map[string][]string{} // names by what they are beside their name
	for _, was := range before.schema.Options {
		if _, there := after.schema.Get(was.Name); there {
			continue
		}
		i := slices.IndexFunc(after.schema.Options, func(now options.Option) bool { return slices.Contains(now.Aliases, was.Name) })
		if i >= 0 {
			pairs[was.Name] = after.schema.Options[i].Name
			continue
		}
		key := nameless(was, before)
		gone[key] = append(gone[key], was.Name)
	}
	for _, now := range after.schema.Options {
		if _, there := before.schema.Get(now.Name); !there {
			key := nameless(now, after)
			fresh[key] = append(fresh[key], now.Name)
		}
	}
	for key, was := range gone {
		if now := fresh[key]; len(was) == 1 && len(now) == 1 {
			pairs[was[0]] = now[0]
		}
	}
	return pairs
}

// nameless is what an option is beside its name and what follows from that. The description is a part of it: two options of
// one type are no rename, two that are told about in the same words are.
func nameless(o options.Option, d document) string {
	rest := maps.Clone(d.properties[o.Name])
	for _, key := range []string{"title", "examples", "x-env", "x-placeholder", "x-aliases"} {
		delete(rest, key)
	}
	text, err := json.Marshal(rest)
	if err != nil || o.Description == "" {
		return "--" + o.Name // it is like no other
	}
	return fmt.Sprint(o.Required, canonical(text))
}

// order tells that options which both versions have are in another order, which is the order of help.
func (c *comparison) order(before, after options.Schema) {
	common := func(of, in options.Schema) string {
		var names []string
		for _, o := range of.Options {
			if _, there := in.Get(o.Name); there {
				names = append(names, o.Name)
			}
		}
		return strings.Join(names, ", ")
	}
	if was, is := common(before, after), common(after, before); was != is {
		c.add("text-changed", subject{place: "options"}, was, is)
	}
}

// option compares one option, which may have had another name.
func (c *comparison) option(about subject, before, after document, was, now options.Option) {
	old, new := before.properties[was.Name], after.properties[now.Name]
	switch {
	case was.Required && !now.Required:
		c.add("option-not-required", about, "required", "optional")
	case now.Required && !was.Required && !wasDemanded(before, after, now):
		c.add("option-required", about, "optional", "required")
	}
	c.value(about, old, new)
	if !equal(old["default"], new["default"]) {
		preset := func(value json.RawMessage) string {
			switch {
			case len(value) == 0:
				return "none"
			case was.Secret || now.Secret:
				return "a secret" // which a careless document may hold
			case show(value) == "":
				return string(value) // an empty text is a default
			}
			return show(value)
		}
		c.add("option-default-changed", about, preset(old["default"]), preset(new["default"]))
	}
	different := func(id, old, new string) {
		if old != new {
			c.add(id, about, orNone(old), orNone(new))
		}
	}
	different("option-meaning-changed", kind(was), kind(now))
	different("option-env-changed", was.Env, now.Env)
	different("option-separator-changed", was.Sep, now.Sep)
	switch {
	case was.Secret && !now.Secret:
		c.add("option-secret-unmarked", about, "secret", "plain")
	case now.Secret && !was.Secret:
		c.add("option-secret-marked", about, "plain", "secret")
	}
	different("option-identity-changed", identity(was), identity(now))
	if was.Hidden != now.Hidden {
		c.add("option-visibility-changed", about, told(!was.Hidden, "shown"), told(!now.Hidden, "shown"))
	}
	c.lifecycle(about, was.Change, now.Change)
	c.aliases(about, before, after, was, now)
	switch goes, went := until(now, new), until(was, old); {
	case went == "" && goes != "":
		c.add("option-deprecated", about, "", goes)
	case went != "" && goes == "":
		c.add("option-undeprecated", about, went, "")
	case !equal(old["x-deprecation"], new["x-deprecation"]), !equal(old["deprecated"], new["deprecated"]):
		c.add("option-text-changed", about, orNone(show(old["x-deprecation"])), orNone(show(new["x-deprecation"])))
	}
	for _, key := range union(old, new) {
		if textual(key) && !equal(old[key], new[key]) {
			c.add("option-text-changed", about, show(old[key]), show(new[key]))
		}
	}
}

// ruled are the annotations that have rules of their own.
var ruled = []string{
	"default", "deprecated", "writeOnly", "x-aliases", "x-change", "x-deprecation", "x-env", "x-hidden", "x-identity",
	"x-sep", "x-type", "x-unit",
}

// textual tells whether a keyword only tells people something. Whatever is not known to is not.
func textual(key string) bool {
	known := []string{"description", "title", "examples", "readOnly", "$comment"}
	return slices.Contains(known, key) || strings.HasPrefix(key, "x-") && !slices.Contains(ruled, key)
}

// lifecycle compares when an option may be changed. An option without a class is set once.
func (c *comparison) lifecycle(about subject, was, is string) {
	classes := []string{"", "static", "config", "stream"}
	switch from, to := slices.Index(classes, was), slices.Index(classes, is); {
	case was == is:
	case from <= 1 && to >= 0 && to <= 1:
		c.add("option-text-changed", about, orNone(was), orNone(is)) // both mean once
	case to < from || from < 0:
		c.add("option-lifecycle-narrowed", about, orNone(was), orNone(is))
	default:
		c.add("option-lifecycle-widened", about, orNone(was), orNone(is))
	}
}

// aliases compares the former names of an option. One that is an option of its own again is lost too: it sets something else.
func (c *comparison) aliases(about subject, before, after document, was, now options.Option) {
	for _, name := range was.Aliases {
		if !slices.Contains(now.Aliases, name) && name != now.Name {
			c.add("option-alias-removed", about, name, "")
		}
	}
	for _, name := range now.Aliases {
		_, moved := before.schema.Get(name)
		if !slices.Contains(was.Aliases, name) && !moved {
			c.add("option-added", about, "", name)
		}
	}
	reordered := !slices.Equal(was.Aliases, now.Aliases) &&
		slices.Equal(slices.Sorted(slices.Values(was.Aliases)), slices.Sorted(slices.Values(now.Aliases)))
	if reordered && identity(was) == identity(now) {
		c.add("option-text-changed", about, strings.Join(was.Aliases, ", "), strings.Join(now.Aliases, ", "))
	}
}

// identity tells whether saved positions belong to an option, and by which name: the oldest, which is the first former one.
func identity(o options.Option) string {
	if !o.Identity {
		return "not identity"
	}
	oldest := o.Name
	if len(o.Aliases) > 0 {
		oldest = o.Aliases[0]
	}
	return "identity as " + oldest
}

// until tells how long a deprecated option is kept. It is empty for one that stays.
func until(o options.Option, schema object) string {
	switch {
	case o.Deprecation != nil:
		return "until " + o.Deprecation.Date
	case string(schema["deprecated"]) == "true":
		return "until further notice"
	}
	return ""
}

// kind is what a value means beyond its JSON type.
func kind(o options.Option) string { return strings.TrimSpace(o.Kind + " " + o.Unit) }

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func told(is bool, word string) string {
	if is {
		return word
	}
	return "not " + word
}
