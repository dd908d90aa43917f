package blackbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// A Status says how an examination by one rule ended.
type Status string

// The statuses. NotApplicable is about the connector: what the rule speaks of, it does not have. Skipped is about the
// machine, or means that another rule must be kept before this one can be tried.
const (
	Passed        Status = "passed"
	Failed        Status = "failed"
	Skipped       Status = "skipped"
	NotApplicable Status = "not applicable"
)

// A Problem is one reason for which a rule is broken.
type Problem struct {
	Where   string // a test, an option or a place in the metadata; may be empty
	Message string
}

// A Result is the outcome of one rule.
type Result struct {
	Rule
	Status   Status
	Why      string    // it was skipped, or does not apply
	Problems []Problem // why it failed
}

// A Report is the outcome of an examination.
type Report struct {
	Document metadata.Document
	Profile  Profile
	Results  []Result // one for each rule of the profile, in the order of Rules
	Starts   int      // how often the program was started
	CPU      time.Duration
}

// Count counts the results of a status.
func (r Report) Count(s Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// suite is the suite under which the catalog keeps a profile's results.
func (p Profile) suite() string { return "conformance: " + string(p) }

// Evidence returns a test for each rule that applies and that every machine can try.
func (r Report) Evidence() []evidence.Test {
	var tests []evidence.Test
	for _, result := range r.Results {
		if result.Status == NotApplicable || result.Local && result.Status != Failed {
			continue
		}
		t := evidence.Test{TestResult: metadata.TestResult{
			Suite: result.Profile.suite(), Name: result.ID, Status: metadata.TestStatus(result.Status),
		}, Detail: result.Why}
		for _, p := range result.Problems {
			t.Detail += p.Message + "\n"
		}
		tests = append(tests, t)
	}
	return tests
}

// Findings names each problem.
func (r Report) Findings() []finding.Finding {
	var findings []finding.Finding
	for _, result := range r.Results {
		for _, p := range result.Problems {
			findings = append(findings, finding.Finding{
				Connector: r.Document.Name, Rule: result.ID, Where: cmp.Or(p.Where, result.Says), Message: p.Message, Fix: result.Fix,
			})
		}
	}
	return findings
}

// A notebook gathers what is found, by the rules' ids. A rule that nothing is noted of has not been tried.
type notebook map[string]*Result

// note adds what was found; an empty problem means that there is nothing to say against it.
func (n notebook) note(id, where, problem string) {
	r := n.result(id)
	if problem != "" {
		r.Status, r.Problems = Failed, append(r.Problems, Problem{where, problem})
	}
}

// leave says why a rule is not tried, unless it has been.
func (n notebook) leave(status Status, why string, ids ...string) {
	for _, id := range ids {
		if _, tried := n[id]; !tried {
			n[id] = &Result{Rule: ruleOf(id), Status: status, Why: why}
		}
	}
}

func (n notebook) result(id string) *Result {
	if n[id] == nil {
		n[id] = &Result{Rule: ruleOf(id), Status: Passed}
	}
	return n[id]
}

// results lists the rules of a profile in their order. What was not tried was kept from it by what failed.
func (n notebook) results(p Profile) []Result {
	var failed []string
	for _, r := range Rules {
		if p.Includes(r.Profile) && n[r.ID] != nil && n[r.ID].Status == Failed {
			failed = append(failed, r.ID)
		}
	}
	var results []Result
	for _, r := range Rules {
		if !p.Includes(r.Profile) {
			continue
		}
		if n[r.ID] == nil {
			n[r.ID] = &Result{Rule: r, Status: Skipped, Why: "mend first " + strings.Join(failed, ", ")}
		}
		results = append(results, *n[r.ID])
	}
	return slices.Clip(results)
}
