package site

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

func TestGroupsStandInOrderOfAppearanceWithOwnBeforeSharedAndNothingHidden(t *testing.T) {
	options, err := decodeOptions(json.RawMessage(`{"properties": {
		"topic": {"type": "string", "x-shared": true, "x-group": "Flow"},
		"b": {"type": "string", "x-group": "Second"},
		"a": {"type": "string"},
		"c": {"type": "string", "x-group": "Second"},
		"e": {"type": "string", "x-hidden": true},
		"d": {"type": "string", "x-group": "Flow"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groupOptions(options) {
		line := g.Anchor + " " + g.Title
		if g.Shared {
			line += " (shared)"
		}
		for _, o := range g.Options {
			line += " " + o.Name
		}
		got = append(got, line)
	}
	want := []string{"group-second Second b c", "group-general General a", "group-flow Flow d", "group-flow-2 Flow (shared) topic"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOptionsAreShownInWords(t *testing.T) {
	tests := []struct{ name, property, kind, bounds string }{
		{"a duration", `{"type": "string", "x-type": "duration", "pattern": "x"}`, "duration, such as 1m30s", ""},
		{"a size", `{"type": "string", "x-type": "size"}`, "size, such as 64KiB", ""},
		{"an address", `{"type": "string", "x-type": "url"}`, "URL", ""},
		{"a type of the future", `{"type": "string", "x-type": "cloud-region"}`, "cloud region", ""},
		{"text", `{"type": "string"}`, "text", ""},
		{"a word of several", `{"type": "string", "enum": ["a", "b"]}`, "one of", ""},
		{"a switch", `{"type": "boolean"}`, "true or false", ""},
		{"a bounded number with a unit", `{"type": "integer", "minimum": 1, "maximum": 9, "x-unit": "pages"}`, "whole number", "1 to 9 pages"},
		{"a least number", `{"type": "number", "minimum": 0.5}`, "number", "at least 0.5"},
		{"a most number", `{"type": "number", "maximum": 7}`, "number", "at most 7"},
		{
			"a number without bounds of its own",
			`{"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991}`, "whole number", "",
		},
		{"a number that a foreign program lets be null", `{"type": ["integer", "null"]}`, "whole number", ""},
		{"a list of text", `{"type": "array", "items": {"type": "string"}}`, "list of text", ""},
		{"a list of durations", `{"type": "array", "items": {"type": "string", "x-type": "duration"}}`, "list of durations, such as 1m30s", ""},
		{"a list of bounded numbers", `{"type": "array", "items": {"type": "integer", "minimum": 1}}`, "list of whole numbers", "at least 1"},
		{"a list of words", `{"type": "array", "items": {"enum": ["a"]}}`, "list of", ""},
		{"pairs", `{"type": "object", "additionalProperties": {"type": "string"}}`, "pairs of key=value", ""},
		{"anything", `{}`, "any value", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options, err := decodeOptions(json.RawMessage(`{"properties": {"o": ` + tt.property + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := options[0]; got.Type != tt.kind || got.Range != tt.bounds {
				t.Errorf("got %q, %q; want %q, %q", got.Type, got.Range, tt.kind, tt.bounds)
			}
		})
	}
}

func TestRecordFieldsAreFlattened(t *testing.T) {
	note, fields := decodeFields(json.RawMessage(`{"type": "object", "description": "A note.", "required": ["a"], "properties": {
		"a": {"type": "object", "properties": {"b": {"type": "string"}}},
		"c": {"type": "array", "items": {"type": "object", "properties": {"d": true}}}}}`))
	if note != "A note." {
		t.Errorf("note %q", note)
	}
	want := []field{
		{Path: "a", Type: "object", Required: true},
		{Path: "a.b", Type: "text"},
		{Path: "c", Type: "list of objects"},
		{Path: "c[].d", Type: "any value"},
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
}

func TestChangesBetweenVersions(t *testing.T) {
	read := func(properties string) release {
		schema := json.RawMessage(`{"properties": {` + properties + `}}`)
		options, err := decodeOptions(schema)
		if err != nil {
			t.Fatal(err)
		}
		return release{metadata.Document{Schema: schema}, options}
	}
	older := read(`"gone": {"type": "string"}, "secret-door": {"type": "string", "x-hidden": true}, "same": {"type": "string", "default": "x"},
		"mode": {"type": "string", "enum": ["a"], "default": ""}, "n": {"type": "integer"}, "key": {"type": "string"}`)
	newer := read(`"same": {"type": "string", "default": "x"}, "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
		"n": {"type": "number", "minimum": 1}, "key": {"type": "string", "writeOnly": true}, "new": {"type": "string"}`)
	list, err := changes(older, newer)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, c.Rule.ID+" "+c.Place)
	}
	want := []string{
		"option-enum-widened --mode", "option-default-changed --mode", "option-type-widened --n", "option-range-narrowed --n",
		"option-secret-marked --key", "option-added --new", "option-removed --gone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASecretHasNoDefaultWhateverItsSchemaSays(t *testing.T) {
	options, err := decodeOptions(json.RawMessage(`{"properties": {"key": {"type": "string", "writeOnly": true, "default": "x"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if o := options[0]; !o.Secret || o.HasDefault || o.Default != "" {
		t.Errorf("got %+v", o)
	}
}
