package junit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteCounts(t *testing.T) {
	var b strings.Builder
	err := Write(&b, "all", []Suite{
		{Name: "empty"},
		{Name: "some", Cases: []Case{
			{Class: "c", Name: "fails", Failure: &Note{"a < b", "why\n"}},
			{Class: "c", Name: "waits", Skipped: &Note{Message: "no server"}},
			{Class: "c", Name: "passes", Output: "more"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="all" tests="3" failures="1">
  <testsuite name="empty" tests="0" failures="0"></testsuite>
  <testsuite name="some" tests="3" failures="1" skipped="1">
    <testcase classname="c" name="fails">
      <failure message="a &lt; b">why&#xA;</failure>
    </testcase>
    <testcase classname="c" name="waits">
      <skipped message="no server"></skipped>
    </testcase>
    <testcase classname="c" name="passes">
      <system-out>more</system-out>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
