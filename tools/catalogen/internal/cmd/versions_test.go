package cmd

import (
	"slices"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/outcome"
)

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
