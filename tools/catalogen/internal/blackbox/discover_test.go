package blackbox

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestDiscover(t *testing.T) {
	lists := []string{`{"name": "completion"`, `{"name": "discover", "description": "Finds."}, {"name": "completion"`}
	// Then no address is the connector's system, so that a search may find something.
	anywhere := append(slices.Clone(lists), `"required": ["endpoint", "topic"]`, `"required": ["topic"]`, `"options": {"endpoint": "http://127.0.0.1:1/", "topic"`, `"options": {"topic"`)
	with := func(option string) []string {
		return append(slices.Clone(anywhere), `"strict": {`, option+`, "description": "More.", "x-env": "A_SOURCE_`+strings.ToUpper(strings.Split(option, `"`)[1])+`", "x-group": "Options"}, "strict": {`)
	}
	tests := []struct {
		name  string
		edits []string
		quirk string
		want  map[string]string // rule to a part of what is said
	}{
		{"there is none", nil, "", nil},
		{"the word is not listed, and taken", nil, "discovers", map[string]string{discoverUnlisted: "status 1, not 2"}},
		{"the system is not there", lists, "", nil},
		{"it finds two", anywhere, "", nil},
		{"the help forgets it", lists, "silent-discover", map[string]string{discoverUsage: "does not tell of discover"}},
		{"bad values are let pass", lists, "discovers-anyway", map[string]string{discoverUsage: "bad values: status 1, not 2"}},
		{"bad values are refused too late", lists, "discovers-badly", map[string]string{discoverUsage: "it is refused, and this is printed"}},
		{"something is found where nothing is", lists, "finds-anyway", map[string]string{discoverLines: "though nobody listens"}},
		{"a failure finds something", lists, "finds-early", map[string]string{discoverLines: "status 1, and this is printed"}},
		{"a failure says nothing", lists, "fails-silently", map[string]string{discoverLines: "nothing says why"}},
		{"no JSON", anywhere, "finds-text", map[string]string{discoverLines: "fast: it is no JSON object"}},
		{"no name", anywhere, "finds-nameless", map[string]string{discoverLines: "it has no name"}},
		{"a name twice", anywhere, "finds-twice", map[string]string{discoverLines: "another line has the name a"}},
		{"options that are none", anywhere, "finds-strangers", map[string]string{discoverLines: "there is no option moed"}},
		{"options of all connectors", anywhere, "finds-shared", map[string]string{discoverLines: "topic is not the connector's own"}},
		{"values that no option takes", anywhere, "finds-unfit", map[string]string{discoverLines: "the schema refuses these options"}},
		{"options that the program refuses", with(`"header": {"type": "array", "items": {"type": "string"}`), "finds-refused,picky", map[string]string{discoverLines: "the program refuses what it has found"}},
		{"a secret", with(`"token": {"type": "string", "writeOnly": true`), "finds-secrets", map[string]string{discoverLines: "token is a secret"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := examineTarget(t, Core, target(t, edited(t, tt.edits...), tt.quirk))
			x.trials = x.makeTrials()
			for _, suite := range []func() error{
				func() error { return x.parity(t.Context()) },
				func() error { _, err := x.pickSamples(t.Context()); return err },
				func() error { return x.surface(t.Context()) },
				func() error { return x.discover(t.Context()) },
			} {
				if err := suite(); err != nil {
					t.Fatal(err)
				}
			}
			got := x.problems()
			maps.DeleteFunc(got, func(id, _ string) bool { return !strings.HasPrefix(id, "discover") })
			for id, part := range tt.want {
				if !strings.Contains(got[id], part) {
					t.Errorf("%s says %q, not %q", id, got[id], part)
				}
				delete(got, id)
			}
			if len(got) > 0 {
				t.Errorf("more is said: %v", got)
			}
			for _, id := range []string{discoverUsage, discoverLines, discoverUnlisted} {
				applies := (tt.edits == nil) == (id == discoverUnlisted)
				if status := x.result(id).Status; (status != NotApplicable) != applies {
					t.Errorf("%s: %s", id, status)
				}
			}
		})
	}
}
