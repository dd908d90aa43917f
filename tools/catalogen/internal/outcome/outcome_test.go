package outcome

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/report"
)

var update = flag.Bool("update", false, "write the golden files")

// rule is the rule of an id.
func rule(t *testing.T, id string) change.Rule {
	t.Helper()
	rules := change.Rules()
	i := slices.IndexFunc(rules, func(r change.Rule) bool { return r.ID == id })
	if i < 0 {
		t.Fatalf("there is no rule %s", id)
	}
	return rules[i]
}

// sample has one of everything that is told in a way of its own.
func sample(t *testing.T) Outcome {
	t.Helper()
	shared := change.Change{
		Rule: rule(t, "option-default-changed"), Place: "--log-level", Option: "log-level", Shared: true, Old: "info", New: "warn",
	}
	connector := func(name string, own ...change.Change) Connector {
		c := Connector{Folder: discover.Folder{Name: name, Path: "connectors/sources/" + name}}
		c.Connector, c.Released, c.Version, c.Want = name, "0.1.0", "0.1.0", "0.2.0"
		c.Changes = append(own, shared)
		for i := range c.Changes {
			c.Changes[i].Connector = name
		}
		c.Finding = &finding.Finding{
			Connector: name, Rule: "version-bump", Where: "/version", Message: "100% too low: 0.1.0, as it is", Fix: "set version 0.2.0",
		}
		return c
	}
	a := connector("a-source",
		change.Change{Rule: rule(t, "text-changed"), Place: "description", Old: "Reads.\nA lot.", New: strings.Repeat("long ", 20)},
		change.Change{Rule: rule(t, "option-removed"), Place: "--mode", Option: "mode", Old: "mode", Waiver: "nobody set it\nb-source since 0.1.0"},
		change.Change{Rule: rule(t, "condition-added"), Place: "options", New: "not together: --a --b"},
	)
	a.Places = []string{"connectors/sources/a-source/main.go:15"}
	b := connector("b-source")
	b.ByHand = true
	other := finding.Finding{Connector: "c-source", Rule: "metadata-run", Where: "metadata", Message: "status 1:\r\n\x1b[31mno <idea>"}
	return Outcome{
		Against: "v1", Connectors: []Connector{a, b}, Findings: []finding.Finding{*a.Finding, *b.Finding, other},
		Stale: []Stale{{"catalog/index.json", "differs"}},
	}
}

func TestFormats(t *testing.T) {
	for _, format := range Formats {
		t.Run(format, func(t *testing.T) {
			var got bytes.Buffer
			if err := sample(t).Write(&got, format); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "outcome."+format)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := sample(t).Write(&bytes.Buffer{}, "xml"); err == nil {
		t.Error("there is a format xml")
	}
}

func TestAnnotationsEndWhereTheyShould(t *testing.T) {
	var b bytes.Buffer
	annotate(&b, "error", "a,b:c:7", "100%: x,y\n", "50%: x,y\r\n::error::z")
	want := "::error file=a%2Cb,line=c%3A7,title=100%25%3A x%2Cy%0A::50%25: x,y\\u000d%0A::error::z\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestDocsNameEveryKeyOfJSON(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "versions.md"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	o := sample(t)
	o.Note = "so that every key is there"
	if err := o.Write(&text, "json"); err != nil {
		t.Fatal(err)
	}
	for _, key := range regexp.MustCompile(`"([a-z]+)":`).FindAllStringSubmatch(text.String(), -1) {
		if !bytes.Contains(docs, []byte("`"+key[1]+"`")) {
			t.Errorf("docs/versions.md does not name the key %s", key[1])
		}
	}
}

func TestJUnitIsReadByOurOwnReader(t *testing.T) {
	var text bytes.Buffer
	if err := sample(t).Write(&text, "junit"); err != nil {
		t.Fatal(err)
	}
	tests, err := report.ParseJUnit(text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, test := range tests {
		if test.Status != metadata.Failed {
			t.Errorf("%s %s: %s", test.Suite, test.Name, test.Status)
		}
		got = append(got, test.Suite+" "+test.Name)
	}
	want := []string{"a-source version", "b-source version", "c-source metadata-run metadata", "catalog catalog/index.json"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTextOfNothing(t *testing.T) {
	quiet := Connector{}
	quiet.Connector = "a-source"
	for _, tt := range []struct {
		name    string
		outcome Outcome
		want    string
	}{
		{"nothing is released", Outcome{Note: "Nothing is released yet."}, "\nNothing is released yet.\n"},
		{"nothing changed", Outcome{Against: "v1", Connectors: []Connector{quiet}}, "\nNo metadata changed since v1.\n"},
		{"nothing changed, as far as is known", Outcome{
			Against: "v1", Connectors: []Connector{quiet}, Findings: []finding.Finding{{Connector: "b-source", Rule: "x"}},
		}, ""},
		{"nothing could be compared", Outcome{Against: "v1", Findings: []finding.Finding{{Rule: "x"}}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := tt.outcome.Write(&got, "text"); err != nil || got.String() != tt.want {
				t.Errorf("%q, %v", got.String(), err)
			}
			if tt.outcome.OK() != (len(tt.outcome.Findings) == 0) {
				t.Error("OK is wrong")
			}
		})
	}
}
