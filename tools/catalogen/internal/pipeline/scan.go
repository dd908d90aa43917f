package pipeline

import (
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// scan looks at what a folder's code and tests say, which needs no program.
func (r *run) scan(f discover.Folder) ([]finding.Finding, error) {
	foreign, err := rules.ForeignPrograms(f, r.foreign)
	if err != nil {
		return nil, err
	}
	own, err := rules.OwnEnvironment(f)
	return slices.Concat(foreign, own), err
}

// readmeFindings tells that a README has no place for the table of options. Publish would find it too, when all tests have run.
func readmeFindings(f discover.Folder, text []byte) []finding.Finding {
	if _, err := readme.Replace(text, readme.Options, nil); err != nil {
		return []finding.Finding{publish.ReadmeBlock(f.Name, f.Path+"/README.md", readme.Options, err)}
	}
	return nil
}

// silent tells whether a test failed without a word of its own.
func silent(t evidence.Test) bool { return t.Status == metadata.Failed && spoken(t.Detail) == "" }

// spoken is what a failed test says, without the lines that go test writes around it.
func spoken(detail string) string {
	var lines []string
	for line := range strings.Lines(detail) {
		word := strings.TrimSpace(line)
		if word != "Failed" && !strings.HasPrefix(word, "=== ") && !strings.HasPrefix(word, "--- FAIL: ") {
			lines = append(lines, line)
		}
	}
	return strings.TrimRight(strings.Join(lines, ""), "\n")
}
