// Package rules holds the named rules that a metadata document must keep beyond its own schema. Every rule is pure: it
// sees the folder's facts and the document, and returns what is wrong, all of it.
package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// A Subject is what the rules look at.
type Subject struct {
	Folder    discover.Folder
	Document  metadata.Document
	Text      []byte // the document as the connector printed it
	Published []byte // the document as the catalog keeps it
	Waivers   Waivers

	Options  options.Schema // Document.Schema, read by Check
	Compiled *schema.Schema // Document.Schema, compiled by Check

	byName []options.Option // of Options, in alphabetical order
}

// foreign tells whether the program is not built on common. Some forms of metadata that others print are understood then.
func (s Subject) foreign() bool { return s.Document.SDKVersion == "" }

// A rule is one check. All rules run, so that one round tells an author everything.
type rule struct {
	id    string
	check func(Subject) []finding.Finding
}

// Check holds a document against its published schema and then, if that is kept or broken only where no other rule looks,
// against every named rule. It returns the subject with its schema read and compiled, which is nil where the findings say why
// the document is none.
func Check(s Subject) (Subject, []finding.Finding) {
	document, problems := schema.ValidateMetadata(s.Published)
	parsed, _ := document.(map[string]any)
	if len(problems) > 0 {
		var findings []finding.Finding
		for _, p := range problems {
			findings = append(findings, finding.Finding{
				Rule: "metadata-schema", Where: p.Pointer, Message: short(p.Message), Fix: meant(p),
			})
		}
		if whole := s; aside(problems) && whole.prepare(parsed["schema"]).Rule == "" {
			for _, f := range whole.rules() {
				if !slices.ContainsFunc(problems, func(p schema.Problem) bool { return p.Pointer == f.Where }) {
					findings = append(findings, f)
				}
			}
			return s, attribute(s.Folder.Name, findings)
		}
		// The name and the direction are told all the same: a sink that says Source must hear of it in these words.
		findings = append(findings, label("name-matches-folder", nameMatchesFolder(s))...)
		findings = append(findings, label("direction-matches-folder", directionMatchesFolder(s))...)
		return s, attribute(s.Folder.Name, findings)
	}
	if f := s.prepare(parsed["schema"]); f.Rule != "" {
		return s, attribute(s.Folder.Name, []finding.Finding{f})
	}
	return s, attribute(s.Folder.Name, s.rules())
}

// rules asks every named rule.
func (s Subject) rules() []finding.Finding {
	var findings []finding.Finding
	for _, r := range all {
		findings = append(findings, label(r.id, r.check(s))...)
	}
	return findings
}

// aside tells whether all problems are in plain texts of a document or in what it leaves out, so that its options can be looked
// at all the same and an author hears of everything at once.
func aside(problems []schema.Problem) bool {
	return !slices.ContainsFunc(problems, func(p schema.Problem) bool {
		return !slices.Contains([]string{"", "/version", "/description", "/license", "/category"}, p.Pointer)
	})
}

// meant says how a part of a document is written that breaks the documents' schema.
func meant(p schema.Problem) string {
	switch p.Pointer {
	case "/version":
		return "write it like 0.1.0"
	case "/name":
		return "write lower-case words joined by hyphens, ending in -source or -sink"
	case "/direction":
		return "write source or sink"
	}
	return "the format is catalog/schemas/metadata.json; in Go it follows from common.Info and the options' tags"
}

// long is a pattern that says nothing to people: those of durations, sizes and versions fill a line and more.
var long = regexp.MustCompile(`does not match pattern '.{60,}'`)

// short is a problem without such a pattern.
func short(message string) string {
	return long.ReplaceAllLiteralString(message, "does not match its pattern")
}

// prepare reads and compiles the document's options schema, which is given parsed too, into the subject. What keeps it from
// that is the finding; the zero finding means that all is well.
func (s *Subject) prepare(parsed any) finding.Finding {
	read, err := options.Read(s.Document.Schema)
	if err != nil {
		return finding.Finding{
			Rule: "option-readable", Where: "/schema/properties", Message: err.Error(),
			Fix: "give each keyword a value of the kind that catalog/schemas/metadata.json names",
		}
	}
	compiled, err := compile(s.Document.Schema, parsed)
	if err != nil {
		return finding.Finding{Rule: "schema-compiles", Where: "/schema", Message: err.Error(), Fix: "write a JSON Schema that is complete in itself"}
	}
	for _, o := range read.Options {
		if _, known := compiled.Property(o.Name); !known {
			return finding.Finding{
				Rule: "option-readable", Where: property(o.Name), Message: "the schema says nothing of it: $ref beside properties hides them",
				Fix: "remove $ref",
			}
		}
	}
	s.Options, s.Compiled = read, compiled
	s.byName = slices.SortedFunc(slices.Values(read.Options), func(a, b options.Option) int { return strings.Compare(a.Name, b.Name) })
	return finding.Finding{}
}

func label(id string, findings []finding.Finding) []finding.Finding {
	for i := range findings {
		if findings[i].Rule == "" {
			findings[i].Rule = id
		}
	}
	return findings
}

func attribute(name string, findings []finding.Finding) []finding.Finding {
	for i := range findings {
		findings[i].Connector = name
	}
	return findings
}

// property is the JSON pointer of an option in the metadata document.
func property(name string) string { return schema.Pointer("schema", "properties", name) }
