package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWriteIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.json")
	err := Write(path, Flat{
		Type: "http-source", Name: "${env:HOME}", Topic: "t",
		Options: map[string]any{
			"endpoint": "${env:HOME}", "a_b": "$${x} $${env:", "list": []string{"${file:/etc/passwd}", "<&>\u2028"},
			"n": 5, "f": 1.5, "big": json.Number("12345678901234567890.10"), "yes": true,
			"headers": map[string]string{"${env:A}": "${env:B}"},
			"filter":  ".a == \"${env:X}\"", "map": []any{".", "x.wasm"}, "arraymap": []string{".[]"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read(path, Env{})
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Path: path, Type: &Value{Any: "http-source", Line: 1}, Name: &Value{Any: "${env:HOME}", Line: 1},
		Topic: &Value{Any: "t", Line: 1},
		Parameters: map[string]Value{
			"endpoint": {Any: "${env:HOME}", Line: 1}, "a-b": {Any: "$${x} $${env:", Line: 1},
			"list": {Any: []any{"${file:/etc/passwd}", "<&>\u2028"}, Line: 1},
			"n":    {Any: json.Number("5"), Line: 1}, "f": {Any: json.Number("1.5"), Line: 1},
			"big": {Any: json.Number("12345678901234567890.10"), Line: 1}, "yes": {Any: true, Line: 1},
			"headers": {Any: map[string]any{"${env:A}": "${env:B}"}, Line: 1},
		},
		Transforms: []Transform{
			{Kind: "map", Text: ".", Line: 1},
			{Kind: "map", Text: "x.wasm", Line: 1},
			{Kind: "filter", Text: ".a == \"${env:X}\"", Line: 1},
			{Kind: "arraymap", Text: ".[]", Line: 1},
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("File (-want +got):\n%s", diff)
	}
}

func TestWriteReplacesAndHides(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.json")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, Flat{Topic: "t"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode = %v", info.Mode())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left beside the file: %v", entries)
	}
	if err := Write(filepath.Join(dir, "nowhere", "f"), Flat{Topic: "t"}); err == nil {
		t.Error("a missing folder is no error")
	}
	if err := Write(dir, Flat{Topic: "t"}); err == nil {
		t.Error("a folder in the file's place is no error")
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
		t.Errorf("left beside the folder: %v", entries)
	}
}

func TestWriteRefuses(t *testing.T) {
	var deep any = "hunter2"
	for range MaxDepth {
		deep = []any{deep}
	}
	tests := []struct {
		name string
		flat Flat
		want string
	}{
		{"null", Flat{Options: map[string]any{"a": nil}}, "option a: the value is null; leave the option out"},
		{"nested null", Flat{Options: map[string]any{"a": []any{nil}}}, "option a: the value is null"},
		{
			"another type",
			Flat{Options: map[string]any{"a": struct{ X string }{"hunter2"}}},
			"option a: a value of type struct",
		},
		{
			"text that is not UTF-8",
			Flat{Options: map[string]any{"a": "hunter2\xff"}},
			"option a: the value is not UTF-8 text",
		},
		{
			"a key that is not UTF-8",
			Flat{Options: map[string]any{"a": map[string]any{"hunter2\xff": 1}}},
			"option a: a key is not UTF-8 text",
		},
		{
			"an option name that is not UTF-8",
			Flat{Options: map[string]any{"a\xff": 1}},
			"an option's name is not UTF-8 text",
		},
		{"a name that is not UTF-8", Flat{Name: "a\xff"}, "type, name or topic is not UTF-8 text"},
		{
			"an odd number",
			Flat{Options: map[string]any{"a": json.Number("0x1")}},
			"option a: the number is not written as JSON",
		},
		{"two spellings", Flat{Options: map[string]any{"a_b": 1, "a-b": 2}}, "stands in line 1 already"},
		{"an empty name", Flat{Options: map[string]any{"": 1}}, "a key is empty"},
		{"depth", Flat{Options: map[string]any{"a": deep}}, "nest deeper than 64"},
		{"size", Flat{Options: map[string]any{"a": strings.Repeat("x", MaxBytes)}}, "larger than"},
		{
			"the topic among the options",
			Flat{Options: map[string]any{"topic": "x"}},
			"topic is not an option of the flat form",
		},
		{
			"a config file among the options",
			Flat{Options: map[string]any{"config": "x"}},
			"config is not an option of the flat form",
		},
		{
			"a filter that is a number",
			Flat{Options: map[string]any{"filter": 1}},
			"option filter: the value is not text or a list of texts",
		},
		{
			"a filter that is a list of numbers",
			Flat{Options: map[string]any{"filter": []any{1}}},
			"option filter: the value is not text or a list of texts",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.json")
			err := Write(path, tt.flat)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the value: %v", err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a file was written")
			}
		})
	}
}

func TestAnyValueIsReadBackExactly(t *testing.T) {
	word := rapid.OneOf(rapid.String(), rapid.StringMatching(`([$]|[{]|[}]|env:|file:|A){0,12}`))
	leaf := rapid.OneOf(word.AsAny(), rapid.Bool().AsAny(),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,5})?(e[-+]?[0-9]{1,3})?`),
			func(s string) any { return json.Number(s) }))
	list := rapid.Map(rapid.SliceOfN(leaf, 0, 4), func(v []any) any { return v })
	value := rapid.OneOf(leaf, list, rapid.Map(rapid.MapOfN(word, rapid.OneOf(leaf, list), 0, 4),
		func(v map[string]any) any { return v }))
	rapid.Check(t, func(t *rapid.T) {
		options := rapid.MapOf(rapid.StringMatching(`[xyz][a-z.$}{:]{0,5}(-[a-z]{1,3})?`), value).Draw(t, "options")
		topic := word.Draw(t, "topic")
		data, err := marshal("f.json", Flat{Topic: topic, Options: options})
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse("f.yaml", data, Env{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		for name, v := range f.Parameters {
			got[name] = v.Any
		}
		if diff := cmp.Diff(options, got); diff != "" {
			t.Fatalf("options (-want +got):\n%s", diff)
		}
		if topic != "" && f.Topic.Any != topic {
			t.Fatalf("topic = %q, want %q", f.Topic.Any, topic)
		}
	})
}

func FuzzWrite(f *testing.F) {
	f.Add("${env:HOME}", "$${", "$")
	f.Fuzz(func(t *testing.T, a, b, key string) {
		if key == "" {
			return
		}
		values := map[string]any{"v": map[string]any{key: []any{a, b}, key + "x": a}}
		data, err := marshal("f.json", Flat{Options: values})
		if err != nil {
			return // not UTF-8, or too large: TestWriteRefuses
		}
		file, err := Parse("f.json", data, Env{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values["v"], file.Parameters["v"].Any); diff != "" {
			t.Errorf("value (-want +got):\n%s", diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"name: a\nparameters: {a: &x [1, 'b'], c: *x}\nsecrets:\n  d: |\n    e\n",
		`{"topic": "x", "transforms": [{"map": "."}, {"uses": "a.wasm", "with": {"a": 1}}]}`,
		"a: !!str 1\n? b\n: - - c\n", "%YAML 1.2\n---\na: ${env:A}\n...\n", "[{,}]", "- &a *a\n", "\"\\", "a: >2-\n  b\n",
	} {
		f.Add([]byte(seed))
	}
	env := Env{LookupEnv: func(string) (string, bool) { return "", false }, ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, path := range []string{"f.yaml", "f.json"} {
			file, err := Parse(path, data, env)
			if file == nil && err == nil {
				t.Fatal("neither a file nor an error")
			}
			if file != nil {
				if _, err := json.Marshal(file); err != nil {
					t.Fatalf("the values are not JSON: %v", err)
				}
			}
		}
		// What encoding/json refuses is refused, and the other way round.
		if len(data) > MaxBytes {
			return
		}
		trimmed := bytes.TrimPrefix(data, []byte("\ufeff"))
		_, problem := parseJSON(trimmed)
		if valid := json.Valid(trimmed); valid != (problem == nil) && (problem == nil || !strings.Contains(problem.Message, "nest deeper")) {
			t.Errorf("valid JSON: %v, problem: %v", valid, problem)
		}
	})
}
