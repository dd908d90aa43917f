// Package evidence keeps what test runs proved: in the form that the catalog publishes, and in a local cache that spares
// a second run on the same inputs.
package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/report"
)

// A Test is the outcome of one test and, unless it passed, why.
type Test = report.Test

// Counts are how many tests ended in each way.
type Counts struct{ Passed, Failed, Skipped int }

// Total is how many tests there were.
func (c Counts) Total() int { return c.Passed + c.Failed + c.Skipped }

// Count counts tests by status.
func Count(tests []Test) Counts {
	var c Counts
	for _, t := range tests {
		switch t.Status {
		case metadata.Passed:
			c.Passed++
		case metadata.Skipped:
			c.Skipped++
		default:
			c.Failed++
		}
	}
	return c
}

// Publish returns tests as the catalog keeps them: sorted, each once (the worst outcome wins), with a digest over the list.
func Publish(tests []Test) metadata.Evidence {
	worst := map[[2]string]metadata.TestStatus{}
	for _, t := range tests {
		key := [2]string{t.Suite, t.Name}
		if was, ok := worst[key]; !ok || rank(t.Status) > rank(was) {
			worst[key] = t.Status
		}
	}
	list := make([]metadata.TestResult, 0, len(worst))
	for key, status := range worst {
		list = append(list, metadata.TestResult{Suite: key[0], Name: key[1], Status: status})
	}
	slices.SortFunc(list, func(a, b metadata.TestResult) int {
		return cmp.Or(cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Name, b.Name))
	})
	return metadata.Evidence{Digest: digest(list), Tests: list}
}

// Again returns what Publish makes of tests that were published: the same, unless somebody has had a hand in it.
func Again(published metadata.Evidence) metadata.Evidence {
	tests := make([]Test, len(published.Tests))
	for i, t := range published.Tests {
		tests[i] = Test{TestResult: t}
	}
	return Publish(tests)
}

// StandsFor tells whether committed evidence may stand for a run that skipped some of its tests: it must be what Publish
// made of tests that all passed, and hold every test of the run.
func StandsFor(committed metadata.Evidence, run []Test) bool {
	passed := map[[2]string]bool{}
	for _, t := range committed.Tests {
		if t.Status != metadata.Passed {
			return false
		}
		passed[[2]string{t.Suite, t.Name}] = true
	}
	made := Again(committed)
	if made.Digest != committed.Digest || !slices.Equal(made.Tests, committed.Tests) {
		return false
	}
	return !slices.ContainsFunc(run, func(t Test) bool { return !passed[[2]string{t.Suite, t.Name}] })
}

func digest(list []metadata.TestResult) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // three strings always marshal
	}
	return Digest(text)
}

// Digest returns sha256:<hex> of some bytes, the form of every digest in the catalog.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func rank(s metadata.TestStatus) int {
	return slices.Index([]metadata.TestStatus{metadata.Passed, metadata.Skipped, metadata.Failed}, s)
}
