package options

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadKeepsTheOrderAndBothFormsOfType(t *testing.T) {
	s, err := Read(json.RawMessage(`{"$schema": "d", "title": "T", "required": ["b"], "properties": {
		"b": {"type": ["null", "integer"], "maxLength": 100.0, "enum": [1, 1000000]}, "a": {"type": "string", "x-hidden": true, "writeOnly": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Schema{Draft: "d", Title: "T", Required: []string{"b"}, Options: []Option{
		{Name: "b", Required: true, Type: Types{"null", "integer"}, Longest: "100.0", Enum: []json.RawMessage{[]byte("1"), []byte("1000000")}},
		{Name: "a", Type: Types{"string"}, Hidden: true, Secret: true},
	}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	if b, ok := s.Get("b"); !ok || b.Type.First() != "integer" || !b.Type.Has("null") {
		t.Errorf("b: %+v, %v", b, ok)
	}
	if _, ok := s.Get("c"); ok {
		t.Error("there is an option c")
	}
	if names := s.Names(); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("names %v", names)
	}
	if visible := s.Visible(); len(visible) != 1 || visible[0].Name != "b" {
		t.Errorf("visible %v", visible)
	}
}

func TestAnOptionWithFormerNamesIsRequiredByOneOf(t *testing.T) {
	const properties = `"properties": {"url": {"x-aliases": ["endpoint", "address"]}, "endpoints": {}}`
	for conditions, want := range map[string]bool{
		`"allOf": [{"oneOf": [{"required": ["url"]}, {"required": ["endpoint"]}, {"required": ["address"]}]}]`: true,
		`"allOf": [{"oneOf": [{"required": ["url"]}, {"required": ["endpoint"]}]}]`:                            false,
		`"allOf": [{"anyOf": [{"required": ["url"]}, {"required": ["endpoint"]}, {"required": ["address"]}]}]`: false,
		`"allOf": {}`: false,
	} {
		s, err := Read(json.RawMessage("{" + conditions + ", " + properties + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if o, _ := s.Get("url"); o.Required != want || slices.Contains(s.Required, "url") != want {
			t.Errorf("%s: required %t, %v", conditions, o.Required, s.Required)
		}
		for name, known := range map[string]string{"url": "url", "address": "url", "endpoints": "endpoints", "addres": ""} {
			if o, ok := s.Named(name); o.Name != known || ok != (known != "") {
				t.Errorf("%s is %q", name, o.Name)
			}
		}
	}
}

func TestReadNamesTheOptionThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		`{"properties": {"good": {}, "odd": {"x-hidden": "yes"}}}`: "option odd: ",
		`{"properties": {"odd": {"type": 5}}}`:                     "option odd: ",
		`{"properties": {"odd": true}}`:                            "option odd: ",
		`{"properties": []}`:                                       "properties: want an object",
	} {
		if _, err := Read(json.RawMessage(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s…", text, err, want)
		}
	}
}

func TestFieldsReadWhatTheyCan(t *testing.T) {
	description, fields := Fields(json.RawMessage(`{"description": "All.", "required": ["a", "list"], "properties": {
		"list": {"type": "array", "items": {"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}}}},
		"a": true, "odd": {"type": 5, "description": "lost", "properties": {"kept": {}}}, "b": {"properties": {"c": {"type": ["string", "null"]}}},
		"tuple": {"type": "array", "items": [{}]}}}`))
	if description != "All." {
		t.Errorf("description %q", description)
	}
	var got []string
	for _, f := range fields {
		line := f.Path + " " + f.Type.First()
		if f.Required {
			line += "!"
		}
		got = append(got, line)
	}
	want := []string{"list array!", "list[].x number!", "a !", "odd ", "odd.kept ", "b ", "b.c string", "tuple "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "true", "[]", "5", `{"properties": 5, "required": 5, "items": 5}`} {
		if description, fields := Fields(json.RawMessage(text)); description != "" || len(fields) > 0 {
			t.Errorf("%s: %q, %v", text, description, fields)
		}
	}
}

func TestFieldsEnd(t *testing.T) {
	deep := strings.Repeat(`{"properties": {"a": `, 50) + "{}" + strings.Repeat("}}", 50)
	if _, fields := Fields(json.RawMessage(deep)); len(fields) != maxDepth+1 {
		t.Errorf("%d fields", len(fields))
	}
}

func TestFlagTexts(t *testing.T) {
	for text, want := range map[string][]string{
		`"a b"`: {"a b"}, `5`: {"5"}, `true`: {"true"}, `["a", 5]`: {"a", "5"}, `{"b": "2", "a": "1"}`: {"a=1", "b=2"}, `[]`: nil,
	} {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, FlagTexts(value)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{`"a\nb"`: "a\nb", `[1, 2.50]`: "[1,2.50]", `null`: "", `1000000`: "1000000", `x`: "x"} {
		if got := Plain(json.RawMessage(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
