package blackbox

import (
	_ "embed"
	"fmt"
	"strings"
)

// page is docs/conformance.md with a place for the rules.
//
//go:embed page.md
var page string

// Page writes docs/conformance.md: what conformance is, and every rule.
func Page() string {
	var b strings.Builder
	for _, p := range Profiles {
		fmt.Fprintf(&b, "## Profile %s\n\n| rule | what holds | to mend it |\n|---|---|---|\n", p)
		for _, r := range Rules {
			if r.Profile == p {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, cell(r.Says), cell(r.Fix))
			}
		}
		b.WriteByte('\n')
	}
	return strings.Replace(page, "RULES\n", strings.TrimSuffix(b.String(), "\n"), 1)
}

// cell writes text into a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
