package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
)

// programName finds the words of a script that may name a connector.
var programName = regexp.MustCompile(`[a-z0-9]+(-[a-z0-9]+)+`)

// maxBats is how many bytes a bats file may hold.
const maxBats = 1 << 20

// ForeignPrograms finds bats files that name other connectors. Those are no inputs of this one, so its evidence would not
// notice when they change, and its tests would not run by themselves. What foreign does not name, tests may run.
func ForeignPrograms(f discover.Folder, foreign []string) ([]finding.Finding, error) {
	files, err := os.ReadDir(f.Dir)
	if err != nil {
		return nil, err
	}
	var findings []finding.Finding
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".bats" {
			continue
		}
		text, err := rooted.Read(f.Dir, file.Name(), maxBats)
		if err != nil {
			findings = append(findings, finding.Finding{
				Connector: f.Name, Rule: "test-programs", Where: f.Path, Message: err.Error(), Fix: "let it be a file of the folder itself",
			})
			continue
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, name := range programName.FindAllString(line, -1) {
				if name == f.Name || !slices.Contains(foreign, name) {
					continue
				}
				findings = append(findings, finding.Finding{
					Connector: f.Name, Rule: "test-programs", Where: fmt.Sprintf("%s/%s:%d", f.Path, file.Name(), number),
					Message: "the test names " + name + ", which is no input of this connector's evidence",
					Fix:     "use generate-source, stdout-sink or patchbay, or test the pair outside of connectors/",
				})
			}
		}
	}
	return findings, nil
}
