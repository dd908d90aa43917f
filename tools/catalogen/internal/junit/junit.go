// Package junit writes reports in the form that CI systems read.
package junit

import (
	"encoding/xml"
	"io"
)

type (
	// A Suite is a named list of test cases.
	Suite struct {
		Name  string
		Cases []Case
	}
	// A Case is one test. It passed if it has neither a failure nor a reason for which it was skipped.
	Case struct {
		Class   string `xml:"classname,attr"`
		Name    string `xml:"name,attr"`
		Failure *Note  `xml:"failure"`
		Skipped *Note  `xml:"skipped"`
		Output  string `xml:"system-out,omitempty"`
	}
	// A Note says why a test did not pass.
	Note struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}

	// counted is a suite with what its attributes count.
	counted struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Skipped  int    `xml:"skipped,attr,omitempty"`
		Cases    []Case `xml:"testcase"`
	}
)

// Write writes the report of a name, suites and cases in the order given.
func Write(w io.Writer, name string, suites []Suite) error {
	root := struct {
		XMLName  xml.Name  `xml:"testsuites"`
		Name     string    `xml:"name,attr"`
		Tests    int       `xml:"tests,attr"`
		Failures int       `xml:"failures,attr"`
		Suites   []counted `xml:"testsuite"`
	}{Name: name}
	for _, s := range suites {
		c := counted{Name: s.Name, Tests: len(s.Cases), Cases: s.Cases}
		for _, test := range s.Cases {
			switch {
			case test.Failure != nil:
				c.Failures++
			case test.Skipped != nil:
				c.Skipped++
			}
		}
		root.Tests += c.Tests
		root.Failures += c.Failures
		root.Suites = append(root.Suites, c)
	}
	text, err := xml.MarshalIndent(root, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}
