package configschema

import (
	"encoding/json"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

const options = `{
  "$schema": "http://json-schema.org/draft-07/schema#", "title": "Options", "type": "object",
  "properties": {
    "page-size": {"type": "integer", "minimum": 1},
    "endpoint": {"type": "string", "pattern": "^https?://"},
    "header": {"type": "array", "items": {"type": "string", "maxLength": 5}},
    "token": {"type": "string", "writeOnly": true},
    "user": {"type": "string"},
    "topic": {"type": "string", "minLength": 1},
    "filter": {"type": "array", "items": {"type": "string"}}
  },
  "required": ["endpoint", "topic"], "additionalProperties": false,
  "allOf": [{"not": {"required": ["token", "user"]}}],
  "dependencies": {"page-size": ["header"]}
}`

// derive compiles what is derived from an options schema.
func derive(t *testing.T, options string) *schema.Schema {
	t.Helper()
	config, err := Derive(metadata.Document{Name: "a-source", Version: "0.1.0", Schema: json.RawMessage(options)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := schema.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestDeriveBringsDefinitionsAndNumbersAlong(t *testing.T) {
	compiled := derive(t, `{"properties": {"a": {"$ref": "#/definitions/small"}, "b": {"type": "number", "maximum": 1e400}},
		"definitions": {"small": {"type": "integer", "maximum": 5}}}`)
	for file, want := range map[string]bool{
		`{"parameters": {"a": 5}}`: true, `{"parameters": {"a": 6}}`: false, `{"parameters": {"b": 1e399}}`: true, `{"parameters": {"b": 1e401}}`: false,
	} {
		if problems := compiled.ValidateText([]byte(file)); (len(problems) == 0) != want {
			t.Errorf("%s: %v", file, problems)
		}
	}
}

// An editor strikes out what is deprecated only if it says so where the option itself is described.
func TestWhatGoesIsMarkedAtTheTop(t *testing.T) {
	for _, kind := range []string{`"type": "string"`, `"type": "array", "items": {"type": "string"}`} {
		config, err := Derive(metadata.Document{Name: "a-source", Schema: json.RawMessage(`{"properties": {"a": {"deprecated": true, ` + kind + `}}}`)})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Properties struct {
				Parameters struct {
					Properties struct{ A struct{ Deprecated bool } }
				}
			}
		}
		if err := json.Unmarshal(text, &got); err != nil || !got.Properties.Parameters.Properties.A.Deprecated {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

func TestDerive(t *testing.T) {
	compiled := derive(t, options)
	tests := []struct {
		name  string
		file  string
		valid bool
	}{
		{"accepts the least", `{"topic": "t", "parameters": {"endpoint": "http://a"}}`, true},
		{"accepts everything at its place", `{"name": "n", "type": "a-source", "version": "0.1.0", "topic": "t",
			"parameters": {"endpoint": "http://a", "page-size": 5, "header": ["a"]}, "secrets": {"token": "x"},
			"transforms": [{"map": "."}, {"filter": "true"}, {"arraymap": ".[]"}, {"uses": "x.wasm", "with": {"a": 1}}]}`, true},
		{"accepts underscores", `{"topic": "t", "parameters": {"endpoint": "http://a", "page_size": 5, "header": ["a"]}}`, true},
		{"accepts a reference for a number", `{"topic": "t", "parameters": {"endpoint": "http://a", "page-size": "${env:N}", "header": []}}`, true},
		{"accepts a reference in a list", `{"topic": "t", "parameters": {"endpoint": "http://a", "header": ["${file:/run/long}"]}}`, true},
		{"accepts a reference for the topic", `{"topic": "${env:TOPIC}", "parameters": {"endpoint": "http://a"}}`, true},
		{"accepts a secret among the parameters", `{"topic": "t", "parameters": {"endpoint": "http://a", "token": "x"}}`, true},
		{"accepts a required option among the secrets", `{"topic": "t", "secrets": {"endpoint": "http://a"}}`, true},
		{"accepts what a SmartModule takes", `{"topic": "t", "parameters": {"endpoint": "http://a"}, "transforms": [
			{"map": "x.wasm", "with": {"a": 1}, "lookback": {"last": 5, "age": "1h"}}, {"filter": "${env:X}", "with": {}}, {"uses": "y.wasm", "initial": 0}]}`, true},
		{"refuses an initial value for an expression", `{"topic": "t", "parameters": {"endpoint": "http://a"}, "transforms": [{"map": ".", "initial": 0}]}`, false},
		{"refuses no initial value", `{"topic": "t", "parameters": {"endpoint": "http://a"}, "transforms": [{"uses": "y.wasm", "initial": null}]}`, false},
		{"refuses parameters for an expression", `{"topic": "t", "parameters": {"endpoint": "http://a"}, "transforms": [{"map": ".", "with": {}}]}`, false},
		{"refuses a half reference", `{"topic": "t", "parameters": {"endpoint": "http://a", "page-size": "x${env:N}", "header": []}}`, false},
		{"refuses a reference to nothing", `{"topic": "t", "parameters": {"endpoint": "${env:}"}}`, false},
		{"refuses another connector", `{"type": "b-source", "topic": "t", "parameters": {"endpoint": "http://a"}}`, false},
		{"refuses a missing topic", `{"parameters": {"endpoint": "http://a"}}`, false},
		{"refuses a missing option", `{"topic": "t", "parameters": {}}`, false},
		{"refuses a wrong value", `{"topic": "t", "parameters": {"endpoint": "a"}}`, false},
		{"refuses an unknown option", `{"topic": "t", "parameters": {"endpoint": "http://a", "x": 1}}`, false},
		{"refuses an unknown key", `{"topic": "t", "options": {}, "parameters": {"endpoint": "http://a"}}`, false},
		{"refuses a step among the parameters", `{"topic": "t", "parameters": {"endpoint": "http://a", "filter": ["."]}}`, false},
		{"refuses two kinds in one step", `{"topic": "t", "parameters": {"endpoint": "http://a"}, "transforms": [{"map": ".", "filter": "."}]}`, false},
		{"refuses what excludes each other", `{"topic": "t", "parameters": {"endpoint": "http://a", "user": "u"}, "secrets": {"token": "x"}}`, false},
		{"refuses what misses its companion", `{"topic": "t", "parameters": {"endpoint": "http://a", "page-size": 5}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if problems := compiled.ValidateText([]byte(tt.file)); (len(problems) == 0) != tt.valid {
				t.Errorf("valid = %v, want %v: %v", !tt.valid, tt.valid, problems)
			}
		})
	}
}

func TestFormerNamesAreTaken(t *testing.T) {
	compiled := derive(t, `{"properties": {"page-size": {"type": "integer", "x-aliases": ["max-rows"]}, "topic": {"type": "string"}},
		"patternProperties": {"^max-rows$": {"$ref": "#/properties/page-size"}}, "additionalProperties": false,
		"allOf": [{"oneOf": [{"required": ["page-size"]}, {"required": ["max-rows"]}]}]}`)
	for file, want := range map[string]bool{
		`{"parameters": {"page-size": 5}}`: true, `{"parameters": {"max-rows": 5}}`: true, `{"parameters": {"max_rows": 5}}`: true,
		`{"secrets": {"max_rows": 5}}`: true, `{"parameters": {"max_rows": "a"}}`: false, `{}`: false, `{"parameters": {"maxrows": 5}}`: false,
		`{"parameters": {"max_rows": 5, "page_size": 5}}`: false,
	} {
		if problems := compiled.ValidateText([]byte(file)); (len(problems) == 0) != want {
			t.Errorf("%s: %v", file, problems)
		}
	}
}
