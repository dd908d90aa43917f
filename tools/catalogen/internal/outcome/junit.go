package outcome

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

type (
	junitRoot struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit writes a report with a suite for each connector, whose test "version" passes if its version is right and lists the
// changes. Each other finding and each stale file is a test that fails.
func (o Outcome) junit(w io.Writer) error {
	root := junitRoot{Name: "catalogen"}
	suite := func(name string) *junitSuite {
		for i := range root.Suites {
			if root.Suites[i].Name == name {
				return &root.Suites[i]
			}
		}
		root.Suites = append(root.Suites, junitSuite{Name: name})
		return &root.Suites[len(root.Suites)-1]
	}
	for _, c := range o.Connectors {
		test := junitCase{Class: c.Connector, Name: "version", Output: changeList(c.Changes)}
		if c.Finding != nil {
			test.Failure = failure(*c.Finding)
		}
		s := suite(c.Connector)
		s.Cases = append(s.Cases, test)
	}
	for _, f := range o.Findings {
		if change.AboutVersion(f) {
			continue
		}
		name := f.Connector
		if name == "" {
			name = "catalog"
		}
		s := suite(name)
		s.Cases = append(s.Cases, junitCase{Class: name, Name: strings.TrimSpace(f.Rule + " " + f.Where), Failure: failure(f)})
	}
	for _, st := range o.Stale {
		s := suite("catalog")
		s.Cases = append(s.Cases, junitCase{
			Class: "catalog", Name: st.Path, Failure: &junitFailure{st.Kind, "fix: make catalog, then commit what changed"},
		})
	}
	for i := range root.Suites {
		s := &root.Suites[i]
		s.Tests = len(s.Cases)
		for _, c := range s.Cases {
			if c.Failure != nil {
				s.Failures++
			}
		}
		root.Tests += s.Tests
		root.Failures += s.Failures
	}
	text, err := xml.MarshalIndent(root, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}

func failure(f finding.Finding) *junitFailure {
	text := strings.TrimSpace("[" + f.Rule + "] " + f.Where)
	if f.Fix != "" {
		text += "\nfix: " + f.Fix
	}
	return &junitFailure{Message: finding.Printable(f.Message), Text: text}
}

func changeList(changes []change.Change) string {
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = strings.TrimSpace(c.Rule.Bump.String() + " " + c.Rule.ID + " " + c.Place + " " + step(c, clip))
	}
	return strings.Join(lines, "\n")
}
