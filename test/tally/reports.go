package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/report"
)

type outcome string

const (
	passed  = outcome(metadata.Passed)
	failed  = outcome(metadata.Failed)
	skipped = outcome(metadata.Skipped)
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
	readers := map[string]func([]byte) ([]result, error){".xml": readJUnit, ".tap": readTAP, ".log": readCounts}
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if path == dir && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		read := readers[filepath.Ext(path)]
		if err != nil || entry.IsDir() || read == nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		more, err := read(text)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		found = true
		results = append(results, more...)
		return nil
	})
	return results, found, err
}

func readJUnit(text []byte) ([]result, error) {
	tests, err := report.ParseJUnit(text)
	return results(tests), err
}

// readTAP makes a failure of a run that broke off: what it did report counts all the same.
func readTAP(text []byte) ([]result, error) {
	tests, err := report.ParseTAP(text)
	all := results(tests)
	for i := range all {
		all[i].suite = "" // TAP has none
	}
	if err != nil {
		all = append(all, result{name: err.Error(), outcome: failed})
	}
	return all, nil
}

// results takes tests over from where connectors' own suites are read.
func results(tests []report.Test) []result {
	all := make([]result, len(tests))
	for i, t := range tests {
		all[i] = result{suite: t.Suite, name: t.Name, outcome: outcome(t.Status)}
		if t.Status == metadata.Skipped {
			all[i].note = reason(t.Detail)
		}
	}
	return all
}

var countLine = regexp.MustCompile(`^([\w-]+): (\d+) passed, (\d+) failed, (\d+) skipped\b`)

// readCounts reads a log in which each suite has a line `NAME: 3 passed, 0 failed, 0 skipped`; what is not well is named
// elsewhere in that log.
func readCounts(text []byte) ([]result, error) {
	var results []result
	for line := range strings.Lines(string(text)) {
		match := countLine.FindStringSubmatch(line)
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
	return results, nil
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
