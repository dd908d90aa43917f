// Package report reads what test runners write, JUnit XML and TAP, as one list of tests.
package report

import (
	"embed"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// Source holds this package's own files: what a connector's evidence is worth depends on how reports are read.
//
//go:embed *.go
var Source embed.FS

// A Test is the outcome of one test and, unless it passed, why.
type Test struct {
	metadata.TestResult
	Detail string
}

func test(suite, name string, status metadata.TestStatus, detail string) Test {
	return Test{TestResult: metadata.TestResult{Suite: suite, Name: name, Status: status}, Detail: detail}
}
