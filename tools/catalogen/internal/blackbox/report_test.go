package blackbox

import (
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

func TestReportTellsEveryRule(t *testing.T) {
	n := notebook{}
	n.note(metadataSteady, "", "")
	n.note(schemaParity, "option a", "it differs")
	n.note(schemaParity, "option b", "")
	n.note(metadataOffline, "", "")
	n.leave(Skipped, "no namespaces", metadataReadOnly)
	n.leave(NotApplicable, "no secret", secretHidden)
	n.leave(NotApplicable, "not for what was tried", metadataSteady)
	n.note(sdkCommands, "", "not of this profile")
	r := Report{Document: metadata.Document{Name: "a-source"}, Profile: Core, Results: n.results(Core)}
	got := map[string]Result{}
	for _, result := range r.Results {
		got[result.ID] = result
	}
	for id, want := range map[string]Status{
		metadataSteady: Passed, schemaParity: Failed, metadataOffline: Passed, metadataReadOnly: Skipped, secretHidden: NotApplicable, linkStop: Skipped,
	} {
		if got[id].Status != want {
			t.Errorf("%s: %s, want %s", id, got[id].Status, want)
		}
	}
	if why := got[linkStop].Why; why != "mend first "+schemaParity {
		t.Errorf("what was not reached: %s", why)
	}
	if _, there := got[metadataDrafts]; there {
		t.Error("core holds a rule of sdk")
	}
	if len((Report{Results: n.results(SDK)}).Results) != len(Rules) {
		t.Error("sdk does not hold all rules")
	}
	findings := r.Findings()
	if len(findings) != 1 || findings[0].Rule != schemaParity || findings[0].Where != "option a" || findings[0].Fix != ruleOf(schemaParity).Fix {
		t.Errorf("%v", findings)
	}
	for _, test := range r.Evidence() {
		if test.Suite != "conformance: core" {
			t.Errorf("suite %q", test.Suite)
		}
		if test.Name == metadataOffline || test.Name == metadataReadOnly || test.Name == secretHidden {
			t.Errorf("%s is evidence", test.Name)
		}
		if test.Name == schemaParity && (test.Status != metadata.Failed || !strings.Contains(test.Detail, "it differs")) {
			t.Errorf("%+v", test)
		}
	}
}
