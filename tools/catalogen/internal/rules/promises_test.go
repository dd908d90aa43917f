package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
)

// subject is a checked subject, of a document with text replaced.
func subject(t *testing.T, old, replacement string) Subject {
	t.Helper()
	text := strings.Replace(fake.Metadata("a-source"), old, replacement, 1)
	s := Subject{Folder: discover.Folder{Name: "a-source", Direction: "source"}, Text: []byte(text)}
	var err error
	if s.Document, s.Published, err = probe.Decode(s.Text); err != nil {
		t.Fatal(err)
	}
	s, findings := Check(s)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return s
}

func TestPromises(t *testing.T) {
	const (
		plain = `"strict": {"type": "boolean", "description": "Whether to be strict.", "x-env": "A_SOURCE_STRICT", "x-group": "Options"},`
		goes  = `"strict": {"type": "boolean", "deprecated": true, "x-deprecation": {"date": "2027-06-30", "replacement": "none", "note": "Leave it out."}, ` +
			`"description": "Whether to be strict.", "x-env": "A_SOURCE_STRICT", "x-group": "Options"},`
		alias = `"severe": {"type": "boolean", "x-aliases": ["strict"], "description": "Whether to be strict.", "x-env": "A_SOURCE_SEVERE", "x-group": "Options"},`
		ends  = `"deprecated", "deprecation": {"date": "2027-06-30", "replacement": "b-source", "note": "It is the same."}`
		at    = "/schema/properties/strict: "
	)
	sooner := func(text string) string { return strings.Replace(text, "2027-06-30", "2027-06-29", 1) }
	later := func(text string) string { return strings.Replace(text, "2027-06-30", "2027-07-01", 1) }
	tests := []struct {
		name         string
		was, is      string // in place of the plain option, or of the stability
		place, today string
		want         string
		waivers      string
	}{
		{name: "an option that stays", was: goes, is: goes},
		{name: "gone before the day", was: goes, today: "2027-06-29", want: at + "is gone, and 0.1.0 promised it until 2027-06-30"},
		{name: "gone on the day", was: goes, today: "2027-06-30"},
		{
			name: "gone before the day, and waived", was: goes, today: "2027-06-29",
			waivers: `{"removal-announced": {"strict": {"reason": "It was a hole.", "expires": "2028-01-01"}}}`,
		},
		{name: "still accepted by its old name", was: goes, is: alias, today: "2027-06-29"},
		{name: "the day moved on", was: goes, is: later(goes), today: "2027-06-29"},
		{name: "the day moved forward", was: goes, is: sooner(goes), today: "2027-06-28", want: at + "was promised until 2027-06-30, and is now until 2027-06-29"},
		{name: "a day that is past is of no account", was: goes, is: sooner(goes), today: "2027-06-30"},
		{name: "taken back", was: goes, is: plain, today: "2027-06-29"},
		{name: "gone without a word", was: plain},
		{
			name: "gone from a stable connector without a word", was: plain, place: `"stable"`,
			want: at + "is gone, and 0.1.0, which is stable, did not say that it would go",
		},
		{name: "gone from a stable connector after the day", was: goes, place: `"stable"`, today: "2027-06-30"},
		{
			name: "a connector that goes sooner", was: plain, is: plain, place: ends, today: "2027-06-28",
			want: "/deprecation/date: was promised until 2027-06-30, and is now until 2027-06-29",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, tt.today)
			if tt.today != "" && err != nil {
				t.Fatal(err)
			}
			released, now := subject(t, plain, tt.was).Document, subject(t, plain, tt.is)
			if tt.place != "" {
				text := strings.Replace(fake.Metadata("a-source"), `"experimental"`, tt.place, 1)
				if released, _, err = probe.Decode([]byte(strings.Replace(text, plain, tt.was, 1))); err != nil {
					t.Fatal(err)
				}
				if tt.place == ends {
					now = subject(t, `"experimental"`, sooner(ends))
				}
			}
			if tt.waivers != "" {
				now.Waivers = waivers(t, tt.waivers)
			}
			findings, err := Promises(now, released, day)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range findings {
				if f.Rule != "removal-announced" || f.Connector != "a-source" {
					t.Errorf("finding %v", f)
				}
				got += f.Where + ": " + f.Message
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
