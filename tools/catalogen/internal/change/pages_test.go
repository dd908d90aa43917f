package change

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/rules")

const mend = "; to mend: go test ./tools/catalogen/internal/change -update"

func TestPagesAreInTheRepository(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "docs", "rules")
	pages := Pages()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%v%s", err, mend)
	}
	for _, entry := range entries {
		if _, ok := pages[entry.Name()]; !ok {
			t.Errorf("docs/rules/%s is left over%s", entry.Name(), mend)
		}
	}
	for name, want := range pages {
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v%s", err, mend)
			continue
		}
		if diff := cmp.Diff(string(want), string(have)); diff != "" {
			t.Errorf("docs/rules/%s differs%s\n%s", name, mend, diff)
		}
	}
}

func TestRulesSayAllThatAPageNeeds(t *testing.T) {
	for _, r := range Rules() {
		if r.Bump == None || asks[r.Bump] == "" || replays[r.Replay] == "" {
			t.Errorf("%s: bump %s, replay %q", r.ID, r.Bump, r.Replay)
		}
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || strings.Contains(r.Title, "|") {
			t.Errorf("%s: the title %q is no heading", r.ID, r.Title)
		}
		for _, text := range []string{r.Explanation, r.Fix} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence", r.ID, text)
			}
		}
		if strings.ToLower(r.ID) != r.ID || strings.ContainsAny(r.ID, " _/") {
			t.Errorf("%s is no id", r.ID)
		}
	}
	for _, list := range [][]Rule{optionRules, documentRules} {
		if !slices.IsSortedFunc(list, func(a, b Rule) int { return int(b.Bump - a.Bump) }) {
			t.Error("the rules are not in the order from what is worst to what is harmless")
		}
	}
}
