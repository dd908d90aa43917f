package outcome

import (
	"io"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/junit"
)

// junit writes a report with a suite for each connector, whose test "version" passes if its version is right and lists the
// changes. Each other finding and each stale file is a test that fails.
func (o Outcome) junit(w io.Writer) error {
	var suites []junit.Suite
	add := func(suite string, test junit.Case) {
		i := slices.IndexFunc(suites, func(s junit.Suite) bool { return s.Name == suite })
		if i < 0 {
			i, suites = len(suites), append(suites, junit.Suite{Name: suite})
		}
		test.Class = suite
		suites[i].Cases = append(suites[i].Cases, test)
	}
	for _, c := range o.Connectors {
		test := junit.Case{Name: "version", Output: changeList(c.Changes)}
		if c.Finding != nil {
			test.Failure = failure(*c.Finding)
		}
		add(c.Connector, test)
	}
	for _, f := range o.Findings {
		if change.AboutVersion(f) {
			continue
		}
		name := f.Connector
		if name == "" {
			name = "catalog"
		}
		add(name, junit.Case{Name: strings.TrimSpace(f.Rule + " " + f.Where), Failure: failure(f)})
	}
	for _, st := range o.Stale {
		add("catalog", junit.Case{Name: st.Path, Failure: &junit.Note{Message: st.Kind, Text: "fix: make catalog, then commit what changed"}})
	}
	return junit.Write(w, "catalogen", suites)
}

func failure(f finding.Finding) *junit.Note {
	text := strings.TrimSpace("[" + f.Rule + "] " + f.Where)
	if f.Fix != "" {
		text += "\nfix: " + f.Fix
	}
	return &junit.Note{Message: finding.Printable(f.Message), Text: text}
}

func changeList(changes []change.Change) string {
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = strings.TrimSpace(c.Rule.Bump.String() + " " + c.Rule.ID + " " + c.Place + " " + step(c, clip))
	}
	return strings.Join(lines, "\n")
}
