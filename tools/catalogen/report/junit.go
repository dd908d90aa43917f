package report

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

type junitSuite struct {
	Name   string       `xml:"name,attr"`
	Suites []junitSuite `xml:"testsuite"`
	Cases  []junitCase  `xml:"testcase"`
	Error  *junitNote   `xml:"error"` // a suite that broke outside of a test
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitNote `xml:"failure"`
	Error   *junitNote `xml:"error"`
	Skipped *junitNote `xml:"skipped"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// ParseJUnit reads one JUnit XML report, whose root is <testsuites> or <testsuite>.
func ParseJUnit(text []byte) ([]Test, error) {
	var root junitSuite
	if err := xml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("read JUnit report: %w", err)
	}
	return root.tests(nil), nil
}

func (s junitSuite) tests(tests []Test) []Test {
	if s.Error != nil {
		tests = append(tests, test(s.Name, "(suite)", metadata.Failed, s.Error.detail()))
	}
	for _, c := range s.Cases {
		suite := c.Class
		if suite == "" {
			suite = s.Name
		}
		switch {
		case c.Failure != nil:
			tests = append(tests, test(suite, c.Name, metadata.Failed, c.Failure.detail()))
		case c.Error != nil:
			tests = append(tests, test(suite, c.Name, metadata.Failed, c.Error.detail()))
		case c.Skipped != nil:
			tests = append(tests, test(suite, c.Name, metadata.Skipped, c.Skipped.detail()))
		default:
			tests = append(tests, test(suite, c.Name, metadata.Passed, ""))
		}
	}
	for _, child := range s.Suites {
		tests = child.tests(tests)
	}
	return tests
}

// detail is what a report says of a test: the message, and the text where it says more.
func (n *junitNote) detail() string {
	text := strings.TrimSpace(n.Text)
	switch {
	case text == "" || strings.Contains(n.Message, text):
		return n.Message
	case n.Message == "" || strings.Contains(text, n.Message):
		return text
	}
	return n.Message + "\n" + text
}
