package blackbox

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

func TestPageIsCurrent(t *testing.T) {
	const path = "../../../../docs/conformance.md"
	if *update {
		if err := os.WriteFile(path, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Page(), string(text)); diff != "" {
		t.Errorf("it differs from the rules; to write it: go test ./tools/catalogen/internal/blackbox -run Page -update\n%s", diff)
	}
}

func TestRulesAreWellFormed(t *testing.T) {
	id := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	var seen []string
	for _, r := range Rules {
		if !id.MatchString(r.ID) || slices.Contains(seen, r.ID) {
			t.Errorf("%q is no id, or stands twice", r.ID)
		}
		seen = append(seen, r.ID)
		if !slices.Contains(Profiles, r.Profile) || len(r.Says) < 10 || len(r.Fix) < 10 || r.Says[len(r.Says)-1] != '.' {
			t.Errorf("%s: %+v", r.ID, r)
		}
	}
}
