package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
)

// check runs all rules on a document that breaks none, with text replaced.
func check(t *testing.T, name, old, replacement string, waivers Waivers) []string {
	t.Helper()
	text := fake.Metadata(name)
	if old != "" && !strings.Contains(text, old) {
		t.Fatalf("the document does not hold %q", old)
	}
	return checkText(t, name, strings.Replace(text, old, replacement, 1), waivers)
}

// checkText runs all rules on a document as a connector of a name prints it.
func checkText(t *testing.T, name, text string, waivers Waivers) []string {
	t.Helper()
	direction := metadata.Direction(suffix(name))
	s := Subject{Folder: discover.Folder{Name: name, Direction: direction}, Text: []byte(text), Waivers: waivers}
	var err error
	if s.Document, s.Published, err = probe.Decode(s.Text); err != nil {
		t.Fatal(err)
	}
	var got []string
	_, findings := Check(s)
	for _, f := range findings {
		if f.Connector != name || f.Message == "" {
			t.Errorf("finding %v", f)
		}
		got = append(got, f.Rule+" "+f.Where)
	}
	slices.Sort(got)
	return got
}

// doubling defines schemas of which each asks twice for the next.
func doubling(levels int) string {
	text := "{"
	for i := range levels {
		text += fmt.Sprintf(`"d%d": {"allOf": [{"$ref": "#/definitions/d%d"}, {"$ref": "#/definitions/d%d"}]}, `, i, i+1, i+1)
	}
	return text + fmt.Sprintf(`"d%d": {}}`, levels)
}

func suffix(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

func TestCheck(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     []string
	}{
		{"accepts a good document", "", "", nil},
		{"another name", `"a-source"`, `"b-source"`, []string{
			"name-matches-folder /name", "option-env /schema/properties/endpoint", "option-env /schema/properties/header",
			"option-env /schema/properties/interval", "option-env /schema/properties/limit", "option-env /schema/properties/mode",
			"option-env /schema/properties/strict", "option-env /schema/properties/token",
		}},
		{"the other direction", `"direction": "source"`, `"direction": "sink"`, []string{"direction-matches-folder /direction"}},
		{"build metadata", `"0.1.0"`, `"0.1.0+x"`, []string{"version-semver /version"}},
		{"no full stop", "for tests.", "for tests", []string{"description-sentence /description"}},
		{"two sentences", "for tests.", "for tests. And more.", []string{"description-sentence /description"}},
		{"a line break", "Moves records", `Moves\nrecords`, []string{"description-sentence /description"}},
		{"an unknown licence", "Apache-2.0", "Apache 2", []string{"license-spdx /license"}},
		{"a deprecation without a day", `"experimental"`, `"deprecated", "deprecation": {"date": "2027-13-01", "replacement": "b", "note": "c"}`, []string{"deprecation-date /deprecation/date"}},
		{"no validate command", `"name": "validate"`, `"name": "verify"`, []string{"commands-core /commands"}},
		{"no status 2", `"status": 2`, `"status": 3`, []string{"exit-statuses /exit_statuses"}},
		{"a status twice", `"status": 2`, `"status": 1`, []string{"exit-statuses /exit_statuses", "exit-statuses /exit_statuses/2"}},
		{"no description", "How often.", " ", []string{"option-described /schema/properties/interval"}},
		{"no type", `"strict": {"type": "boolean", `, `"strict": {`, []string{"option-typed /schema/properties/strict"}},
		{"a keyword of the wrong kind", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "x-hidden": "no"`, []string{"metadata-schema /schema/properties/strict/x-hidden"}},
		{"a keyword in another case", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "X-Hidden": "no"`, []string{"option-readable /schema/properties"}},
		{"options hidden by a reference", `"type": "object",`, `"$ref": "#/definitions/a", "definitions": {"a": {}}, "type": "object",`, []string{"option-readable /schema/properties/endpoint"}},
		{"two types", `"strict": {"type": "boolean"`, `"strict": {"type": ["boolean", "string"]`, nil},
		{"a type that there is none", `"strict": {"type": "boolean"`, `"strict": {"type": "bool"`, []string{"schema-compiles /schema"}},
		{"a whole number with a point", `"token": {"type": "string"`, `"token": {"type": "string", "maxLength": 100.0`, nil},
		{"a record", `"category"`, `"record": {"type": "object", "properties": {"a": true}}, "category"`, nil},
		{"a record that is no schema", `"category"`, `"record": {"type": "thing"}, "category"`, []string{"record-compiles /record"}},
		{"a record that is elsewhere", `"category"`, `"record": {"$ref": "https://example.com/x"}, "category"`, []string{"record-compiles /record"}},
		{"a former name", `"x-env": "A_SOURCE_LIMIT"`, `"x-aliases": ["most", "max"], "x-env": "A_SOURCE_LIMIT"`, nil},
		{"a former name that is an option", `"x-env": "A_SOURCE_LIMIT"`, `"x-aliases": ["mode"], "x-env": "A_SOURCE_LIMIT"`, []string{"option-alias /schema/properties/limit"}},
		{"a former name that is reserved", `"x-env": "A_SOURCE_LIMIT"`, `"x-aliases": ["config"], "x-env": "A_SOURCE_LIMIT"`, []string{"option-alias /schema/properties/limit"}},
		{"a former name twice", `"x-env": "A_SOURCE_LIMIT"`, `"x-aliases": ["max", "max"], "x-env": "A_SOURCE_LIMIT"`, []string{"option-alias /schema/properties/limit"}},
		{"a reserved name", `"strict": `, `"help": `, []string{"option-env /schema/properties/help", "option-reserved /schema/properties/help"}},
		{"no variable", `"x-env": "A_SOURCE_STRICT", `, ``, []string{"option-env /schema/properties/strict"}},
		{"a variable twice", `A_SOURCE_STRICT`, `A_SOURCE_MODE`, []string{"option-env /schema/properties/strict"}},
		{"a shared option of its own", `, "x-shared": true`, ``, []string{"option-env /schema/properties/topic"}},
		{"a deprecated option", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "deprecated": true, "x-deprecation": {"date": "2027-01-31", "replacement": "mode", "note": "Write slow."}`, nil},
		{"a deprecated option without a successor", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "deprecated": true, "x-deprecation": {"date": "2027-01-31", "replacement": "none", "note": "Leave it out."}`, nil},
		{"deprecated without more", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "deprecated": true`, []string{"option-deprecated /schema/properties/strict"}},
		{"deprecated for us alone", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "x-deprecation": {"date": "2027-01-31", "replacement": "mode", "note": "Write slow."}`, []string{"option-deprecated /schema/properties/strict"}},
		{"deprecated until no day", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "deprecated": true, "x-deprecation": {"date": "2027-02-31", "replacement": "mode", "note": "Write slow."}`, []string{"option-deprecated /schema/properties/strict"}},
		{"deprecated for nothing", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "deprecated": true, "x-deprecation": {"date": "2027-01-31", "replacement": "modus", "note": "Write slow."}`, []string{"option-deprecated /schema/properties/strict"}},
		{"deprecated for itself", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "deprecated": true, "x-deprecation": {"date": "2027-01-31", "replacement": "strict", "note": "Write slow."}`, []string{"option-deprecated /schema/properties/strict"}},
		{"deprecated and required", `"endpoint": {"type": "string"`, `"endpoint": {"type": "string", "deprecated": true, "x-deprecation": {"date": "2027-01-31", "replacement": "mode", "note": "Write slow."}`, []string{"option-deprecated /schema/properties/endpoint"}},
		{"no group", `"x-group": "Topic", `, ``, []string{"option-group /schema/properties/topic"}},
		{"an optional topic", `["endpoint", "topic"]`, `["endpoint"]`, []string{"topic-required /schema/required"}},
		{"a required option that is not there", `["endpoint", "topic"]`, `["topic", "x"]`, []string{"example-valid /examples/0/options", "required-exists /schema/required/1"}},
		{"a required option with a default", `["endpoint", "topic"]`, `["topic", "limit"]`, []string{"example-valid /examples/0/options", "required-exists /schema/required/1"}},
		{"a default out of range", `"default": 10,`, `"default": 1000,`, []string{"default-valid /schema/properties/limit"}},
		{"a default of another type", `"default": 10,`, `"default": "10",`, []string{"default-valid /schema/properties/limit"}},
		{"an unmarked secret", `"writeOnly": true, `, ``, []string{"secret-marked /schema/properties/token"}},
		{"a secret with a default", `"writeOnly": true`, `"writeOnly": true, "default": "x"`, []string{"secret-without-default /schema/properties/token"}},
		{"a wrong example", `"topic": "demo"`, `"topic": 5`, []string{"example-valid /examples/0/options/topic"}},
		{"no example", `"examples": [{"title": "Read", "options": {"endpoint": "http://127.0.0.1:1/", "topic": "demo"}}]`, `"examples": []`, []string{"example-valid /examples"}},
		{"a number that nobody counts to", `"strict": {"type": "boolean"`, `"strict": {"type": "boolean", "x-far": 1e400`, []string{"schema-compiles /schema"}},
		{"a schema elsewhere", `"strict": {"type": "boolean"`, `"strict": {"$ref": "file:///dev/zero"`, []string{"schema-compiles /schema"}},
		{"a draft's own schema", `"strict": {"type": "boolean"`, `"strict": {"$ref": "http://json-schema.org/draft-07/schema#"`, []string{"schema-compiles /schema"}},
		{"too many references", `"required": ["endpoint", "topic"]`, `"allOf": [` + strings.Repeat(`{"$ref": "#/definitions/a"}, `, 20) + `{}], "definitions": {"a": {}}, "required": ["endpoint", "topic"]`, []string{"schema-compiles /schema"}},
		{"a pattern that repeats endlessly", `"pattern": "^https?://"`, `"pattern": "` + strings.Repeat(`x{1000}`, 450) + `"`, []string{"schema-compiles /schema"}},
		{"a pattern for names that repeats endlessly", `"title": "Options"`, `"patternProperties": {"` + strings.Repeat(`x{1000}`, 450) + `": true}`, []string{"schema-compiles /schema"}},
		{"a schema that doubles", `"title": "Options"`, `"allOf": [{"$ref": "#/definitions/d0"}], "definitions": ` + doubling(20), []string{"schema-compiles /schema"}},
		{"a huge schema", `"title": "Options"`, `"title": "` + strings.Repeat("x", maxSchema) + `"`, []string{"schema-compiles /schema"}},
		{"a huge pattern", `"pattern": "^https?://"`, `"pattern": "` + strings.Repeat("a", 5000) + `"`, []string{"schema-compiles /schema"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, check(t, "a-source", tt.old, tt.new, Waivers{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a sink that resumes", func(t *testing.T) {
		got := check(t, "a-sink", `"category"`, `"resumes": true, "category"`, Waivers{})
		if diff := cmp.Diff([]string{"direction-fields /resumes"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Patterns may admit names that no option has, and two for one: nobody could tell what an example sets by them.
func TestExamplesNameOptions(t *testing.T) {
	for set, want := range map[string][]string{
		`"strict": true`: nil, `"rigid": true`: nil,
		`"zealous": true`:                {"example-valid /examples/0/options/zealous"},
		`"rigid": true, "strict": false`: {"example-valid /examples/0/options/strict"},
	} {
		text := strings.NewReplacer(
			`"title": "Options"`, `"patternProperties": {"^(rigid|zealous)$": {"$ref": "#/properties/strict"}}`,
			`"strict": {`, `"strict": {"x-aliases": ["rigid"], `,
			`"topic": "demo"`, `"topic": "demo", `+set,
		).Replace(fake.Metadata("a-source"))
		if diff := cmp.Diff(want, checkText(t, "a-source", text, Waivers{})); diff != "" {
			t.Errorf("%s: %s", set, diff)
		}
	}
}

// What programs that are not built on common print is understood in two more forms; those on common have no excuse.
func TestForeignForms(t *testing.T) {
	const sdk = `"metadata_version": "1", "sdk_version": "1"`
	for _, tt := range []struct {
		name, old, new string
		want           []string // of a connector on common
	}{
		{"a capital direction", `"direction": "source"`, `"direction": "Source"`, []string{"direction-matches-folder /direction", "metadata-schema /direction"}},
		{"null", `"limit": {"type": "integer"`, `"limit": {"type": ["integer", "null"]`, []string{"option-typed /schema/properties/limit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(fake.Metadata("a-source"), tt.old, tt.new, 1)
			if got := checkText(t, "a-source", text, Waivers{}); got != nil {
				t.Errorf("of a foreign program: %v", got)
			}
			text = strings.Replace(text, `"metadata_version": "1"`, sdk, 1)
			if diff := cmp.Diff(tt.want, checkText(t, "a-source", text, Waivers{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	text := strings.Replace(fake.Metadata("a-source"), `"direction": "source"`, `"direction": "Sink"`, 1)
	if got := checkText(t, "a-source", text, Waivers{}); !slices.Equal(got, []string{"direction-matches-folder /direction"}) {
		t.Errorf("the wrong direction in a capital: %v", got)
	}
}

func TestLooksSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"token": true, "api-key": true, "basic-password": true, "secret-key": true, "password": true, "bearer-token": true, "sasl.password": true,
		"token-file": false, "key": false, "keyboard": false, "secretary": false, "token-url": false, "partition-key": false, "compass": false, "access-key-id": false,
	} {
		if got := LooksSecret(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
