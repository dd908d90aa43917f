package change

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever gave both of two options that are one now gives it twice, which is refused.
func TestOptionsThatBecomeOneExcludeEachOther(t *testing.T) {
	option := func(name, more string) string {
		return `schema/properties/` + name + `={"type":"string","pattern":"^https?://","description":"Where to read.","x-env":"E","x-group":"Options"` + more + `}`
	}
	const (
		gone     = "schema/properties/endpoint="
		formerly = `schema/patternProperties={"^endpoint$":{"$ref":"#/properties/url"}}`
		either   = `schema/allOf=[{"oneOf":[{"required":["url"]},{"required":["endpoint"]}]}]`
		notBoth  = `schema/allOf=[{"not":{"required":["url","endpoint"]}}]`
		optional = `schema/required=["topic"]`
	)
	url, one := option("url", ""), option("url", `,"x-aliases":["endpoint"]`)
	renamed, added := "option-renamed-with-alias --endpoint", "condition-added options"
	for _, tt := range []struct {
		name string
		step step
		want []string
	}{
		{"both were there", step{[]string{url}, []string{gone, one, formerly, either, optional}}, []string{renamed, added}},
		{"both could be left out", step{[]string{url, optional}, []string{gone, one, formerly, notBoth, optional}}, []string{renamed, added}},
		{
			"a new name for both",
			step{[]string{url, optional}, []string{gone, optional, option("way", `,"x-aliases":["endpoint","url"]`)}},
			[]string{renamed, "option-renamed-with-alias --url", added},
		},
		{
			"a former name that another option takes over",
			step{[]string{url, option("way", `,"x-aliases":["old"]`)}, []string{option("url", `,"x-aliases":["old"]`), option("way", "")}},
			[]string{"option-alias-removed --way", "option-added --url", added},
		},
		{"they excluded each other", step{[]string{url, notBoth, optional}, []string{gone, one, formerly, notBoth, optional}}, []string{renamed}},
		{"one of them had to be given", step{[]string{url, either, optional}, []string{gone, one, formerly, either, optional}}, []string{renamed}},
		{"the new name was no option", step{nil, []string{gone, one, formerly, either, optional}}, []string{renamed}},
		{"both stay", step{[]string{url}, []string{one}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := changes(t, tt.step)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, slices.Sorted(slices.Values(ids(told)))); diff != "" {
				t.Error(diff)
			}
			for _, c := range told {
				if c.Rule.ID == "condition-added" && !strings.HasPrefix(c.New, "not together: --") {
					t.Errorf("told as %q", c.New)
				}
			}
		})
	}
}

// The old name of one option that becomes another's sets something else from then on, whether it is accepted or refused.
func TestAFormerNameIsLostToAnotherOption(t *testing.T) {
	const (
		condition = `schema/allOf=[{"not":{"required":["speed","mode"]}}]`
		itself    = `schema/properties/speed={"type":"string","enum":["fast","slow"],"default":"fast","description":"In which way.","x-env":"E","x-group":"Options","x-aliases":["mode"]}`
	)
	speed := "schema/properties/speed" + strings.ReplaceAll(spare, " ", "")
	old := []string{`schema/properties/mode/x-aliases=["speed"]`, condition}
	for _, tt := range []struct {
		name string
		new  []string
		want []string // rule, place and new
	}{
		{"which is new", []string{speed, condition}, []string{"option-alias-removed --mode: ", "option-added --speed: speed"}},
		{
			"which has a condition",
			[]string{speed, condition, `schema/dependencies={"speed":["limit"]}`},
			[]string{"option-alias-removed --mode: ", "option-added --speed: speed", `condition-added options: with --speed: ["limit"]`},
		},
		{"but not to itself", []string{"schema/properties/mode=", itself, condition}, []string{"option-renamed-with-alias --mode: speed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range changes(t, step{old, tt.new}) {
				got = append(got, c.Rule.ID+" "+c.Place+": "+c.New)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Saved positions go by the oldest name of an option that tells which system is meant, so another one makes them useless.
func TestTheOldestNameOfAnIdentityStays(t *testing.T) {
	url := func(aliases string) string {
		return `schema/properties/url={"type":"string","pattern":"^https?://","description":"Where to read.","x-env":"E","x-group":"Options","x-identity":true` + aliases + `}`
	}
	const (
		endpoint = "schema/properties/endpoint="
		identity = "schema/properties/endpoint/x-identity=true"
		lost     = "option-identity-changed --url: identity as "
	)
	aliases := func(names string) []string { return []string{endpoint, url(`,"x-aliases":[` + names + `]`)} }
	for _, tt := range []struct {
		name string
		step step
		want []string // rule, place, old and new
	}{
		{"an older name", step{aliases(`"endpoint"`), aliases(`"base","endpoint"`)}, []string{lost + "endpoint -> identity as base", "option-added --url:  -> base"}},
		{"another order", step{aliases(`"a","b"`), aliases(`"b","a"`)}, []string{lost + "a -> identity as b"}},
		{"the oldest is dropped", step{aliases(`"a","b"`), aliases(`"b"`)}, []string{lost + "a -> identity as b", "option-alias-removed --url: a -> "}},
		{"a rename that forgets", step{[]string{identity}, []string{endpoint, url("")}}, []string{"option-renamed --endpoint: endpoint -> url", lost + "endpoint -> identity as url"}},
		{"a rename", step{[]string{identity}, aliases(`"endpoint"`)}, []string{"option-renamed-with-alias --endpoint: endpoint -> url"}},
		{"one more name", step{aliases(`"endpoint"`), aliases(`"endpoint","base"`)}, []string{"option-added --url:  -> base"}},
		{"another order behind the oldest", step{aliases(`"a","b","c"`), aliases(`"a","c","b"`)}, []string{"option-text-changed --url: a, b, c -> a, c, b"}},
		{
			"another order of an option that is none", on("limit", `x-aliases=["a","b"]`, `x-aliases=["b","a"]`),
			[]string{"option-text-changed --limit: a, b -> b, a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.step.old, tt.step.new = append(tt.step.old, `schema/required=["topic"]`), append(tt.step.new, `schema/required=["topic"]`)
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
