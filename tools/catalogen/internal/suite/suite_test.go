package suite

import (
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
)

func TestUnfit(t *testing.T) {
	named := func(name string) evidence.Test {
		return evidence.Test{TestResult: metadata.TestResult{Suite: "s", Name: name, Status: metadata.Passed}}
	}
	tests := []struct {
		name  string
		tests []evidence.Test
		want  string // part of what is said; empty for nothing
	}{
		{"good names", []evidence.Test{named("wörks: a/b"), named("日本")}, ""},
		{"as many as may be", slices.Repeat([]evidence.Test{named("x")}, maxTests), ""},
		{"one more", slices.Repeat([]evidence.Test{named("x")}, maxTests+1), "10001 tests"},
		{"a long name", []evidence.Test{named(strings.Repeat("x", maxName))}, "1003 bytes"},
		{"a terminal escape", []evidence.Test{named("\x1b[2J")}, `no text: "s: \x1b[2J"`},
		{"another direction", []evidence.Test{named("\u202e")}, "no text"},
		{"no name", []evidence.Test{named("x"), named("")}, `"s" has no name`},
		{"half a character", []evidence.Test{named("\xe6\x97")}, "no text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := unfit(tt.tests)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
