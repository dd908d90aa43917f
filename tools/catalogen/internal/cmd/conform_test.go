package cmd

import (
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/blackbox"
)

// What an examined program calls itself stays on the line that it is given.
func TestTitleIsOneLine(t *testing.T) {
	r := blackbox.Report{Document: metadata.Document{Name: "a-source", Version: "1\n0 failed"}}
	if got, want := title(r), `a-source 1\n0 failed`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
