package change

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

// What the rules' own cases leave out: several changes at once, odd but legal schemas, and values as people read them.
func TestCompareTells(t *testing.T) {
	const record = `record={"properties":{"list":{"type":"array","items":{"properties":{"x":{"type":"string"}}}}}}`
	tests := []struct {
		name string
		step step
		want []string // rule, place, old and new
	}{
		{"nothing of equal documents", step{}, nil},
		{"nothing of another version", in("", "", `version="9.9.9"`), nil},
		{
			"a constant as a list of one", on("mode", `enum= const="fast"`, `enum=["fast","slow"]`),
			[]string{"option-enum-widened --mode: fast -> fast, slow"},
		},
		{
			"values that came and values that went", on("mode", "", `enum=["slow","odd"]`),
			[]string{"option-enum-narrowed --mode: fast, slow -> slow, odd", "option-enum-widened --mode: fast, slow -> slow, odd"},
		},
		{"the end of a list of values", on("mode", "", "enum="), []string{"option-enum-widened --mode: fast, slow -> any"}},
		{"another order of values", on("mode", "", `enum=["slow","fast"]`), []string{"option-text-changed --mode: fast, slow -> slow, fast"}},
		{
			"null that is no longer taken", on("limit", `type=["integer","null"]`, ""),
			[]string{`option-type-changed --limit: ["integer","null"] -> integer`},
		},
		{"any type", on("limit", "", "type="), []string{"option-type-widened --limit: integer -> none"}},
		{
			"a type and nothing that hangs on it", on("limit", "", `type="string" pattern="^a$" minimum= maximum= default="a"`),
			[]string{"option-type-changed --limit: integer -> string", "option-default-changed --limit: 10 -> a"},
		},
		{
			"that a secret had a default, and not which", on("mode", "", "writeOnly=true default="),
			[]string{"option-default-changed --mode: a secret -> none", "option-secret-marked --mode: plain -> secret"},
		},
		{"an empty default", on("mode", "", `default=""`), []string{`option-default-changed --mode: fast -> ""`}},
		{
			"an open bound", on("limit", `type="number" minimum=0.5`, `type="number" minimum= exclusiveMinimum=0.5`),
			[]string{"option-range-narrowed --limit: at least 0.5, at most 100 -> above 0.5, at most 100"},
		},
		{
			"a range that moved", on("limit", "", "minimum=10 maximum=200"),
			[]string{"option-range-narrowed --limit: at least 1, at most 100 -> at least 10, at most 200"},
		},
		{
			"what the elements of a list may be", on("header", "", `items={"type":"string","pattern":"^a","description":"One."}`),
			[]string{"option-pattern-changed --header element: none -> ^a", "option-text-changed --header element:  -> One."},
		},
		{
			"a condition within an option", on("interval", "", `allOf=[{"pattern":"[1-9]"}]`),
			[]string{`condition-added --interval:  -> {"pattern":"[1-9]"}`},
		},
		{
			"a condition of an odd form", in("schema/", `allOf={"a":1}`, `allOf={"a":2}`),
			[]string{`condition-added options:  -> {"a":2}`, `condition-removed options: {"a":1} -> `},
		},
		{
			"a condition that is another", in("schema/", `anyOf=[1]`, `anyOf=[2]`),
			[]string{"condition-added options: anyOf [1] -> anyOf [2]"},
		},
		{
			"what comes with an option, said in two keywords",
			in("schema/", `dependencies={"mode":["limit"]}`, `dependencies={"mode":["limit"]} dependentRequired={"mode":["token"]}`),
			[]string{`condition-added options:  -> with --dependentRequired mode: ["token"]`},
		},
		{"deprecated without a day", on("limit", "", "deprecated=true"), []string{"option-deprecated --limit:  -> until further notice"}},
		{
			"another way out of a deprecated connector",
			in("", `stability="deprecated" deprecation={"note":"a"}`, `stability="deprecated" deprecation={"note":"b"}`),
			[]string{`text-changed deprecation: {"note":"a"} -> {"note":"b"}`},
		},
		{
			"a field deep in a record", in("", record, strings.Replace(record, "string", "number", 1)),
			[]string{"record-field-retyped record list element x: string -> number"},
		},
		{"a record of anything", in("", "record=true", `record={"type":"object"}`), []string{`record-constraint-changed record: true -> {"type":"object"}`}},
		{
			"a field that a sink demanded, and that may not be anything now",
			in("", `direction="sink" record={"required":["a"]}`, `direction="sink" record={"required":["a"],"properties":{"a":{"type":"string","enum":["x"]}}}`),
			[]string{"record-field-added record a:  -> a", "record-field-retyped record a: none -> string", `record-constraint-changed record a: enum none -> enum ["x"]`},
		},
		{
			"a field that a sink demanded, may be left out, and may not be anything now",
			in("", `direction="sink" record={"required":["a"]}`, `direction="sink" record={"properties":{"a":{"type":"string"}}}`),
			[]string{"record-field-released record a: required -> optional", "record-field-added record a:  -> a", "record-field-retyped record a: none -> string"},
		},
		{
			"a field that a sink demanded, and still takes whatever it holds",
			in("", `direction="sink" record={"required":["a"]}`, `direction="sink" record={"required":["a"],"properties":{"a":{}}}`),
			[]string{"record-field-added record a:  -> a"},
		},
		{
			"a field that a source promised, and says more about",
			in("", `record={"required":["a"]}`, `record={"required":["a"],"properties":{"a":{"type":"string"}}}`),
			[]string{"record-field-added record a:  -> a"},
		},
		{
			"a field that a source promised, says more about, and may leave out",
			in("", `record={"required":["a"]}`, `record={"properties":{"a":{"type":"string"}}}`),
			[]string{"record-field-unsure record a: required -> optional", "record-field-added record a:  -> a"},
		},
		{
			"a field that a sink takes where it is there",
			in("", `direction="sink" record={}`, `direction="sink" record={"properties":{"a":{"type":"string"}}}`),
			[]string{"record-field-added record a:  -> a"},
		},
		{
			"a shared option that came and must be given", in("schema/", "",
				`required=["endpoint","topic","spare"] properties/spare={"x-shared":true}`),
			[]string{"option-added-required --spare:  -> spare"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range changes(t, tt.step) {
				got = append(got, c.Rule.ID+" "+c.Place+": "+c.Old+" -> "+c.New)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A document is a stranger's: a number that is huge when written out costs nothing, and is still told from another.
func TestHugeNumbers(t *testing.T) {
	document := func(preset, maximum string) []byte {
		text := fake.Metadata("a-source")
		text = strings.Replace(text, `"default": 10,`, `"default": `+preset+`,`, 1)
		return []byte(strings.Replace(text, `"maximum": 100`, `"maximum": `+maximum, 1))
	}
	changes, err := Compare(document("1e999999999", "1e-999999999"), document("2e999999999", "1e300"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"option-range-widened --limit", "option-default-changed --limit"}, ids(changes)); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherOrderOfOptionsIsTold(t *testing.T) {
	text := fake.Metadata("a-source")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.Contains(line, `"interval":`) {
			lines[i], lines[i+1] = lines[i+1], lines[i]
			break
		}
	}
	changes, err := Compare([]byte(text), []byte(strings.Join(lines, "\n")))
	if err != nil || len(changes) != 1 || changes[0].Rule.ID != "text-changed" || changes[0].Place != "options" {
		t.Errorf("%v, %v", changes, err)
	}
}
