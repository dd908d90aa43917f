package metadata

// An Index is the catalog's table of contents, catalog/index.json. It holds no time, host or tool version, so that two
// builds of one commit give the same bytes.
type Index struct {
	Connectors []Entry      `json:"connectors"`        // sorted by name
	Retired    []Retirement `json:"retired,omitempty"` // sorted by name
}

// A Retirement says when and why a connector left the catalog. The documents of its versions stay.
type Retirement struct {
	Name        string   `json:"name"`
	Date        string   `json:"date"` // YYYY-MM-DD
	Reason      string   `json:"reason"`
	Replacement string   `json:"replacement"` // what to use in its place, or "none"
	Versions    []string `json:"versions"`    // every version in the catalog, newest first
}

// An Entry is one connector of the catalog.
type Entry struct {
	Name        string    `json:"name"`
	Direction   Direction `json:"direction"`
	Version     string    `json:"version"`
	Versions    []string  `json:"versions"` // every version in the catalog, newest first
	Stability   Stability `json:"stability"`
	Category    string    `json:"category"`
	Description string    `json:"description"`
	Path        string    `json:"path"`            // the connector's folder in the repository, with slashes
	Metadata    string    `json:"metadata_digest"` // sha256:<hex> of connectors/<name>/<version>.json
	Inputs      string    `json:"input_digest"`    // sha256:<hex> of everything the binary and its tests are made from
	Evidence    Evidence  `json:"evidence"`
}

// Evidence is what a connector's own tests proved of its inputs. An entry of the catalog never holds a failure or a skip.
type Evidence struct {
	Digest string       `json:"digest"` // sha256:<hex> of the normalised, sorted list
	Tests  []TestResult `json:"tests"`  // sorted by suite, then name
}

// A TestResult is the outcome of one test.
type TestResult struct {
	Suite  string     `json:"suite"`
	Name   string     `json:"name"`
	Status TestStatus `json:"status"`
}

// TestStatus is how a test ended.
type TestStatus string

// A test passes, fails, or is skipped by name because the machine lacks what it needs.
const (
	Passed  TestStatus = "passed"
	Failed  TestStatus = "failed"
	Skipped TestStatus = "skipped"
)
