package link_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// drive runs driver.sh. child is what the test binary plays, if it is the child.
func drive(t *testing.T, child, input string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./driver.sh", args...)
	cmd.Env = append(os.Environ(), childVariable+"="+child)
	cmd.Stdin = strings.NewReader(input)
	var out, logs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &logs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), logs.String(), cmd.ProcessState.ExitCode()
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestShellDrivesASource(t *testing.T) {
	for name, program := range map[string][]string{
		"of this transport": {self(t)},
		"in shell":          {"./source.sh", "12"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state")
			args := append([]string{"source", "--window", "3", "--records", "5", "--state", file, "--"}, program...)
			var all []string
			for len(all) < 12 { // each run resumes where the one before was stopped
				out, logs, status := drive(t, "12", "", args...)
				if status != 0 {
					t.Fatalf("status %d, %s", status, logs)
				}
				lines := strings.Fields(out)
				if len(lines) < 5 && len(all)+len(lines) < 12 || len(lines) > 8 {
					t.Fatalf("%d records in a run", len(lines))
				}
				all = append(all, lines...)
			}
			if got := strings.Join(all, " "); got != "1 2 3 4 5 6 7 8 9 10 11 12" {
				t.Errorf("received %s", got)
			}
		})
	}
}

func TestShellDrivesASink(t *testing.T) {
	out, logs, status := drive(t, "sink", "a\nagain\npoison\nb \"c\"\\\nd\ne\nf\n", "sink", "--", self(t))
	if status != 0 {
		t.Fatalf("status %d, %s", status, logs)
	}
	if got := sortedFields(out); got != `"c"\ 1 1 1 1 1 2 a again b d e f` {
		t.Errorf("the sink printed %s", got)
	}
	for _, want := range []string{"status: ready\n", `dead: {"headers":{"reason":"poison"},"value":"poison"}` + "\n"} {
		if !strings.Contains(logs, want) {
			t.Errorf("%q is missing in %q", want, logs)
		}
	}
}

func TestShellRefusesWhatBreaksTheProtocol(t *testing.T) {
	tests := []struct{ name, script, err string }{
		{"text", "echo Listening", "line 1 is no frame: Listening"},
		{"no hello", `echo '{"record":{}}'`, `the first line must be {"link":1}`},
		{"no credit", `echo '{"link":1}'; while echo '{"record":{"value":"x"}}'; do :; done`, "for which there was no credit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, logs, status := drive(t, "", "", "source", "--", "sh", "-c", tt.script)
			if status != 3 || !strings.Contains(logs, tt.err) {
				t.Errorf("status %d, %s", status, logs)
			}
		})
	}
}
