package change

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

func TestNextIsOneStepLowerBelowOne(t *testing.T) {
	for _, tt := range []struct {
		from string
		bump Bump
		want string
	}{
		{"0.1.2", None, "0.1.2"},
		{"0.1.2", Patch, "0.1.3"},
		{"0.1.2", Minor, "0.1.3"},
		{"0.1.2", Major, "0.2.0"},
		{"1.2.3", None, "1.2.3"},
		{"1.2.3", Patch, "1.2.4"},
		{"1.2.3", Minor, "1.3.0"},
		{"1.2.3", Major, "2.0.0"},
	} {
		if got := tt.bump.Next(semver.MustParse(tt.from)).String(); got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.bump, tt.from, got, tt.want)
		}
	}
}

func TestLeastLeavesOutWhatIsWaived(t *testing.T) {
	major, minor := Change{Rule: rule("option-removed")}, Change{Rule: rule("option-added")}
	waived := major
	waived.Waiver = "nobody used it"
	for _, tt := range []struct {
		changes []Change
		want    Bump
	}{
		{nil, None}, {[]Change{minor, major}, Major}, {[]Change{minor, waived}, Minor}, {[]Change{waived}, Patch},
	} {
		if got := Least(tt.changes); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.changes, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	const (
		same  = ""
		words = `description="New."`
		added = "schema/properties/spare" + spare
		gone  = "schema/properties/limit="
	)
	tests := []struct {
		name     string
		released string // versions, of the usual document
		version  string
		edit     string
		rule     string
		want     string
	}{
		{"nothing is released", "", "7.3.1", gone, "", "7.3.1"},
		{"nothing changed", "0.1.0", "0.1.0", same, "", "0.1.0"},
		{"a released document was edited", "0.1.0", "0.1.0", words, "released-version-immutable", "0.1.1"},
		{"a step back", "0.1.0 0.2.0", "0.1.5", words, "version-rises", "0.2.1"},
		{"back to what was released", "0.1.0 0.2.0", "0.1.0", same, "version-rises", "0.2.1"},
		{"a break below 1.0.0", "0.1.0", "0.1.0", gone, "released-version-immutable", "0.2.0"},
		{"too small a step below 1.0.0", "0.1.0", "0.1.1", gone, "version-bump", "0.2.0"},
		{"the right step below 1.0.0", "0.1.0", "0.2.0", gone, "", "0.2.0"},
		{"an addition below 1.0.0", "0.1.0", "0.1.1", added, "", "0.1.1"},
		{"the first stable version", "0.1.0", "1.0.0", words, "", "1.0.0"},
		{"too small a step", "1.1.1", "1.1.2", added, "version-bump", "1.2.0"},
		{"the right step", "1.1.1", "1.2.0", added, "", "1.2.0"},
		{"a larger step than asked for", "1.1.1", "2.0.0", added, "", "2.0.0"},
		{"a break", "1.1.1", "1.2.0", gone, "version-bump", "2.0.0"},
		{"a gap of patches", "1.1.1", "1.1.3", words, "version-exact", "1.1.2"},
		{"a gap of minors", "1.1.1", "1.3.0", words, "version-exact", "1.1.2"},
		{"a gap of majors", "1.1.1", "3.0.0", gone, "version-exact", "2.0.0"},
		{"a step that carries more along", "1.1.1", "1.2.1", added, "version-exact", "1.2.0"},
		{"a new program with the same metadata", "1.1.1", "1.1.2", same, "", "1.1.2"},
		{"from the newest of several, whatever their order", "0.9.0 0.10.0 0.2.0", "0.10.1", words, "", "0.10.1"},
		{"a pre-release of the next version", "1.1.1", "1.2.0-rc.1", added, "", "1.2.0-rc.1"},
		{"a pre-release of too low a version", "1.1.1", "1.1.2-rc.1", added, "version-bump", "1.2.0"},
		{"the release after pre-releases", "1.1.1 1.2.0-rc.1", "1.2.0", added, "", "1.2.0"},
		{"behind a pre-release", "1.1.1 1.2.0-rc.1", "1.1.2", words, "version-rises", "1.2.0"},
		{"a pre-release was edited", "1.1.1 1.2.0-rc.1", "1.2.0-rc.1", words, "released-version-immutable", "1.2.0"},
		{"after nothing but pre-releases", "0.1.0-rc.1 0.1.0-rc.2", "0.1.0", gone, "", "0.1.0"},
		{"after a pre-release that is further than one step", "1.0.0 3.0.0-rc.1", "3.0.0", words, "", "3.0.0"},
		{"no version at all", "0.1.0", "latest", words, "", "latest"},
		{"a file that is no version", "0.1.0 latest", "0.1.1", words, "", "0.1.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			documents := map[string][]byte{}
			for _, version := range strings.Fields(tt.released) {
				documents[version] = edited(t, "a-source", "version="+`"`+version+`"`)
			}
			edits := []string{"version=" + `"` + tt.version + `"`}
			if tt.edit != "" {
				edits = append(edits, tt.edit)
			}
			v, err := Judge("a-source", tt.version, edited(t, "a-source", edits...), documents, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if v.Finding != nil {
				got = v.Finding.Rule
				if want := "set version " + tt.want; v.Finding.Fix != want {
					t.Errorf("fix %q, want %q", v.Finding.Fix, want)
				}
			}
			if got != tt.rule || v.Want != tt.want {
				t.Errorf("%q, set %s; want %q, set %s: %+v", got, v.Want, tt.rule, tt.want, v.Finding)
			}
		})
	}
}

func TestJudgeAsksForWaivers(t *testing.T) {
	released := map[string][]byte{"1.0.0": edited(t, "a-source", `version="1.0.0"`)}
	text := edited(t, "a-source", `version="1.0.1"`, "schema/properties/limit=")
	v, err := Judge("a-source", "1.0.1", text, released, func(changes []Change) {
		if len(changes) != 1 || changes[0].Place != "--limit" {
			t.Errorf("changes %v", ids(changes))
		}
		changes[0].Waiver = "it never worked"
	})
	if err != nil || v.Finding != nil || v.Want != "1.0.1" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestJudgeNamesTheReleaseThatCannotBeRead(t *testing.T) {
	_, err := Judge("a-source", "0.1.1", edited(t, "a-source"), map[string][]byte{"0.1.0": []byte("{")}, nil)
	if err == nil || !strings.Contains(err.Error(), "0.1.0") {
		t.Error(err)
	}
}
