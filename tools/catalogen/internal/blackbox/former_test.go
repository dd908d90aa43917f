package blackbox

import (
	"slices"
	"strings"
	"testing"
)

func TestFormerNamesAreTriedEverywhere(t *testing.T) {
	tests := []struct {
		name  string
		edits []string
		quirk string
		want  Status
		says  string // in the problems of former-names; empty for none
	}{
		{"nothing was renamed", nil, "", NotApplicable, ""},
		{"a required option was", renamedEndpoint, "", Passed, ""},
		{"an option was, twice", []string{
			`"x-env": "A_SOURCE_LIMIT"`, `"x-aliases": ["most", "max-rows"], "x-env": "A_SOURCE_LIMIT"`,
			`"required": ["endpoint", "topic"]`, `"patternProperties": {"^(most|max-rows)$": {"$ref": "#/properties/limit"}},
				"allOf": [{"not": {"required": ["limit", "most"]}}, {"not": {"required": ["limit", "max-rows"]}}, {"not": {"required": ["most", "max-rows"]}}],
				"required": ["endpoint", "topic"]`,
		}, "", Passed, ""},
		{"a variable is forgotten", renamedEndpoint, "renamed-variables", Failed, "endpoint: status 2: "},
		{"the schema forgets it", append(slices.Clone(renamedEndpoint), `"^endpoint$"`, `"^none$"`), "", Failed, "the schema refuses {"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := examineTarget(t, Core, target(t, edited(t, tt.edits...), tt.quirk))
			x.trials = x.makeTrials()
			if err := x.parity(t.Context()); err != nil {
				t.Fatal(err)
			}
			if problem, err := x.pickSamples(t.Context()); err != nil || problem != "" {
				t.Fatal(problem, err)
			}
			if err := x.former(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := x.result(schemaParity); r.Status != Passed {
				t.Errorf("parity: %v", r.Problems)
			}
			r := x.result(formerNames)
			if r.Status != tt.want {
				t.Errorf("%s, want %s: %v", r.Status, tt.want, r.Problems)
			}
			if tt.says != "" && !slices.ContainsFunc(r.Problems, func(p Problem) bool { return strings.Contains(p.Message, tt.says) }) {
				t.Errorf("problems %v, want one with %q", r.Problems, tt.says)
			}
			if x.derived() != "" {
				t.Error(x.derived())
			}
		})
	}
}

func TestASecretIsHiddenByItsFormerNameToo(t *testing.T) {
	const token = `"token": {"type": "string", "writeOnly": true, "description": "The token.", "x-aliases": ["api-key"], "x-env": "A_SOURCE_TOKEN", "x-group": "Options"}, "strict": {`
	for quirk, want := range map[string]string{"": "", "tells-former": "option token: flag of a former name: the value comes out\n"} {
		x := examineTarget(t, Core, target(t, edited(t, `"strict": {`, token,
			`"required": ["endpoint", "topic"]`, `"patternProperties": {"^api-key$": {"$ref": "#/properties/token"}},
				"allOf": [{"not": {"required": ["token", "api-key"]}}], "required": ["endpoint", "topic"]`), quirk))
		x.samples.good = [][]option{{{"token", "x"}}}
		if err := x.secrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := x.problems()[secretHidden]; got != want {
			t.Errorf("%s: %q, want %q", quirk, got, want)
		}
	}
}
