package cmd

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/outcome"
)

func TestTheVersionOfSharedFlagsIsRaised(t *testing.T) {
	asked := []finding.Finding{{Rule: "other"}, {Rule: sharedRule}}
	tests := []struct {
		name, text string
		findings   []finding.Finding
		want       string // empty if it is left alone
	}{
		{"asked for", "package common\n\nconst sdkVersion = \"9\"\n", asked, "package common\n\nconst sdkVersion = \"10\"\n"},
		{"not asked for", "package common\n\nconst sdkVersion = \"9\"\n", asked[:1], ""},
		{"no number", "package common\n\nconst sdkVersion = \"v9\"\n", asked, ""},
		{"no constant", "package common\n", asked, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			writeFiles(t, root, map[string]string{sharedFile: tt.text})
			raised, err := raiseShared(root, tt.findings)
			if err != nil || raised != (tt.want != "") {
				t.Fatalf("%v, %v", raised, err)
			}
			text, err := os.ReadFile(filepath.Join(root, sharedFile))
			if want := cmp.Or(tt.want, tt.text); err != nil || string(text) != want {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

func TestSharedFlagsHaveAVersion(t *testing.T) {
	changed := func(id string, shared bool) change.Change {
		rules := change.Rules()
		i := slices.IndexFunc(rules, func(r change.Rule) bool { return r.ID == id })
		return change.Change{Rule: rules[i], Shared: shared}
	}
	tests := []struct {
		name    string
		sdk     string
		changes []change.Change
		want    bool
	}{
		{"a shared flag changed", "1", []change.Change{changed("option-added", true)}, true},
		{"and the version did", "2", []change.Change{changed("option-added", true), changed("sdk-changed", false)}, false},
		{"an option of the connector's own changed", "1", []change.Change{changed("option-added", false)}, false},
		{"a shared flag is told about in other words", "1", []change.Change{changed("option-text-changed", true)}, false},
		{"a program that is not built on common", "", []change.Change{changed("option-added", true)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := outcome.Connector{SDKVersion: tt.sdk}
			c.Changes = tt.changes
			findings := sharedFlags([]outcome.Connector{{}, c, c})
			if got := len(findings) == 1; got != tt.want {
				t.Errorf("findings %v", findings)
			}
		})
	}
}
