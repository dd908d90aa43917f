package schema

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompileRefusesOtherDocuments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "other.json")
	if err := os.WriteFile(file, []byte(`{"type": "object"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"file://" + file, file, "file:///dev/zero", "http://127.0.0.1:1/x", "https://example.com/x", "other.json"} {
		if _, err := Compile([]byte(`{"$ref": "` + ref + `"}`)); !errors.Is(err, ErrForeign) {
			t.Errorf("$ref %s: error %v, want %v", ref, err, ErrForeign)
		}
	}
	for _, good := range []string{`{"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}`, `{"$schema": "https://json-schema.org/draft/2020-12/schema"}`} {
		if _, err := Compile([]byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{`{"type": "nonsense"}`, `{"pattern": "("}`, `{`, `{"$ref": "#/nowhere"}`} {
		if _, err := Compile([]byte(bad)); err == nil {
			t.Errorf("%s compiles", bad)
		}
	}
}

func TestValidateTellsEveryProblem(t *testing.T) {
	s, err := Compile([]byte(`{"type": "object", "required": ["a"], "additionalProperties": false,
		"properties": {"a": {}, "b": {"type": "integer", "maximum": 5}, "c": {"anyOf": [{"type": "string"}, {"type": "boolean"}]}, "x/y": {"type": "array", "items": {"type": "string"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.ValidateText([]byte(`{"b": 6, "c": 1, "d": 1, "x/y": ["a", 2]}`)) {
		got = append(got, p.String())
	}
	want := []string{
		"additional properties 'd' not allowed", "missing property 'a'",
		"/b: maximum: got 6, want 5", "/c: 'anyOf' failed", "/x~1y/1: got number, want string",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if problems := s.ValidateText([]byte(`{"a": 1, "b": 1.0}`)); len(problems) > 0 {
		t.Errorf("a valid value has problems: %v", problems)
	}
	if problems := s.ValidateText([]byte(`{`)); len(problems) != 1 {
		t.Errorf("half a document: %v", problems)
	}
}

// document is a metadata document that breaks nothing.
const document = `{"name": "a-source", "direction": "source", "version": "1.0.0", "description": "Reads things.",
	"schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
		"properties": {"topic": {"type": "string", "x-env": "PATCHBAY_TOPIC"}}},
	"metadata_version": "1", "stability": "beta", "license": "MIT", "category": "Web",
	"commands": [{"name": "state show", "description": "Shows."}], "exit_statuses": [{"status": 0, "meaning": "done"}]}`

func TestValidateMetadata(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           string // the pointer of the problem; "ok" for none
	}{
		{"accepts a document", "", "", "ok"},
		{"accepts a private key", `"category"`, `"x-note": 1, "category"`, "ok"},
		{"refuses an unknown key", `"category"`, `"kategory": 1, "category"`, ""},
		{"refuses a direction in upper case", `"direction": "source"`, `"direction": "Source"`, "/direction"},
		{"refuses a name without its direction", `"a-source"`, `"a"`, "/name"},
		{"refuses a version with a v", `"1.0.0"`, `"v1.0.0"`, "/version"},
		{"refuses a path as a version", `"1.0.0"`, `"../1.0.0"`, "/version"},
		{"refuses a leading zero", `"1.0.0"`, `"1.0.01"`, "/version"},
		{"refuses an open schema", `"additionalProperties": false`, `"additionalProperties": true`, "/schema/additionalProperties"},
		{"refuses another draft", "draft-07", "draft-04", "/schema/$schema"},
		{"refuses an option that is no flag", `"topic": {`, `"Topic_1": {`, ""},
		{"refuses a custom format", `"x-env": "PATCHBAY_TOPIC"`, `"format": "secret"`, "/schema/properties/topic/format"},
		{"refuses items that are no schema of one value", `"x-env": "PATCHBAY_TOPIC"`, `"items": [true]`, "/schema/properties/topic/items"},
		{"refuses odd items", `"x-env": "PATCHBAY_TOPIC"`, `"items": {"x-hidden": "yes"}`, "/schema/properties/topic/items/x-hidden"},
		{"refuses a list of nothing to choose from", `"x-env": "PATCHBAY_TOPIC"`, `"enum": "a"`, "/schema/properties/topic/enum"},
		{"refuses hidden as text", `"x-env": "PATCHBAY_TOPIC"`, `"x-hidden": "yes"`, "/schema/properties/topic/x-hidden"},
		{"refuses identity as text", `"x-env": "PATCHBAY_TOPIC"`, `"x-identity": "yes"`, "/schema/properties/topic/x-identity"},
		{"refuses a unit that is no text", `"x-env": "PATCHBAY_TOPIC"`, `"x-unit": 5`, "/schema/properties/topic/x-unit"},
		{"refuses a class that is no text", `"x-env": "PATCHBAY_TOPIC"`, `"x-change": ["config"]`, "/schema/properties/topic/x-change"},
		{"accepts former names", `"x-env": "PATCHBAY_TOPIC"`, `"x-aliases": ["subject"]`, "ok"},
		{"refuses a former name that is no list", `"x-env": "PATCHBAY_TOPIC"`, `"x-aliases": "subject"`, "/schema/properties/topic/x-aliases"},
		{"accepts an option that goes", `"x-env": "PATCHBAY_TOPIC"`, `"deprecated": true, "x-deprecation": {"date": "2027-01-01", "replacement": "none", "note": "c"}`, "ok"},
		{"refuses an option that goes without a way out", `"x-env": "PATCHBAY_TOPIC"`, `"x-deprecation": {"date": "2027-01-01"}`, "/schema/properties/topic/x-deprecation"},
		{"refuses an option that goes some day", `"x-env": "PATCHBAY_TOPIC"`, `"x-deprecation": {"date": "soon", "replacement": "none", "note": "c"}`, "/schema/properties/topic/x-deprecation/date"},
		{"refuses an option that goes perhaps", `"x-env": "PATCHBAY_TOPIC"`, `"deprecated": "yes"`, "/schema/properties/topic/deprecated"},
		{"refuses a placeholder that is no text", `"x-env": "PATCHBAY_TOPIC"`, `"x-placeholder": {}`, "/schema/properties/topic/x-placeholder"},
		{"refuses a separator that is no text", `"x-env": "PATCHBAY_TOPIC"`, `"x-sep": true`, "/schema/properties/topic/x-sep"},
		{"refuses one example that is no list", `"x-env": "PATCHBAY_TOPIC"`, `"examples": "a"`, "/schema/properties/topic/examples"},
		{"refuses a variable in lower case", `"PATCHBAY_TOPIC"`, `"topic"`, "/schema/properties/topic/x-env"},
		{"refuses deprecated without a way out", `"beta"`, `"deprecated"`, ""},
		{"refuses a way out without deprecated", `"beta"`, `"beta", "deprecation": {"date": "2027-01-01", "replacement": "b", "note": "c"}`, ""},
		{"refuses a missing licence", `"license": "MIT",`, ``, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(document, tt.old, tt.new, 1)
			if tt.old != "" && text == document {
				t.Fatal("the test changes nothing")
			}
			_, problems := ValidateMetadata([]byte(text))
			switch {
			case tt.want == "ok" && len(problems) > 0:
				t.Errorf("problems %v", problems)
			case tt.want != "ok" && (len(problems) == 0 || problems[0].Pointer != tt.want):
				t.Errorf("problems %v, want one at %q", problems, tt.want)
			}
		})
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a-source": true, "kafka-0-sink": true, strings.Repeat("a", 57) + "-source": true,
		"": false, "a": false, "-source": false, "A-source": false, "a_b-sink": false, "a-source/..": false, "a-source\n": false,
		strings.Repeat("a", 58) + "-source": false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestValidateIndex(t *testing.T) {
	digest := `"sha256:` + strings.Repeat("0", 64) + `"`
	const entry = `{"connectors": [{"name": "a-source", "direction": "source", "version": "1.0.0", "versions": ["1.0.0"], "stability": "beta",
		"category": "Web", "description": "Reads.", "path": "connectors/sources/a-source", "metadata_digest": D, "input_digest": D,
		"evidence": {"digest": D, "tests": [{"suite": "s", "name": "n", "status": "passed"}]}}]}`
	good := strings.ReplaceAll(entry, "D", digest)
	const gone = `{"connectors": [], "retired": [{"name": "a-sink", "date": "2027-01-31", "reason": "It is over.", "replacement": "none", "versions": ["1.0.0"]}]}`
	for _, text := range []string{`{"connectors": []}`, good, gone} {
		if problems := ValidateIndex([]byte(text)); len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
		}
	}
	for _, bad := range []string{
		`{}`, `{"connectors": null}`, `{"connectors": [null]}`, strings.Replace(good, "passed", "skipped", 1),
		strings.Replace(gone, `["1.0.0"]`, `[]`, 1), strings.Replace(gone, `"It is over."`, `""`, 1), strings.Replace(gone, "2027-01-31", "soon", 1),
		strings.Replace(good, "connectors/sources/", "../", 1), strings.Replace(good, `[{"suite": "s", "name": "n", "status": "passed"}]`, "[]", 1),
	} {
		if problems := ValidateIndex([]byte(bad)); len(problems) == 0 {
			t.Errorf("accepted: %s", bad)
		}
	}
}

// FuzzCompile looks for schemas that make the compiler or the validator panic.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{`{}`, `true`, `{"$ref": "#"}`, `{"allOf": [{"$ref": "#"}]}`, `{"properties": {"a": {"enum": [1]}}}`, `{"$id": "http://a/b", "$ref": "c"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Compile(text); err == nil && len(text) < 200 && !strings.Contains(string(text), "ef") {
			s.ValidateText([]byte(`{"a": [1, "b", null]}`))
		}
	})
}
