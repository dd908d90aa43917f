package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

var (
	tapPlan = regexp.MustCompile(`^1\.\.(\d+)(?:\s*#\s*(?i:(skip))?\S*\s*(.*))?$`)
	// The number may be missing, but then a dash must not be: go test writes lines that begin with ok, too.
	tapResult    = regexp.MustCompile(`^(not )?ok (?:(\d+)(?: -)?(?: +(.*))?|- (.*))$`)
	tapDirective = regexp.MustCompile(`(?i)(?:^|\s+)#\s*(skip|todo)\S*\s*(.*)$`)
)

// tapSuite is the suite's name of tests that come as TAP, which has no word for it.
const tapSuite = "tap"

// ParseTAP reads the Test Anything Protocol. Lines between results are about the result before them. A plan of no tests that
// says skip is one skipped test. A plan that is not kept is an error, beside which stands what was reported; output that holds
// no result and no plan is no test.
func ParseTAP(text []byte) (tests []Test, err error) {
	var about strings.Builder // the last test, as far as it is read: put together line by line, it would be copied for each
	end := func() {
		if about.Len() > 0 {
			tests[len(tests)-1].Detail = about.String()
			about.Reset()
		}
	}
	defer end()
	add := func(name string, status metadata.TestStatus, detail string) {
		end()
		tests = append(tests, test(tapSuite, name, status, detail))
	}
	planned, ran := -1, 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if m := tapPlan.FindStringSubmatch(line); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				return tests, fmt.Errorf("TAP: plan %q: %w", line, err)
			}
			if planned < 0 {
				planned = 0
			}
			planned += n // a Makefile may run several producers one after another
			if n == 0 && m[2] != "" {
				add("everything", metadata.Skipped, m[3])
			}
			continue
		}
		if strings.HasPrefix(line, "Bail out!") {
			return tests, fmt.Errorf("TAP: %s", line)
		}
		m := tapResult.FindStringSubmatch(line)
		if m == nil {
			if n := len(tests); n > 0 && tests[n-1].Status == metadata.Failed && strings.HasPrefix(line, "#") {
				about.WriteString(strings.TrimPrefix(line, "#") + "\n")
			}
			continue
		}
		ran++
		name, status, detail := m[3]+m[4], metadata.Passed, ""
		if m[1] != "" {
			status = metadata.Failed
		}
		if d := tapDirective.FindStringSubmatchIndex(name); d != nil {
			// TODO tests count as what they are: the catalog knows no test that is meant to fail.
			if strings.EqualFold(name[d[2]:d[3]], "skip") {
				status, detail = metadata.Skipped, name[d[4]:d[5]]
			}
			name = name[:d[0]]
		}
		if name == "" {
			name = "test " + strconv.Itoa(ran)
		}
		add(name, status, detail)
	}
	if planned >= 0 && planned != ran {
		return tests, fmt.Errorf("TAP: %d tests were planned, %d reported", planned, ran)
	}
	return tests, nil
}
