package connector

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// script writes a connector as a shell script that answers one command, and finds it.
func script(t *testing.T, command, body string) *Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shell-source")
	text := fmt.Sprintf(`#!/bin/sh
case $1 in
metadata) echo '{"name": "shell-source", "direction": "source", "schema": {}, "commands": [{"name": "run"}, {"name": "%[1]s"}]}' ;;
%[1]s) %s ;;
esac
`, command, body)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := (&Finder{}).Find(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAQuestionThatIsBrokenOff(t *testing.T) {
	p := script(t, "discover", "true")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Discover(ctx, nil, t.TempDir(), "x", nil)
	if want := "shell-source discover was stopped before it had answered"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestDiscover(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       []Found
		err        string
	}{
		{
			name: "lines", body: `printf '%s\n' '{"name": "a", "options": {"path": "/a", "n": 1}}' '{"name": "b"}'`,
			want: []Found{{"a", map[string]any{"path": "/a", "n": 1.0}}, {Name: "b"}},
		},
		{name: "nothing", body: "true"},
		{
			name: "what it is asked with", body: `while [ "$1" != --config ]; do shift; done; tr -d ' \n' <"$2" | sed 's/.*"dir":"\([^"]*\)".*/{"name":"\1"}/'`,
			want: []Found{{Name: "here"}},
		},
		{name: "an error", body: `echo "shell-source: no route" >&2; exit 1`, err: "no route"},
		{name: "an error without words", body: "exit 3", err: "exit status 3"},
		{name: "text", body: "echo a table", err: "is no JSON object a line"},
		{name: "no name", body: `echo '{"options": {}}'`, err: "object 1 has no name"},
		{name: "one name twice", body: `echo '{"name": "a"} {"name": "a"}'`, err: "object 2 has no name, or that of another"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := script(t, "discover", tt.body)
			if !p.Discovers() {
				t.Error("it cannot be asked")
			}
			got, err := p.Discover(t.Context(), nil, t.TempDir(), "x", map[string]any{"dir": "here"})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error = %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("Discover returned %v, %s", err, diff)
			}
		})
	}
	if script(t, "check", "true").Discovers() {
		t.Error("a program without the command can be asked")
	}
}
