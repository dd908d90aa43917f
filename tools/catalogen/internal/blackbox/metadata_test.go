package blackbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A script is a connector in shell of which metadata alone is of interest: what it does before it prints the document.
func script(t *testing.T, before string) []string {
	t.Helper()
	dir := t.TempDir()
	document := filepath.Join(dir, "metadata.json")
	if err := os.WriteFile(document, []byte(fake.Metadata("a-source")), 0o600); err != nil {
		t.Fatal(err)
	}
	network, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Skip("needs /proc")
	}
	path := filepath.Join(dir, "a-source")
	text := fmt.Sprintf("#!/bin/sh\nnetwork='%s'\nif [ \"$1\" = validate ]; then while read -r line; do echo '{\"valid\":true}'; done; exit; fi\n%s\ncat %s\n",
		network, before, document)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

func TestMetadataIsHeldAgainstEachHardship(t *testing.T) {
	tests := []struct{ name, before, rules, says string }{
		{"a good one", "", "", ""},
		{"speaks on standard error", "echo starting >&2", metadataQuiet, "it printed starting"},
		{"leaves a file", `echo >"$HOME/.cache" 2>/dev/null`, metadataWrites, "it wrote .cache"},
		{"writes a file and removes it", `(echo >"$TMPDIR/x" && rm "$TMPDIR/x") 2>/dev/null`, metadataWrites, "and removed it"},
		{"changes each time", `sed "s/Moves/Moves $(date +%N)/" <"${0%/*}/metadata.json"; exit`, "", ""},
		{"needs its input", "cat >/dev/null 2>&1 || exit 7", metadataNoInput, "status 7, not 0"},
		{"obeys the environment", `[ -z "$PATCHBAY_TOPIC" ] || exit 7`, metadataEnvironment, "status 7, not 0"},
		{"needs the network", `[ "$(readlink /proc/self/ns/net)" = "$network" ] || exit 7`, metadataOffline, "status 7, not 0"},
		{"needs a writable folder", `touch ./x 2>/dev/null || exit 7; rm ./x`, metadataReadOnly + " " + metadataWrites, "status 7, not 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := examineProgram(t, Core, script(t, tt.before)...)
			if err := x.metadata(t.Context()); err != nil {
				t.Fatal(err)
			}
			problems := x.problems()
			if tt.name == "changes each time" {
				if problems[metadataSteady] == "" {
					t.Error("it passes")
				}
				return
			}
			for _, rule := range strings.Fields(tt.rules) {
				if r := x.notebook[rule]; r.Status == Skipped {
					t.Skip(r.Why)
				}
			}
			first, _, _ := strings.Cut(tt.rules, " ")
			if !strings.Contains(problems[first], tt.says) || len(problems) != len(strings.Fields(tt.rules)) {
				t.Errorf("%v", problems)
			}
		})
	}
}

// What only breaks under two hardships together must not pass for want of a name.
func TestHardshipsTogetherAreTold(t *testing.T) {
	x := examineProgram(t, Core, script(t, `[ -z "$PATCHBAY_TOPIC" ] || cat >/dev/null 2>&1 || exit 7`)...)
	if err := x.metadata(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(x.problems()[metadataEnvironment], "status 7") {
		t.Errorf("%v", x.problems())
	}
}

// The schema in the other draft is a stranger's too, and one that no rule has looked at.
func TestTheOtherDraftIsHeldToTheLimits(t *testing.T) {
	x := &examiner{trials: []trial{{value: map[string]any{}, text: []byte("{}"), valid: true}}}
	ref := `{"$ref": "#"}, `
	tests := []struct{ name, printed, says string }{
		{"the same", `{"schema": {"type": "object"}}`, ""},
		{"another verdict", `{"schema": {"type": "string"}}`, "{}"},
		{"no schema", `{"schema": {"type": "nonsense"}}`, "jsonschema"},
		{"a key twice", `{"schema": {}, "Schema": {}}`, `"Schema" repeats "schema"`},
		{"a schema that refers too often", `{"schema": {"enum": [` + strings.Repeat(ref, 16) + `{"$ref": "#"}]}}`, "more than 16 references"},
		{"a pattern without end", `{"schema": {"pattern": "` + strings.Repeat("x{1000}", 500) + `"}}`, "states"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problem, err := x.draftProblem(t.Context(), proc.Result{Stdout: []byte(tt.printed)})
			if err != nil || (problem == "") != (tt.says == "") || !strings.Contains(problem, tt.says) {
				t.Errorf("%q, %v; want %q", problem, err, tt.says)
			}
		})
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	if _, err := x.draftProblem(over, proc.Result{Stdout: []byte(tests[0].printed)}); !errors.Is(err, context.Canceled) {
		t.Errorf("it goes on when its time is over: %v", err)
	}
}
