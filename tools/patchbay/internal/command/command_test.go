package command_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
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
		{"a replay of nothing", "replay", 2, "", "<topic-or-file>"},
		{"a replay of what is no topic", "replay a*b", 2, "", "nor is there such a file"},
		{"a replay of a file to nowhere", "replay ./letters.jsonl", 2, "", "with --to"},
		{"a replay of a file as a group", "replay ./letters.jsonl --to a --group b", 2, "", "--group: a file has no groups"},
		{"a replay into itself", "replay a.dead --to a.dead", 2, "", "into itself"},
		{"a replay to what is no topic", "replay a.dead --to -", 2, "", "--to"},
		{"a replay with half a regular expression", "replay a.dead --reason ( --dry-run", 2, "", "--reason: error parsing regexp"},
		{"a replay of less than nothing", "replay a.dead --max-records=-1", 2, "", "-1 is negative"},
		{"a replay over HTTP", "replay a.dead --broker http://host/", 2, "", "the scheme must be nats"},
		{"a replay of plain subjects", "replay a.dead --broker nats+core://host", 2, "", "keep no records"},
		{"a replay with two logins", "replay a.dead --broker nats://host --broker-nkey-file x --broker-credentials-file y", 2, "", "choose one"},
		{"a replay with a login for the local broker", "replay a.dead --broker-user me", 2, "", "for a broker named by --broker"},
		{"a replay of a file that is not there", "replay ./letters.jsonl --to a", 1, "", "letters.jsonl: no such file"},
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

func TestAStartThatIsBrokenOffIsNoFailure(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("x-source", "#!/bin/sh\n")
	write("x-sink", "#!/bin/sh\n")
	file := write("p.yaml", "source: {type: x-source}\nsink: {type: x-sink}\n")
	vanus := write("config.yml", "target: http://127.0.0.1:1\n")
	steps := base64.StdEncoding.EncodeToString([]byte("source: {type: x}\nproducer: {core: {subject: a}, nats: {url: 'nats://127.0.0.1:1'}}"))
	for _, args := range [][]string{
		{"run", file},
		{"connect", steps},
		{"kps", "--connector-instance-id=i", "--nats-broker=nats://127.0.0.1:1", "--", "x-source"},
		{"vanus", "--", "x-source"},
	} {
		t.Run(args[0], func(t *testing.T) {
			vars := map[string]string{"PATCHBAY_BIN_DIR": dir, "HOME": t.TempDir(), "CONNECTOR_CONFIG": vanus}
			ctx, stop := context.WithCancel(t.Context())
			stop() // as if while a connector is asked what it is
			var stderr bytes.Buffer
			status := command.Run(ctx, command.Surroundings{
				Args: args, Stdout: &bytes.Buffer{}, Stderr: &stderr, Env: broker.Env{Getenv: func(k string) string { return vars[k] }},
			})
			if status != 0 || stderr.Len() > 0 {
				t.Errorf("status %d, %s", status, stderr.String())
			}
		})
	}
}
