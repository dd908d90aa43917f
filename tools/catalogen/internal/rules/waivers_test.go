package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
)

var today = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

// waivers reads a file that is in order.
func waivers(t *testing.T, text string) Waivers {
	t.Helper()
	w, err := parseWaivers([]byte(text), today)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// remains are the findings of waivers that have been asked, as rule and message.
func remains(w Waivers, compared bool) (got []string) {
	for _, f := range w.Check(compared) {
		got = append(got, f.Rule+": "+f.Message)
	}
	return got
}

func TestASecretIsWaived(t *testing.T) {
	const line = `{"secret-marked": {"token": {"reason": "It is a public word.", "expires": "2027-02-01"}}}`
	marked := []string{"secret-marked /schema/properties/token"}
	tests := []struct {
		name, text string
		unmarked   bool // the document does not mark the token
		want       []string
		remains    []string
	}{
		{name: "until the day before", text: line, unmarked: true},
		{
			name: "no longer on the day", text: strings.Replace(line, "02-01", "01-31", 1), unmarked: true, want: marked,
			remains: []string{`waiver-expired: waives secret-marked of "token" until 2027-01-31, which is past`},
		},
		{
			name: "only where that is needed", text: line,
			remains: []string{`waiver-used: waives secret-marked of "token", which needs no waiver`},
		},
		{
			name: "only the option that is named", text: strings.Replace(line, "token", "strict", 1), unmarked: true, want: marked,
			remains: []string{`waiver-used: waives secret-marked of "strict", which needs no waiver`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, old := waivers(t, tt.text), ""
			if tt.unmarked {
				old = `"writeOnly": true, `
			}
			if diff := cmp.Diff(tt.want, check(t, "a-source", old, "", w)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.remains, remains(w, false)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChangesAndContradictionsAreWaived(t *testing.T) {
	w := waivers(t, `{
		"option-pattern-changed": {"endpoint": {"reason": "It accepts more.", "expires": "2027-06-30"}},
		"record-constraint-changed": {"record url": {"reason": "As before.", "expires": "2027-06-30"}},
		"option-removed": {"limit": {"reason": "It never did a thing.", "expires": "2027-06-30"}},
		"replay": {"mode": {"reason": "A pattern said the same before.", "expires": "2027-06-30"}}}`)
	if got := remains(w, false); got != nil {
		t.Errorf("where nothing was compared: %v", got)
	}
	all := change.Rules()
	of := func(id string) change.Rule {
		return all[slices.IndexFunc(all, func(r change.Rule) bool { return r.ID == id })]
	}
	changes := []change.Change{
		{Rule: of("option-pattern-changed"), Option: "endpoint", Place: "--endpoint"},
		{Rule: of("option-pattern-changed"), Option: "other", Place: "--other"},
		{Rule: of("record-constraint-changed"), Place: "record url"},
	}
	w.Changes(changes)
	var got []string
	for _, c := range changes {
		got = append(got, c.Waiver)
	}
	if diff := cmp.Diff([]string{"It accepts more.", "", "As before."}, got); diff != "" {
		t.Error(diff)
	}
	if !w.Replay("mode") || w.Replay("limit") {
		t.Error("contradictions are waived by their options")
	}
	if diff := cmp.Diff([]string{`waiver-used: waives option-removed of "limit", which needs no waiver`}, remains(w, true)); diff != "" {
		t.Error(diff)
	}
}

func TestReadWaivers(t *testing.T) {
	const good = `{"secret-marked": {"token": {"reason": "It is public.", "expires": "2027-06-30"}}}`
	tests := []struct{ name, old, new, want string }{
		{"a good file", "", "", ""},
		{"a misspelt rule", "secret-marked", "secret-markd", `no rule "secret-markd" can be waived`},
		{"a rule that nobody may waive", "secret-marked", "metadata-schema", `no rule "metadata-schema" can be waived`},
		{"a change that asks for nothing", "secret-marked", "option-text-changed", `no rule "option-text-changed" can be waived`},
		{"no reason", "It is public.", " ", `secret-marked of "token" has no reason`},
		{"no day", "2027-06-30", "never", `secret-marked of "token" expires on "never", which is no day`},
		{"nothing said", `{"reason": "It is public.", "expires": "2027-06-30"}`, "null", `secret-marked of "token" says nothing`},
		{"the form without a day", `{"reason": "It is public.", "expires": "2027-06-30"}`, `"It is public."`, "holds a string where it cannot"},
		{"another key", `"expires"`, `"until"`, `unknown field "until"`},
		{"a rule twice", `{"secret-marked"`, `{"secret-marked": {}, "secret-marked"`, "secret-marked"},
		{"half a file", "}}}", "", "ends too early"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			text := strings.Replace(good, tt.old, tt.new, 1)
			if err := os.WriteFile(filepath.Join(dir, WaiverFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w, err := ReadWaivers(dir, today)
			if tt.want == "" && (err != nil || len(w.list) != 1) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, %v", w, err)
			}
		})
	}
	if w, err := ReadWaivers(t.TempDir(), today); err != nil || w.list != nil {
		t.Errorf("no file: %v, %v", w, err)
	}
}
