package blackbox

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// target is a connector that behaves as a document says, but for a quirk.
func target(t *testing.T, text, quirk string) Target {
	t.Helper()
	root := t.TempDir()
	if err := (fake.Folder{Path: "a-source", Metadata: text, Quirk: quirk}).Write(root); err != nil {
		t.Fatal(err)
	}
	s := rules.Subject{Folder: discover.Folder{Name: "a-source", Direction: metadata.Source}, Text: []byte(text)}
	var err error
	if s.Document, s.Published, err = probe.Decode(s.Text); err != nil {
		t.Fatal(err)
	}
	s, findings := rules.Check(s)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	scratch := t.TempDir()
	return Target{Argv: []string{fakeProgram, filepath.Join(root, "a-source")}, Env: probe.Env(scratch), Subject: s, Scratch: scratch}
}

// longest are the options that take the most values and of which no test is.
var longest = regexp.MustCompile(`(?m)^ *"(interval|header|token|name)": \{"type".*\n`)

// edited replaces texts, given in pairs, in a document that breaks no rule.
func edited(t *testing.T, pairs ...string) string {
	t.Helper()
	text := longest.ReplaceAllString(fake.Metadata("a-source"), "")
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the document does not hold %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// changed is a change by a rule of that id.
func changed(t *testing.T, id, option, old string) change.Change {
	t.Helper()
	all := change.Rules()
	i := slices.IndexFunc(all, func(r change.Rule) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("there is no rule %s", id)
	}
	return change.Change{Rule: all[i], Option: option, Old: old}
}

// replayed returns the tests that failed, each with the start of its problem, and how many there were.
func replayed(t *testing.T, now Target, old string, changes []change.Change) (failed map[string]string, count int) {
	t.Helper()
	tests, err := Replay(t.Context(), now, []byte(old), changes)
	if err != nil {
		t.Fatal(err)
	}
	failed = map[string]string{}
	for _, test := range tests {
		if test.Suite != Replayed {
			t.Errorf("suite %q", test.Suite)
		}
		if test.Status != metadata.Passed {
			words, _, _ := strings.Cut(test.Detail, ", but ")
			failed[strings.TrimPrefix(test.Name, "0.1.0: ")] = words
		}
	}
	return failed, len(tests)
}

func TestReplayContradictsAComparisonThatIsWrong(t *testing.T) {
	type said struct{ id, option, old string }
	const (
		limit   = `"minimum": 1, "maximum": 100,`
		mode    = `["fast", "slow"]`
		retry   = `"retry": {"type": "integer", "description": "Tries.", "x-env": "A_SOURCE_RETRY", "x-group": "Options"}, `
		strict  = `"strict": {"type": "boolean", "description": "Whether to be strict.", "x-env": "A_SOURCE_STRICT", "x-group": "Options"},`
		severe  = `"severe": {"type": "boolean", "description": "Whether to be strict.", "x-env": "A_SOURCE_SEVERE", "x-group": "Options"},`
		nothing = "the comparison finds no change"
	)
	exclusive := []string{
		`"required": ["endpoint", "topic"]`, `"allOf": [{"not": {"required": ["mode", "strict"]}}], "required": ["endpoint", "topic"]`,
		`"topic": "demo"`, `"topic": "demo", "strict": true`,
	}
	tests := []struct {
		name    string
		old     []string // edits of the old document
		new     []string
		quirk   string
		changes []said
		want    map[string]string // the failed tests; nil for none
	}{
		{name: "the same options"},
		{name: "a range that is narrower and said to be", new: []string{limit, `"minimum": 1, "maximum": 50,`}, changes: []said{{"option-range-narrowed", "limit", ""}}},
		{
			name: "a range that is narrower and not told", new: []string{limit, `"minimum": 1, "maximum": 50,`},
			want: map[string]string{"option limit": nothing},
		},
		{
			name: "a range that is narrower and told to be wider", new: []string{limit, `"minimum": 1, "maximum": 50,`},
			changes: []said{{"option-range-widened", "limit", ""}, {"option-text-changed", "limit", ""}},
			want:    map[string]string{"option limit": "option-range-widened, option-text-changed says that nothing is refused"},
		},
		{
			name: "a range that is wider and told to be narrower", new: []string{limit, `"minimum": 1, "maximum": 500,`},
			changes: []said{{"option-range-narrowed", "limit", ""}},
			want:    map[string]string{"option limit": "option-range-narrowed says that something which 0.1.0 accepts is refused now"},
		},
		{name: "a range of which nothing can be told", new: []string{limit, `"minimum": 1, "maximum": 50,`}, changes: []said{{"option-constraint-changed", "limit", ""}}},
		{name: "a value that is gone", new: []string{mode, `["fast"]`}, changes: []said{{"option-enum-narrowed", "mode", ""}}},
		{name: "a value that is gone without a word", new: []string{mode, `["fast"]`}, want: map[string]string{"option mode": nothing}},
		{
			name: "a change of another option explains nothing", new: []string{mode, `["fast"]`}, changes: []said{{"option-enum-narrowed", "strict", ""}},
			want: map[string]string{"option mode": nothing, "option strict": "option-enum-narrowed says that something which 0.1.0 accepts is refused now"},
		},
		{name: "an option that is gone", new: []string{strict, ""}, changes: []said{{"option-removed", "strict", "strict"}}},
		{name: "an option that is gone without a word", new: []string{strict, ""}, want: map[string]string{"option strict": nothing}},
		{
			name: "an option that is there and said to be gone", changes: []said{{"option-removed", "strict", "strict"}},
			want: map[string]string{"option strict": "option-removed says that something which 0.1.0 accepts is refused now"},
		},
		{name: "a new name", new: []string{strict, severe}, changes: []said{{"option-renamed", "severe", "strict"}}},
		{
			name: "a new name beside which the old one is not accepted", new: []string{strict, severe}, changes: []said{{"option-renamed-with-alias", "severe", "strict"}},
			want: map[string]string{"option strict": "option-renamed-with-alias says that nothing is refused"},
		},
		{name: "an option that may be given", new: []string{strict, retry + strict}, changes: []said{{"option-added", "retry", ""}}},
		{
			name: "an option that must be given", new: []string{strict, retry + strict, `["endpoint", "topic"]`, `["endpoint", "retry", "topic"]`, `"topic": "demo"`, `"topic": "demo", "retry": 1`},
			changes: []said{{"option-added-required", "retry", ""}},
		},
		{
			name: "an option that must be given and is told to be optional",
			new:  []string{strict, retry + strict, `["endpoint", "topic"]`, `["endpoint", "retry", "topic"]`, `"topic": "demo"`, `"topic": "demo", "retry": 1`}, changes: []said{{"option-added", "retry", ""}},
			want: map[string]string{"without retry": nothing, "the examples": "no change says that it is refused"},
		},
		{
			name: "an option that need not be given and is told to be required", changes: []said{{"option-required", "strict", ""}},
			want: map[string]string{"without strict": "option-required says that something which 0.1.0 accepts is refused now"},
		},
		{
			name: "a condition that refuses what goes together", new: []string{`"required": ["endpoint", "topic"]`, `"not": {"required": ["endpoint", "mode"]}, "required": ["endpoint", "topic"]`},
			changes: []said{{"condition-added", "", ""}},
		},
		{
			name: "a condition that is not told", new: []string{`"required": ["endpoint", "topic"]`, `"not": {"required": ["endpoint", "mode"]}, "required": ["endpoint", "topic"]`},
			want: map[string]string{"option mode": nothing},
		},
		{
			name: "a condition explains no value that the option itself refuses",
			new:  []string{mode, `["fast"]`, `"required": ["endpoint", "topic"]`, `"not": {"required": ["endpoint", "strict"]}, "required": ["endpoint", "topic"]`}, changes: []said{{"condition-added", "", ""}},
			want: map[string]string{"option mode": nothing},
		},
		{
			name: "options that went together only are tried together",
			old:  []string{`"required": ["endpoint", "topic"]`, `"dependencies": {"mode": ["strict"]}, "required": ["endpoint", "topic"]`}, new: []string{mode, `["fast"]`},
			changes: []said{{"condition-removed", "", ""}}, want: map[string]string{"option mode": nothing},
		},
		{
			name: "options that exclude each other are tried alone", old: exclusive,
			new: append(exclusive[:4:4], mode, `["fast"]`), want: map[string]string{"option mode": nothing},
		},
		{
			name: "an example that is refused for a reason of which nothing is told", quirk: "refuses",
			want: map[string]string{"the examples": "no change says that it is refused"},
		},
		{name: "an example that other checks refuse", quirk: "refuses", changes: []said{{"semantic-checks-changed", "", ""}}},
		{
			name: "a program that answers nothing", quirk: "silent-batch",
			want: map[string]string{"validate --batch answers each line": "validate --batch - answered"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var changes []change.Change
			for _, s := range tt.changes {
				changes = append(changes, changed(t, s.id, s.option, s.old))
			}
			got, count := replayed(t, target(t, edited(t, tt.new...), tt.quirk), edited(t, tt.old...), changes)
			if count < 10 && tt.quirk != "silent-batch" {
				t.Errorf("only %d tests", count)
			}
			for test, problem := range got {
				if want, ok := tt.want[test]; ok && want != "" && strings.HasPrefix(problem, want) {
					got[test] = want
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && len(tt.want)+len(got) > 0 {
				t.Error(diff)
			}
		})
	}
}

// The two engines judge by different means, so that a mistake of one of them is seen.
func TestReplayAgreesWithTheComparison(t *testing.T) {
	const strict = `"strict": {"type": "boolean", "description": "Whether to be strict.", "x-env": "A_SOURCE_STRICT", "x-group": "Options"},`
	option := func(schema string) string {
		return `"extra": {` + schema + `, "description": "More.", "x-env": "A_SOURCE_EXTRA", "x-group": "Options"}, ` + strict
	}
	for _, tt := range []struct{ name, old, new string }{
		{"another number", `"type": "number", "exclusiveMinimum": 5`, `"type": "number", "minimum": 5.5`},
		{"a first bound", `"type": "integer"`, `"type": "integer", "maximum": 50000`},
		{"a bound that is no longer reached", `"type": "integer", "maximum": 7`, `"type": "integer", "exclusiveMaximum": 7`},
		{"a wider range", `"type": "integer", "maximum": 7`, `"type": "integer", "maximum": 8`},
		{"whole numbers", `"type": "number"`, `"type": "integer"`},
		{"numbers that need not be whole", `"type": "integer"`, `"type": "number"`},
		{"null no more", `"type": ["string", "null"]`, `"type": "string"`},
		{"another type", `"type": "string"`, `"type": "boolean"`},
		{"a list in place of one", `"type": "string"`, `"type": "array", "items": {"type": "string"}`},
		{"a first list of values", `"type": "string"`, `"type": "string", "enum": ["a", "b"]`},
		{"another constant", `"const": "a"`, `"const": "b"`},
		{"more values", `"type": "string", "enum": ["a"]`, `"type": "string", "enum": ["a", "b"]`},
		{"fewer elements to choose from", `"type": "array", "items": {"enum": ["a", "b"]}`, `"type": "array", "items": {"enum": ["a"]}`},
		{"smaller elements", `"type": "array", "items": {"type": "number", "maximum": 1.5}`, `"type": "array", "items": {"type": "number", "maximum": 1.25}`},
		{"a shorter text", `"type": "string", "maxLength": 300`, `"type": "string", "maxLength": 20`},
		{"another pattern", `"type": "string", "pattern": "^a"`, `"type": "string", "pattern": "^[a-z]"`},
		{"another condition on its own", `"type": "string"`, `"type": "string", "allOf": [{"pattern": "[1-9]"}]`},
		{"another default", `"type": "integer", "default": 5`, `"type": "integer", "default": 6`},
		{"a deprecation", `"type": "integer"`, `"type": "integer", "deprecated": true, "x-deprecation": {"date": "2027-01-31", "replacement": "limit", "note": "Write it there."}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, text := edited(t, strict, option(tt.old)), edited(t, strict, option(tt.new))
			changes, err := change.Compare([]byte(old), []byte(text))
			if err != nil || len(changes) == 0 {
				t.Fatalf("changes %v, %v", changes, err)
			}
			if failed, _ := replayed(t, target(t, text, ""), old, changes); len(failed) > 0 {
				t.Error(failed)
			}
		})
	}
}

// renamedEndpoint is how a document with a required option of another name differs from one that breaks no rule.
var renamedEndpoint = []string{
	`"endpoint": {"type": "string", "pattern": "^https?://", "description": "Where to read.", "x-env": "A_SOURCE_ENDPOINT", "x-group": "Options"}`,
	`"url": {"type": "string", "pattern": "^https?://", "description": "Where to read.", "x-aliases": ["endpoint"], "x-env": "A_SOURCE_URL", "x-group": "Options"}`,
	`"required": ["endpoint", "topic"]`, `"patternProperties": {"^endpoint$": {"$ref": "#/properties/url"}},
		"allOf": [{"oneOf": [{"required": ["url"]}, {"required": ["endpoint"]}]}], "required": ["topic"]`,
	`"options": {"endpoint"`, `"options": {"url"`,
}

func TestOldConfigurationsWithAFormerNameAreAccepted(t *testing.T) {
	old, text := edited(t), edited(t, renamedEndpoint...)
	changes, err := change.Compare([]byte(old), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.Rule.ID)
	}
	if diff := cmp.Diff([]string{"option-renamed-with-alias", "text-changed"}, ids); diff != "" { // the second is of the example
		t.Error(diff)
	}
	failed, count := replayed(t, target(t, text, ""), old, changes)
	if len(failed) > 0 || count < 10 {
		t.Errorf("%d tests, failed: %v", count, failed)
	}
	failed, _ = replayed(t, target(t, edited(t, append(slices.Clone(renamedEndpoint), `"^endpoint$"`, `"^none$"`)...), ""), old, changes)
	if failed["option endpoint"] != "option-renamed-with-alias says that nothing is refused" {
		t.Errorf("a program that refuses the old name: %v", failed)
	}
}

func TestAContradictionShowsBothWords(t *testing.T) {
	now := target(t, edited(t, `"maximum": 100`, `"maximum": 50`), "")
	tests, err := Replay(t.Context(), now, []byte(edited(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(tests, func(x evidence.Test) bool { return x.Status != metadata.Passed })
	const want = `the comparison finds no change, but the program refuses {"endpoint":"http://127.0.0.1:1/","limit":1e2,"topic":"demo"} (--limit: is wrong), which fits the schema of 0.1.0`
	if i < 0 || tests[i].Detail != want {
		t.Errorf("%+v", tests)
	}
}

func TestReplayRefusesADocumentThatIsNone(t *testing.T) {
	now := target(t, edited(t), "")
	for _, old := range []string{`{`, `{"schema": 5}`, `{"schema": {"type": "nothing"}}`} {
		if _, err := Replay(t.Context(), now, []byte(old), nil); err == nil || !strings.Contains(err.Error(), "the document to compare with") {
			t.Errorf("%s: %v", old, err)
		}
	}
}
