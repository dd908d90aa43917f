package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
)

func TestForeignPrograms(t *testing.T) {
	tests := []struct {
		name, bats string
		want       string // places, joined by spaces
	}{
		{"its own program", "run a-source --topic -\n", ""},
		{"a driver", "generate-source | a-source\n", ""},
		{"another connector", "@test x {\n  run b-sink --topic -\n}\n", "p/x.bats:2"},
		{"another connector by its path", "\"$PATCHBAY_BIN_DIR/b-sink\" --version\n", "p/x.bats:1"},
		{"a comment", "  # unlike b-sink\n", ""},
		{"a longer name", "run my-b-sink b-sink-2\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "x.bats"), []byte(tt.bats), 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := ForeignPrograms(discover.Folder{Name: "a-source", Path: "p", Dir: dir}, []string{"a-source", "b-sink"})
			if err != nil {
				t.Fatal(err)
			}
			var places []string
			for _, f := range found {
				places = append(places, f.Where)
			}
			if got := strings.Join(places, " "); got != tt.want {
				t.Errorf("found at %q, want %q", got, tt.want)
			}
		})
	}
}
