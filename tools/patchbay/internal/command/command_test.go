package command_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/command"
)

func TestStatus(t *testing.T) {
	tests := []struct {
		name, args     string
		status         int
		stdout, stderr string
	}{
		{"the version", "--version", 0, "patchbay 1.2.3\n", ""},
		{"no command", "", 2, "", "patchbay --help shows"},
		{"an unknown command", "dance", 2, "", "dance"},
		{"an unknown flag", "broker status --yaml", 2, "", "--yaml"},
		{"a value that is none of the allowed", "broker --sync never", 2, "", `"interval","always"`},
		{"a negative time", "broker --idle-timeout=-1s", 2, "", "-1s is negative"},
		{"status without a broker", "broker status", 1, "", "no local broker is running"},
		{"status without a broker as JSON", "broker status --json", 1, "", "no local broker is running"},
		{"stop without a broker", "broker stop", 0, "", "no local broker is running"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vars := map[string]string{"XDG_RUNTIME_DIR": t.TempDir(), "XDG_DATA_HOME": t.TempDir()}
			var stdout, stderr bytes.Buffer
			status := command.Run(t.Context(), command.Surroundings{
				Version: "1.2.3", Args: strings.Fields(tt.args), Stdout: &stdout, Stderr: &stderr,
				Env: broker.Env{Getenv: func(k string) string { return vars[k] }, UID: os.Getuid(), TempDir: t.TempDir()},
			})
			if status != tt.status || stdout.String() != tt.stdout || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout.String(), stderr.String())
			}
			if strings.Count(stderr.String(), "\n") > 1 {
				t.Errorf("stderr has more than one line: %q", stderr.String())
			}
		})
	}
}
