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
)

// A Test is the outcome of one test and, unless it passed, why.
type Test struct {
	metadata.TestResult
	Detail string
}

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

// Covers tells whether evidence a holds every test of b.
func Covers(a, b metadata.Evidence) bool {
	have := map[metadata.TestResult]bool{}
	for _, t := range a.Tests {
		have[t] = true
	}
	return !slices.ContainsFunc(b.Tests, func(t metadata.TestResult) bool { return !have[t] })
}

func digest(list []metadata.TestResult) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // three strings always marshal
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func rank(s metadata.TestStatus) int {
	return slices.Index([]metadata.TestStatus{metadata.Passed, metadata.Skipped, metadata.Failed}, s)
}
