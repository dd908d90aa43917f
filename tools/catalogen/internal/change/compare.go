package change

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// Compare lists what changed from one published document of a connector to another: options, commands, exit statuses,
// record contract, guarantee and all the rest except name and version. Config keys are the options' names, so a change
// of an option is one of its key. The order is that of the newer document, options first. The error names the document
// that cannot be read.
func Compare(old, new []byte) ([]Change, error) {
	before, err := read(old)
	if err != nil {
		return nil, fmt.Errorf("the old document: %w", err)
	}
	after, err := read(new)
	if err != nil {
		return nil, fmt.Errorf("the new document: %w", err)
	}
	return compare(before, after), nil
}

func compare(before, after document) []Change {
	c := &comparison{connector: after.Name}
	c.options(before, after)
	c.document(before, after)
	return c.changes
}

// object is a JSON object whose values are not looked into yet.
type object map[string]json.RawMessage

// A document is metadata in the three forms that comparing needs.
type document struct {
	metadata.Document
	schema     options.Schema
	members    object            // of the document
	conditions object            // of the options' schema: all of it but the properties
	properties map[string]object // of the options' schema
}

func read(text []byte) (document, error) {
	var d document
	if err := json.Unmarshal(text, &d.Document); err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d.members); err != nil {
		return d, err
	}
	var err error
	if d.schema, err = options.Read(d.Schema); err != nil {
		return d, fmt.Errorf("schema: %w", err)
	}
	var flat struct {
		Properties map[string]object `json:"properties"`
	}
	if err := json.Unmarshal(d.Schema, &flat); err != nil {
		return d, fmt.Errorf("schema: %w", err)
	}
	d.properties = flat.Properties
	if err := json.Unmarshal(d.Schema, &d.conditions); err != nil {
		return d, fmt.Errorf("schema: %w", err)
	}
	return d, nil
}

// A comparison gathers changes.
type comparison struct {
	connector string
	changes   []Change
}

// A subject is what changes are about.
type subject struct {
	place  string
	option string
	shared bool
}

// under is a part of a subject.
func (s subject) under(word string) subject {
	s.place += " " + word
	return s
}

func (c *comparison) add(id string, s subject, old, new string) {
	c.changes = append(c.changes, Change{
		Rule: rule(id), Connector: c.connector, Place: s.place, Option: s.option, Shared: s.shared, Old: old, New: new,
	})
}

// document compares all that is not about options.
func (c *comparison) document(before, after document) {
	about := func(place string) subject { return subject{place: place} }
	values := func(id, place string, old, new string) {
		if old != new {
			c.add(id, about(place), old, new)
		}
	}
	ranked := func(worse, better, place string, ranks []string, old, new string) {
		switch from, to := slices.Index(ranks, old), slices.Index(ranks, new); {
		case to < from:
			c.add(worse, about(place), old, new)
		case to > from:
			c.add(better, about(place), old, new)
		}
	}
	values("direction-changed", "direction", string(before.Direction), string(after.Direction))
	c.commands(before.Commands, after.Commands)
	c.statuses(before.ExitStatuses, after.ExitStatuses)
	ranked("guarantee-weakened", "guarantee-strengthened", "guarantee",
		[]string{"", "at-most-once", "at-least-once", "exactly-once"}, string(before.Guarantee), string(after.Guarantee))
	ranked("resuming-removed", "resuming-added", "resumes",
		[]string{"false", "true"}, fmt.Sprint(before.Resumes), fmt.Sprint(after.Resumes))
	ranked("positions-recur", "positions-unique", "positions_recur",
		[]string{"true", "false"}, fmt.Sprint(before.PositionsRecur), fmt.Sprint(after.PositionsRecur))
	c.contract(before, after)
	values("semantic-checks-changed", "semantic_checks",
		strings.Join(before.SemanticChecks, "; "), strings.Join(after.SemanticChecks, "; "))
	c.stability(before, after)
	values("license-changed", "license", before.License, after.License)
	values("format-changed", "metadata_version", before.MetadataVersion, after.MetadataVersion)
	if old, new := before.SDKVersion, after.SDKVersion; old != new {
		c.add("sdk-changed", subject{place: "sdk_version", shared: true}, old, new)
	}
	for _, key := range union(before.members, after.members) {
		if !slices.Contains(judged, key) && !equal(before.members[key], after.members[key]) {
			c.add("text-changed", about(key), show(before.members[key]), show(after.members[key]))
		}
	}
}

// judged are the members of a document that have rules of their own. All others are text for people.
var judged = []string{
	"name", "version", "direction", "schema", "metadata_version", "sdk_version", "stability", "deprecation", "license",
	"commands", "exit_statuses", "guarantee", "resumes", "positions_recur", "record", "semantic_checks",
}

func (c *comparison) commands(before, after []metadata.Command) {
	find := func(list []metadata.Command, name string) int {
		return slices.IndexFunc(list, func(c metadata.Command) bool { return c.Name == name })
	}
	for _, now := range after {
		about := subject{place: "command " + now.Name}
		switch i := find(before, now.Name); {
		case i < 0:
			c.add("command-added", about, "", now.Name)
		case before[i].Description != now.Description:
			c.add("text-changed", about, before[i].Description, now.Description)
		}
	}
	for _, was := range before {
		if find(after, was.Name) < 0 {
			c.add("command-removed", subject{place: "command " + was.Name}, was.Name, "")
		}
	}
}

func (c *comparison) statuses(before, after []metadata.ExitStatus) {
	find := func(list []metadata.ExitStatus, status int) int {
		return slices.IndexFunc(list, func(s metadata.ExitStatus) bool { return s.Status == status })
	}
	for _, now := range after {
		about := subject{place: fmt.Sprintf("status %d", now.Status)}
		switch i := find(before, now.Status); {
		case i < 0:
			c.add("status-added", about, "", now.Meaning)
		case before[i].Meaning != now.Meaning:
			c.add("status-meaning-changed", about, before[i].Meaning, now.Meaning)
		}
	}
	for _, was := range before {
		if find(after, was.Status) < 0 {
			c.add("status-removed", subject{place: fmt.Sprintf("status %d", was.Status)}, was.Meaning, "")
		}
	}
}

// stability compares the levels and the deprecation of the connector itself.
func (c *comparison) stability(before, after document) {
	about := subject{place: "stability"}
	was, is := string(before.Stability), string(after.Stability)
	levels := []string{string(metadata.Experimental), string(metadata.Beta), string(metadata.Stable)}
	switch from, to := slices.Index(levels, was), slices.Index(levels, is); {
	case was == is:
	case after.Stability == metadata.Deprecated:
		c.add("connector-deprecated", about, was, is)
	case before.Stability == metadata.Deprecated:
		c.add("connector-undeprecated", about, was, is)
	case to < from:
		c.add("stability-lowered", about, was, is)
	default:
		c.add("stability-raised", about, was, is)
	}
	if old, new := before.members["deprecation"], after.members["deprecation"]; was == is && !equal(old, new) {
		c.add("text-changed", subject{place: "deprecation"}, show(old), show(new))
	}
}
