package publish

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
)

// by is a change by the rule of an id.
func by(t *testing.T, id string, c change.Change) change.Change {
	t.Helper()
	all := change.Rules()
	i := slices.IndexFunc(all, func(r change.Rule) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("there is no rule %s", id)
	}
	c.Rule = all[i]
	return c
}

func TestChangelogTellsOfEachVersion(t *testing.T) {
	got, err := changelog("a-source", nil, []release{
		{version: "0.3.0", changes: []change.Change{
			by(t, "option-text-changed", change.Change{Place: "--limit", Option: "limit", Old: "How many.", New: "How many `rows`."}),
			by(t, "option-removed", change.Change{Place: "--mode", Option: "mode", Old: "mode"}),
			by(t, "option-added", change.Change{Place: "--pprof", Option: "pprof", New: "pprof", Shared: true}),
			by(t, "option-range-narrowed", change.Change{Place: "--limit", Option: "limit", Old: "at least 1", New: "at least 1, at most 5"}),
		}},
		{version: "0.2.0"},
		{version: "0.1.0", first: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "# Changes of a-source\n\n" + releaseBegin("0.3.0") + "\n\n## 0.3.0\n\n### Breaking\n\n" +
		"- `--mode`: An option was removed\n" +
		"- `--limit`: An option's range of numbers became narrower, from `at least 1` to `at least 1, at most 5`\n\n" +
		"### New\n\n- `--pprof`: An option was added (as in every connector)\n\n" +
		"### Other\n\n- `--limit`: An option is told about in other words, from `How many.` to `` How many `rows`. ``\n\n" +
		releaseEnd("0.3.0") + "\n\n" + releaseBegin("0.2.0") + "\n\n## 0.2.0\n\nThe same options, records and promises as before.\n\n" +
		releaseEnd("0.2.0") + "\n\n" + releaseBegin("0.1.0") + "\n\n## 0.1.0\n\nFirst version in the catalog.\n\n" + releaseEnd("0.1.0") + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestChangelogKeepsWhatPeopleWrote(t *testing.T) {
	block := func(version string) string { return releaseBegin(version) + "\nstale\n" + releaseEnd(version) + "\n" }
	const old = "# History\n\nWritten with care.\n\n"
	tests := []struct {
		name, text string
		want       []string // what stands outside the generated parts, in order
	}{
		{"nothing", "", []string{"# Changes of a-source"}},
		{"a head", old, []string{"# History\n\nWritten with care."}},
		{"notes", old + block("0.2.0") + "Mind the step.\n\n- a\n\n" + block("0.1.0") + "It begins.\n", []string{"# History\n\nWritten with care.", "Mind the step.\n\n- a", "It begins."}},
		{"notes about a version that got another number", old + block("0.1.5") + "Mind the step.\n" + block("0.1.0"), []string{"# History\n\nWritten with care.", "Mind the step."}},
		{"notes about both", old + block("0.2.0") + "One.\n" + block("0.1.5") + "Two.\n" + block("0.1.0"), []string{"# History\n\nWritten with care.", "Two.\n\nOne."}},
		{"an order of its own", block("0.1.0") + "It begins.\n" + block("0.2.0") + "Mind the step.\n", []string{"# Changes of a-source", "Mind the step.", "It begins."}},
	}
	releases := []release{{version: "0.2.0"}, {version: "0.1.0", first: true}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := changelog("a-source", []byte(tt.text), releases)
			if err != nil {
				t.Fatal(err)
			}
			var outside []string
			rest := string(got)
			for _, r := range releases {
				before, inner, _ := strings.Cut(rest, releaseBegin(r.version))
				outside = append(outside, strings.TrimSpace(before))
				_, rest, _ = strings.Cut(inner, releaseEnd(r.version))
			}
			outside = slices.DeleteFunc(append(outside, strings.TrimSpace(rest)), func(s string) bool { return s == "" })
			if diff := cmp.Diff(tt.want, outside); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(got), "stale") {
				t.Error("an old text stays")
			}
			again, err := changelog("a-source", got, releases)
			if err != nil || string(again) != string(got) {
				t.Errorf("a second time, %v: %s", err, cmp.Diff(string(got), string(again)))
			}
		})
	}
}

func TestChangelogRefusesMarkersThatDoNotPairUp(t *testing.T) {
	begin, end := releaseBegin("0.1.0")+"\n", releaseEnd("0.1.0")+"\n"
	for _, text := range []string{begin, end, begin + begin + end + end, begin + end + begin + end, begin + releaseEnd("0.2.0") + "\n" + end} {
		if _, err := changelog("a-source", []byte(text), []release{{version: "0.1.0"}}); err == nil || !strings.Contains(err.Error(), "0.1.0") && !strings.Contains(err.Error(), "0.2.0") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
