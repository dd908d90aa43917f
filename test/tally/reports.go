package main

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type outcome string

const (
	passed  outcome = "passed"
	failed  outcome = "failed"
	skipped outcome = "skipped"
)

// A result is one test; note is why it was skipped or how it failed, in one line.
type result struct {
	suite, name, note string
	outcome           outcome
}

// label names the test so that a reader can find it.
func (r result) label() string {
	text := r.name
	if r.suite != "" {
		text = r.suite + ": " + r.name
	}
	if r.note != "" {
		text += " (" + r.note + ")"
	}
	return text
}

// readReports reads every *.xml (JUnit), *.tap and *.log file (lines that end in counts) under dir, and tells whether there
// was any.
func readReports(dir string) (results []result, found bool, err error) {
	readers := map[string]func(io.Reader) ([]result, error){".xml": readJUnit, ".tap": readTAP, ".log": readCounts}
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if path == dir && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		read := readers[filepath.Ext(path)]
		if err != nil || entry.IsDir() || read == nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		more, err := read(file)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		found = true
		results = append(results, more...)
		return nil
	})
	return results, found, err
}

// junitSuite is a testsuites or a testsuite element: both hold suites and cases.
type junitSuite struct {
	Name   string       `xml:"name,attr"`
	Suites []junitSuite `xml:"testsuite"`
	Cases  []struct {
		Name    string        `xml:"name,attr"`
		Failure *struct{}     `xml:"failure"`
		Error   *struct{}     `xml:"error"`
		Skipped *junitSkipped `xml:"skipped"`
	} `xml:"testcase"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func readJUnit(r io.Reader) ([]result, error) {
	var root junitSuite
	if err := xml.NewDecoder(r).Decode(&root); err != nil {
		return nil, err
	}
	return root.flatten(), nil
}

func (s junitSuite) flatten() []result {
	var results []result
	for _, c := range s.Cases {
		one := result{suite: s.Name, name: c.Name, outcome: passed}
		switch {
		case c.Failure != nil || c.Error != nil:
			one.outcome = failed
		case c.Skipped != nil:
			one.outcome, one.note = skipped, reason(c.Skipped.Message+"\n"+c.Skipped.Text)
		}
		results = append(results, one)
	}
	for _, inner := range s.Suites {
		results = append(results, inner.flatten()...)
	}
	return results
}

var (
	tapLine = regexp.MustCompile(`^(not )?ok\b(?: +\d+)?(?: +-)? *(.*?)(?: +# *(?i:(skip|todo))\w*\b *(.*))?$`)
	tapPlan = regexp.MustCompile(`^1\.\.(\d+)(?: *# *(?i:skip)\w*\b *(.*))?$`)
)

// readTAP reads the outermost tests of a TAP stream. A run that stopped before its plan was done is a failure.
func readTAP(r io.Reader) ([]result, error) {
	var results []result
	planned := -1
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if plan := tapPlan.FindStringSubmatch(line); plan != nil {
			if planned, _ = strconv.Atoi(plan[1]); planned == 0 && plan[2] != "" {
				return []result{{name: "everything", note: plan[2], outcome: skipped}}, nil
			}
			continue
		}
		if strings.HasPrefix(line, "Bail out!") {
			results = append(results, result{name: line, outcome: failed})
			continue
		}
		match := tapLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		one := result{name: match[2], note: match[4], outcome: passed}
		switch {
		case strings.EqualFold(match[3], "skip"):
			one.outcome = skipped
		case match[1] != "" && match[3] == "":
			one.outcome = failed
		}
		results = append(results, one)
	}
	if planned != len(results) {
		results = append(results, result{
			name:    fmt.Sprintf("stopped after %d of %d planned tests", len(results), max(planned, 0)),
			outcome: failed,
		})
	}
	return results, lines.Err()
}

var countLine = regexp.MustCompile(`^([\w-]+): (\d+) passed, (\d+) failed, (\d+) skipped\b`)

// readCounts reads a log in which each suite has a line `NAME: 3 passed, 0 failed, 0 skipped`; what is not well is named
// elsewhere in that log.
func readCounts(r io.Reader) ([]result, error) {
	var results []result
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		match := countLine.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		for i, o := range []outcome{passed, failed, skipped} {
			n, err := strconv.Atoi(match[i+2])
			if err != nil {
				return nil, err
			}
			one := result{suite: match[1], name: fmt.Sprintf("%d of its tests, named above", n), outcome: o}
			results = append(results, slices.Repeat([]result{one}, n)...)
		}
	}
	return results, lines.Err()
}

// reason returns the first line that says why, passing over what `go test` prints about every test.
func reason(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			return line
		}
	}
	return ""
}
