package change

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

// edited makes a published document: the usual one of a connector with edits, each written pointer=JSON. A pointer
// without a value removes what it points at.
func edited(t *testing.T, name string, edits ...string) []byte {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(fake.Metadata(name)), &root); err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		pointer, text, _ := strings.Cut(edit, "=")
		at := root.(map[string]any)
		path := strings.Split(pointer, "/")
		for _, key := range path[:len(path)-1] {
			if at[key] == nil {
				at[key] = map[string]any{}
			}
			at = at[key].(map[string]any)
		}
		last := path[len(path)-1]
		if text == "" {
			delete(at, last)
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%s: %v", edit, err)
		}
		at[last] = value
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A step is one version's edits and the next one's.
type step struct{ old, new []string }

// on is a step between versions of an option: on("limit", "maximum=100", "maximum=50"). No text is no edit.
func on(option, old, new string) step { return in("schema/properties/"+option+"/", old, new) }

func in(prefix, old, new string) step {
	edits := func(text string) []string {
		var list []string
		for _, e := range strings.Fields(text) {
			list = append(list, prefix+e)
		}
		return list
	}
	return step{edits(old), edits(new)}
}

func TestEveryRuleNamesItsChange(t *testing.T) {
	known := map[string]bool{}
	for _, r := range Rules() {
		if known[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		known[r.ID] = true
		tt, ok := cases[r.ID]
		if !ok {
			t.Errorf("%s has no test", r.ID)
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			i := slices.IndexFunc(changes(t, tt.hit), func(c Change) bool { return c.Rule.ID == r.ID && c.Place == tt.place })
			if i < 0 {
				t.Fatalf("not named at %s: %v", tt.place, ids(changes(t, tt.hit)))
			}
			got := changes(t, tt.hit)[i]
			got.Option = ""
			want := Change{Rule: r, Connector: "a-source", Place: tt.place, Shared: tt.shared, Old: tt.was, New: tt.is}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if near := changes(t, tt.miss); slices.ContainsFunc(near, func(c Change) bool { return c.Rule.ID == r.ID }) {
				t.Errorf("named where it is not: %v", ids(near))
			}
		})
	}
	for id := range cases {
		if !known[id] {
			t.Errorf("there is no rule %s", id)
		}
	}
}

func changes(t *testing.T, s step) []Change {
	t.Helper()
	changes, err := Compare(edited(t, "a-source", s.old...), edited(t, "a-source", s.new...))
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func ids(changes []Change) []string {
	var list []string
	for _, c := range changes {
		list = append(list, c.Rule.ID+" "+c.Place)
	}
	return list
}

// Whatever of a document is taken away, put in or altered has a change, so that nothing can pass unseen.
func TestNoDifferenceGoesUnnamed(t *testing.T) {
	full := edited(t, "a-source", "schema/properties/strict=", "schema/properties/name=", "schema/properties/once=", "schema/properties/acks=",
		`guarantee="at-least-once"`, "resumes=true", "positions_recur=true", `sdk_version="1"`, `semantic_checks=["x"]`,
		`record={"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"array","items":{"type":"object","properties":{"deep":{"enum":["x"],"title":"y"}}}}}}`,
		`schema/allOf=[{"not":{"required":["mode","limit"]}}]`, `schema/dependencies={"mode":["limit"]}`,
		`schema/properties/limit/x-unit="s"`, `schema/properties/limit/x-aliases=["max"]`, `schema/properties/limit/x-deprecation={"date":"2027-01-31","replacement":"mode","note":"x"}`,
		`schema/properties/header/items={"type":"string","minLength":1,"description":"One.","x-type":"header"}`, `x-more={"a":[1]}`)
	var root map[string]any
	if err := json.Unmarshal(full, &root); err != nil {
		t.Fatal(err)
	}
	passed := []string{"/name", "/version", "/exit_statuses/0/status"} // no status is status 0 here, and nowhere else
	before, err := read(full)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	var walk func(value any, path string, replace func(any))
	try := func(path string) {
		tried++
		text, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		if after, err := read(text); err == nil && len(compare(before, after)) == 0 {
			t.Errorf("%s: nothing is told", path)
		}
	}
	walk = func(value any, path string, replace func(any)) {
		if slices.Contains(passed, path) {
			return
		}
		switch value := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				inner := value[key]
				if !slices.Contains(passed, path+"/"+key) {
					delete(value, key)
					try(path + "/" + key + " removed")
				}
				value[key] = inner
				walk(inner, path+"/"+key, func(v any) { value[key] = v })
			}
		case []any:
			for i, inner := range value {
				walk(inner, fmt.Sprint(path, "/", i), func(v any) { value[i] = v })
			}
		default:
			replace("altered")
			try(path + " was altered")
			replace(value)
		}
	}
	walk(root, "", func(any) {})
	if tried < 200 {
		t.Errorf("only %d differences were tried", tried)
	}
}

func TestCompareNamesTheDocumentThatCannotBeRead(t *testing.T) {
	good := edited(t, "a-source")
	if _, err := Compare([]byte("{"), good); err == nil || !strings.HasPrefix(err.Error(), "the old document: ") {
		t.Error(err)
	}
	if _, err := Compare(good, edited(t, "a-source", "schema/properties=5")); err == nil || !strings.HasPrefix(err.Error(), "the new document: schema") {
		t.Error(err)
	}
}

// Two options that are alike and gone, or two that are alike and new, are not paired by guessing.
func TestRenamesAreNotGuessed(t *testing.T) {
	alike := func(names ...string) step {
		var s step
		for _, name := range names {
			s.old = append(s.old, "schema/properties/"+name+strings.ReplaceAll(spare, " ", ""))
		}
		return s
	}
	two := alike("one", "two")
	got := ids(changes(t, step{two.old, alike("three").old}))
	if diff := cmp.Diff([]string{"option-added --three", "option-removed --one", "option-removed --two"}, got); diff != "" {
		t.Error(diff)
	}
	got = ids(changes(t, step{alike("one").old, alike("two", "three").old}))
	if diff := cmp.Diff([]string{"option-added --three", "option-added --two", "option-removed --one"}, got); diff != "" {
		t.Error(diff)
	}
}

// An old name that stays an option of its own is a rename all the same, and what else changed with a rename is told.
func TestRenameWithAliasTellsTheRest(t *testing.T) {
	renamed := `schema/properties/most={"type":"integer","minimum":1,"maximum":50,"default":10,"description":"How many.","x-env":"A_SOURCE_MOST","x-group":"Options","x-aliases":["limit"]}`
	got := ids(changes(t, step{new: []string{"schema/properties/limit=", renamed}}))
	if diff := cmp.Diff([]string{"option-renamed-with-alias --limit", "option-range-narrowed --most"}, got); diff != "" {
		t.Error(diff)
	}
	got = ids(changes(t, step{new: []string{renamed}}))
	if diff := cmp.Diff([]string{"option-renamed-with-alias --most"}, got); diff != "" {
		t.Error(diff)
	}
}

// What the schema says of former names beside the option itself follows from x-aliases, and is no condition of its own.
func TestRenameWithAliasIsOneChange(t *testing.T) {
	const (
		url   = `schema/properties/url={"type":"string","pattern":"^https?://","description":"Where to read.","x-env":"A_SOURCE_URL","x-group":"Options","x-aliases":["endpoint"]}`
		way   = `schema/properties/way={"type":"string","enum":["fast","slow"],"default":"fast","description":"In which way.","x-env":"A_SOURCE_WAY","x-group":"Options","x-aliases":["mode"]}`
		parts = `schema/patternProperties={"^endpoint$":{"$ref":"#/properties/url"},"^mode$":{"$ref":"#/properties/way"}}`
	)
	s := step{
		old: []string{`schema/allOf=[{"not":{"required":["mode","strict"]}}]`, `schema/dependencies={"limit":["mode"],"mode":["limit"]}`},
		new: []string{
			"schema/properties/endpoint=", "schema/properties/mode=", url, way, parts, `schema/required=["topic"]`,
			`schema/allOf=[{"oneOf":[{"required":["url"]},{"required":["endpoint"]}]},{"not":{"required":["mode","way"]}},` +
				`{"not":{"required":["way","strict"]}},{"not":{"required":["mode","strict"]}},` +
				`{"anyOf":[{"not":{"required":["limit"]}},{"required":["way"]},{"required":["mode"]}]}]`,
			`schema/dependencies={"way":["limit"],"mode":["limit"]}`,
		},
	}
	want := []string{"option-renamed-with-alias --endpoint", "option-renamed-with-alias --mode"}
	if diff := cmp.Diff(want, ids(changes(t, s))); diff != "" {
		t.Error(diff)
	}
	for edit, more := range map[string][]string{
		`schema/dependencies={"way":["limit","topic"]}`:               {"condition-added options"},
		`schema/patternProperties={"^x":{"$ref":"#/properties/way"}}`: {"condition-added options"},
		`schema/patternProperties={"^mode$":{"type":"boolean"}}`:      {"condition-added options"},
		`schema/allOf=[{"oneOf":[{"required":["url"]},{"required":["endpoint"]}]},{"not":{"required":["way"]}}]`: {
			"condition-added options", "condition-removed options", "condition-removed options",
		},
	} {
		got := slices.DeleteFunc(ids(changes(t, step{s.old, append(slices.Clone(s.new), edit)})), func(id string) bool { return slices.Contains(want, id) })
		if diff := cmp.Diff(more, got); diff != "" {
			t.Error(edit, diff)
		}
	}
	// The next version renames it once more.
	next := strings.NewReplacer("/way", "/manner", "_WAY", "_MANNER", `["mode"]`, `["mode","way"]`).Replace(way)
	got := ids(changes(t, step{s.new, append(slices.Clone(s.new), "schema/properties/way=", next)}))
	if diff := cmp.Diff([]string{"option-renamed-with-alias --way"}, got); diff != "" {
		t.Error(diff)
	}
}
