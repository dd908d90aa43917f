package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// all lists the rules in the order in which their findings are told.
var all = []rule{
	{"name-matches-folder", nameMatchesFolder},
	{"direction-matches-folder", directionMatchesFolder},
	{"version-semver", versionSemver},
	{"description-sentence", descriptionSentence},
	{"license-spdx", licenseSPDX},
	{"deprecation-date", deprecationDate},
	{"commands-core", commandsCore},
	{"exit-statuses", exitStatuses},
	{"direction-fields", directionFields},
	{"record-compiles", recordCompiles},
	{"option-described", optionDescribed},
	{"option-typed", optionTyped},
	{"option-reserved", optionReserved},
	{"option-alias", optionAlias},
	{"option-env", optionEnv},
	{"option-group", optionGroup},
	{"option-deprecated", optionDeprecated},
	{"topic-required", topicRequired},
	{"required-exists", requiredExists},
	{"secret-marked", secretMarked},
	{"secret-without-default", secretWithoutDefault},
	{"default-valid", defaultValid},
	{"example-valid", exampleValid},
}

func nameMatchesFolder(s Subject) []finding.Finding {
	if s.Document.Name == s.Folder.Name {
		return nil
	}
	return one("/name", fmt.Sprintf("the metadata says %q, the folder %q", s.Document.Name, s.Folder.Name),
		fmt.Sprintf("write %q, which is what the program is called, or rename the folder", s.Folder.Name))
}

func directionMatchesFolder(s Subject) []finding.Finding {
	if s.Document.Direction == s.Folder.Direction {
		return nil
	}
	return one("/direction", fmt.Sprintf("the metadata says %q, but the folder is among the %ss", s.Document.Direction, s.Folder.Direction),
		fmt.Sprintf("say %q, or move the folder", s.Folder.Direction))
}

func versionSemver(s Subject) []finding.Finding {
	version, err := semver.StrictNewVersion(s.Document.Version)
	switch {
	case err != nil:
		return one("/version", fmt.Sprintf("%q is no semantic version: %v", s.Document.Version, err), "write it like 0.1.0")
	case version.Metadata() != "":
		return one("/version", fmt.Sprintf("%q carries build metadata, which order ignores", s.Document.Version), "leave out + and what follows")
	}
	return nil
}

func descriptionSentence(s Subject) []finding.Finding {
	text := s.Document.Description
	switch {
	case strings.TrimSpace(text) != text || strings.ContainsAny(text, "\n\t"):
		return one("/description", "holds a line break, a tab or blanks around it", "write one line")
	case !strings.HasSuffix(text, "."):
		return one("/description", "does not end in a full stop", "write one whole sentence")
	case strings.Contains(strings.TrimSuffix(text, "."), ". "):
		return one("/description", "is more than one sentence", "keep the first; the rest belongs in README.md")
	case len(strings.Fields(text)) < 3:
		return one("/description", "says too little", "say what it reads or writes, in one sentence")
	}
	return nil
}

// licenses are the SPDX identifiers that the catalog accepts: licences under which a user may run and change a connector.
var licenses = []string{
	"0BSD", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
	"EPL-2.0", "EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC",
	"LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "PostgreSQL",
	"Unlicense", "Zlib",
}

func licenseSPDX(s Subject) []finding.Finding {
	if slices.Contains(licenses, s.Document.License) {
		return nil
	}
	return one("/license", fmt.Sprintf("%q is not among the SPDX identifiers that the catalog accepts", s.Document.License),
		"write one that it does, such as Apache-2.0, MIT or BSD-3-Clause")
}

func deprecationDate(s Subject) []finding.Finding {
	if s.Document.Deprecation == nil {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, s.Document.Deprecation.Date); err != nil {
		return one("/deprecation/date", fmt.Sprintf("%q is no day", s.Document.Deprecation.Date), "write it like 2027-01-31")
	}
	return nil
}

// commandsCore demands what the catalog itself runs, in any language.
func commandsCore(s Subject) []finding.Finding {
	var findings []finding.Finding
	for _, name := range []string{"metadata", "validate"} {
		if !HasCommand(s.Document, name) {
			findings = append(findings, finding.Finding{
				Where: "/commands", Message: fmt.Sprintf("there is no %s command", name),
				Fix: "implement it and list it",
			})
		}
	}
	return findings
}

// HasCommand tells whether a connector says that it has a command.
func HasCommand(d metadata.Document, name string) bool {
	return slices.ContainsFunc(d.Commands, func(c metadata.Command) bool { return c.Name == name || strings.HasPrefix(c.Name, name+" ") })
}

func exitStatuses(s Subject) []finding.Finding {
	var findings []finding.Finding
	seen := map[int]bool{}
	for i, status := range s.Document.ExitStatuses {
		if seen[status.Status] {
			findings = append(findings, finding.Finding{
				Where:   fmt.Sprintf("/exit_statuses/%d", i),
				Message: fmt.Sprintf("status %d is told twice", status.Status), Fix: "keep one",
			})
		}
		seen[status.Status] = true
	}
	for _, status := range []int{0, 1, 2} {
		if !seen[status] {
			findings = append(findings, finding.Finding{
				Where: "/exit_statuses", Message: fmt.Sprintf("status %d is not told", status),
				Fix: "0 is success, 1 a failure, 2 wrong usage or configuration",
			})
		}
	}
	return findings
}

func directionFields(s Subject) []finding.Finding {
	if s.Document.Direction == metadata.Sink && (s.Document.Resumes || s.Document.PositionsRecur) {
		return one("/resumes", "resumes and positions_recur are about sources", "leave them out")
	}
	return nil
}

func recordCompiles(s Subject) []finding.Finding {
	if len(s.Document.Record) == 0 {
		return nil
	}
	value, err := schema.Parse(s.Document.Record)
	if err == nil {
		_, err = compile(s.Document.Record, value)
	}
	if err != nil {
		return one("/record", err.Error(), "write a JSON Schema that is complete in itself")
	}
	return nil
}

func one(where, message, fix string) []finding.Finding {
	return []finding.Finding{{Where: where, Message: message, Fix: fix}}
}
