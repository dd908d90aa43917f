package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/strictjson"
)

// RetiredFile is the one file of the catalog that people write.
const RetiredFile = "retired.json"

// Retired lists the connectors that left the catalog.
type Retired struct {
	Connectors []Retirement `json:"connectors"`
}

// A Retirement says when and why a connector left the catalog.
type Retirement struct {
	Name        string `json:"name"`
	Date        string `json:"date"` // YYYY-MM-DD
	Reason      string `json:"reason"`
	Replacement string `json:"replacement"` // what to use in its place, or "none"
}

// ReadRetired reads the list of a catalog. There need not be one.
func ReadRetired(catalog string) (Retired, error) {
	var r Retired
	text, err := os.ReadFile(filepath.Join(catalog, RetiredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := strictjson.Check(text); err != nil {
		return r, fmt.Errorf("%s %w", RetiredFile, err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("read %s: %w", RetiredFile, err)
	}
	return r, nil
}

// vanished finds connectors of the baseline that are neither there nor retired, and retirements that say too little or too much.
func (c Catalog) vanished() []finding.Finding {
	var findings []finding.Finding
	there := map[string]bool{}
	for _, conn := range c.Connectors {
		there[conn.Folder.Name] = true
	}
	retired := map[string]bool{}
	for _, r := range c.Retired.Connectors {
		bad := finding.Finding{
			Connector: r.Name, Rule: "retired-complete", Where: "catalog/" + RetiredFile,
			Fix: "say name, date (YYYY-MM-DD), reason and replacement (or none)",
		}
		_, err := time.Parse(time.DateOnly, r.Date)
		switch {
		case r.Name == "" || r.Reason == "" || r.Replacement == "":
			bad.Message = "an entry is incomplete"
			findings = append(findings, bad)
		case err != nil:
			bad.Message = fmt.Sprintf("%q is no day", r.Date)
			findings = append(findings, bad)
		case there[r.Name]:
			bad.Message, bad.Fix = "is retired, and its folder is still there", "remove one of the two"
			findings = append(findings, bad)
		case retired[r.Name]:
			bad.Message, bad.Fix = "is retired twice", "remove one entry"
			findings = append(findings, bad)
		case r.Date > c.Today.Format(time.DateOnly):
			bad.Message, bad.Fix = fmt.Sprintf("is retired on %s, a day to come", r.Date), "bring the folder back until then, or name the day on which it went"
			findings = append(findings, bad)
		default:
			findings = append(findings, c.promised(r)...)
		}
		retired[r.Name] = true
	}
	released := map[string]bool{}
	for _, entry := range c.Baseline.Index.Connectors {
		released[entry.Name] = true
	}
	for name := range c.Baseline.Documents {
		released[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(released)) {
		if !there[name] && !retired[name] && !c.Failed[name] {
			bad := finding.Finding{
				Connector: name, Rule: "connector-vanished", Where: "connectors/",
				Message: "was released in " + c.Baseline.Ref + " and is gone",
				Fix:     "bring the folder back, or retire it in catalog/" + RetiredFile,
			}
			if c.Baseline.Unknown {
				bad.Message = "is in catalog/, may have been released, and is gone"
				bad.Fix = "fetch the whole history with its tags, bring the folder back, or retire it in catalog/" + RetiredFile
			}
			findings = append(findings, bad)
		}
	}
	return findings
}

// promised finds a retirement before the day until which the newest release said that the connector is kept.
func (c Catalog) promised(r Retirement) []finding.Finding {
	versions := c.versions(r.Name)
	var doc metadata.Document
	if len(versions) == 0 || c.Baseline.Unknown || json.Unmarshal(c.Baseline.Documents[r.Name][versions[0]], &doc) != nil {
		return nil
	}
	if doc.Deprecation == nil || doc.Deprecation.Date <= r.Date {
		return nil
	}
	return []finding.Finding{{
		Connector: r.Name, Rule: rules.Announced, Where: "catalog/" + RetiredFile,
		Message: fmt.Sprintf("is retired on %s, and %s promised it until %s", r.Date, doc.Version, doc.Deprecation.Date),
		Fix:     "bring the folder back until then",
	}}
}

// versions lists the released versions of a connector, newest first.
func (c Catalog) versions(name string) []string {
	return slices.SortedFunc(maps.Keys(c.Baseline.Documents[name]), NewestFirst)
}

// ownMistake is the fix of a finding that no connector can cause: the stages before would have refused it.
const ownMistake = "this is a mistake in catalogen; please report it"

// equalSets holds what was written against what should be there: each connector has a document, its schemas and a page,
// and nothing else has.
func (m *made) equalSets(connectors []Connector) []finding.Finding {
	var findings []finding.Finding
	for _, c := range connectors {
		name := c.Folder.Name
		for _, path := range []string{
			DocumentPath(name, c.Document.Version), "schemas/" + name + ".json", "schemas/" + name + ".config.json",
			"site/connectors/" + name + "/index.html",
		} {
			if !m.paths[path] {
				findings = append(findings, finding.Finding{
					Connector: name, Rule: "equal-sets", Where: "catalog/" + path,
					Message: "was not made", Fix: ownMistake,
				})
			}
		}
		if len(c.Evidence.Tests) == 0 {
			findings = append(findings, finding.Finding{Connector: name, Rule: "equal-sets", Where: "evidence", Message: "there is none", Fix: ownMistake})
		}
	}
	return findings
}
