// Package outcome says what the gate found in four ways: for people, for programs, for a pull request and for a test report.
// Writing is pure: what is told was decided before.
package outcome

import (
	"fmt"
	"io"
	"slices"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// Formats are the names that Write knows.
var Formats = []string{"text", "json", "github", "junit"}

// An Outcome is all that diff or check found.
type Outcome struct {
	Against    string // git reference of the release; empty if nothing is released
	Note       string // why there is nothing to compare with; else empty
	Connectors []Connector
	Findings   []finding.Finding // all of them, those about versions too
	Stale      []Stale
}

// A Connector is one that could be compared.
type Connector struct {
	change.Verdict
	Folder     discover.Folder
	SDKVersion string   // of the shared flags; empty for a program that is not built on common
	Places     []string // where its version is written, as path:line
	ByHand     bool     // people have to set the version: it is no literal in Go
}

// Stale is a generated file that is not what it should be.
type Stale struct {
	Path string // relative to the repository's root, with slashes
	Kind string // missing, differs, left over
}

// OK tells whether nothing has to be done.
func (o Outcome) OK() bool { return len(o.Findings)+len(o.Stale) == 0 }

// wrong are the connectors whose version has to be set.
func (o Outcome) wrong() []Connector {
	var list []Connector
	for _, c := range o.Connectors {
		if c.Finding != nil {
			list = append(list, c)
		}
	}
	return list
}

// uncompared tells whether there are connectors that got no further than to a finding.
func (o Outcome) uncompared() bool {
	return slices.ContainsFunc(o.Findings, func(f finding.Finding) bool {
		return !slices.ContainsFunc(o.Connectors, func(c Connector) bool { return c.Connector == f.Connector })
	})
}

// place is where a finding is to be mended, as path:line or as a path; empty if nobody knows.
func (o Outcome) place(f finding.Finding) string {
	i := slices.IndexFunc(o.Connectors, func(c Connector) bool { return c.Connector == f.Connector })
	switch {
	case i < 0:
		return ""
	case change.AboutVersion(f) && len(o.Connectors[i].Places) > 0:
		return o.Connectors[i].Places[0]
	}
	return o.Connectors[i].Folder.Path
}

// Page is where a rule is explained, relative to the repository's root.
func Page(id string) string { return "docs/rules/" + id + ".md" }

// Write writes an outcome in one of the Formats.
func (o Outcome) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return o.text(w)
	case "json":
		return o.json(w)
	case "github":
		return o.github(w)
	case "junit":
		return o.junit(w)
	}
	return fmt.Errorf("there is no format %q", format)
}
