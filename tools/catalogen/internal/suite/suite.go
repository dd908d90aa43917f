// Package suite runs a connector's own tests, make test, and reads what they report.
package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
	"github.com/patchbay-dev/patchbay/tools/catalogen/report"
)

// Deadline is how long one connector's tests may take.
const Deadline = 10 * time.Minute

// grace is how long a suite that is stopped may take to end its servers.
const grace = 5 * time.Second

const maxOutput = 16 << 20

// The environment through which a Makefile learns where reports go and where the built programs are.
const (
	ReportDirEnv = "PATCHBAY_REPORT_DIR"
	BinDirEnv    = "PATCHBAY_BIN_DIR"
)

// An Outcome is what one make test did.
type Outcome struct {
	Tests  []evidence.Test
	Broken string // what went wrong beside tests that failed: the deadline, a status without a failed test, no test at all
	Output string // the last lines printed, for people
}

// Run runs make test in a connector's folder. JUnit reports are read from the folder named by PATCHBAY_REPORT_DIR; where
// there are none, stdout is read as TAP. It blocks until the tests end; the error is ctx's or about our own files.
func Run(ctx context.Context, root, bin string, f discover.Folder) (Outcome, error) {
	reports, err := os.MkdirTemp("", "patchbay-reports-")
	if err != nil {
		return Outcome{}, err
	}
	defer os.RemoveAll(reports)
	home, err := proc.NewHome()
	if err != nil {
		return Outcome{}, err
	}
	defer home.Remove()
	result, err := proc.Run(ctx, proc.Spec{
		Argv:     []string{"make", "--no-print-directory", "-C", f.Dir, "test"},
		Env:      home.In(ReportDirEnv+"="+reports, BinDirEnv+"="+bin),
		Deadline: Deadline, Grace: grace, MaxStdout: maxOutput, MaxStderr: maxOutput,
	})
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	out := Outcome{Output: proc.Tail(append(slices.Clone(result.Stdout), result.Stderr...), 40)}
	tests, parseErr := read(reports, result.Stdout)
	out.Tests = relativeNames(tests, root)
	failed := evidence.Count(out.Tests).Failed
	switch {
	case err != nil:
		out.Broken = "make test " + err.Error()
	case parseErr != nil:
		out.Broken = parseErr.Error()
	case result.Status != 0 && failed == 0:
		out.Broken = fmt.Sprintf("make test ended with status %d, but no test reports a failure", result.Status)
	case unfit(out.Tests) != "":
		out.Broken = unfit(out.Tests)
	case len(out.Tests) == 0:
		out.Broken = "make test ran no test that it reports"
	}
	return out, nil
}

// read reads the JUnit reports in a folder, else TAP.
func read(reports string, stdout []byte) ([]evidence.Test, error) {
	files, err := filepath.Glob(filepath.Join(reports, "*.xml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return report.ParseTAP(stdout)
	}
	var tests []evidence.Test
	left := int64(maxOutput)
	for _, file := range files {
		text, err := rooted.Read(reports, filepath.Base(file), left)
		if err != nil {
			return nil, err
		}
		left -= int64(len(text))
		found, err := report.ParseJUnit(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		tests = append(tests, found...)
	}
	return tests, nil
}

// relativeNames removes the repository's place on this machine from names, which are published.
func relativeNames(tests []evidence.Test, root string) []evidence.Test {
	for i, t := range tests {
		tests[i].Suite = strings.ReplaceAll(t.Suite, root+"/", "")
		tests[i].Name = strings.ReplaceAll(t.Name, root+"/", "")
	}
	return tests
}

// What a list of tests may be, since it is published.
const (
	maxTests = 10_000
	maxName  = 1000 // bytes
)

// unfit tells what keeps a list of tests from being published; "" if nothing does.
func unfit(tests []evidence.Test) string {
	if len(tests) > maxTests {
		return fmt.Sprintf("make test reports %d tests; at most %d are published", len(tests), maxTests)
	}
	for _, t := range tests {
		name := t.Suite + ": " + t.Name
		switch {
		case len(name) > maxName:
			return fmt.Sprintf("the name of a test holds %d bytes, more than %d: %.50s…", len(name), maxName, name)
		case !utf8.ValidString(name) || strings.ContainsFunc(name, finding.Unprintable):
			return fmt.Sprintf("the name of a test holds what is no text: %q", name)
		case t.Name == "":
			return fmt.Sprintf("a test of the suite %q has no name", t.Suite)
		}
	}
	return ""
}
