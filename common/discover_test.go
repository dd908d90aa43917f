package common

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// Atlas is a sink for tests that finds what it is told to.
type Atlas struct {
	Server string `help:"Server." required:""`
	Table  string `help:"Table." required:"" discover:"" pattern:"^[a-z]+$" form:"a table"`
	Token  Secret `help:"A secret."`
}

var atlas struct { // what the next Discover does; tests that use it do not run in parallel
	found []Found
	err   error
	waits bool
	table string // what it was asked with
}

func (a *Atlas) Run(context.Context, Input) error { return nil }

func (a *Atlas) Validate() error { return Invalid("table", "is never right") }

func (a *Atlas) Discover(ctx context.Context) ([]Found, error) {
	if atlas.waits {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	atlas.table = a.Table
	return atlas.found, atlas.err
}

func discoverer() *program {
	return &program{direction: metadata.Sink, pattern: &Atlas{}, info: Info{
		Name: "atlas-sink", Version: "1.2.3", Category: "Testing", Description: "Finds.",
	}}
}

func TestDiscover(t *testing.T) {
	table := func(name string) map[string]any { return map[string]any{"table": name} }
	tests := []struct {
		name   string
		found  []Found
		err    error
		waits  bool
		args   string
		status int
		stdout string // exactly
		stderr string // contained; empty for nothing
	}{
		{
			name: "an object a line", found: []Found{{"b", table("b")}, {"a & o", table("a")}, {Name: "c"}}, args: "--server s",
			stdout: `{"name":"b","options":{"table":"b"}}` + "\n" + `{"name":"a & o","options":{"table":"a"}}` + "\n" + `{"name":"c"}` + "\n",
		},
		{name: "nothing", args: "--server s"},
		{name: "flags of a host", args: "--server s --topic - --acks --name x", found: []Found{{"b", table("b")}}, stdout: `{"name":"b","options":{"table":"b"}}` + "\n"},
		{
			name: "leaves out what cannot be set", found: []Found{{"a b", table("a b")}, {"c", table("c")}}, args: "--server s",
			stdout: `{"name":"c","options":{"table":"c"}}` + "\n", stderr: `atlas-sink: left out, since no option can be set to it: --table: "a b" is not a table` + "\n",
		},
		{name: "an error", found: []Found{{"b", nil}}, err: Permanent(errors.New("no\n route")), args: "--server s", status: 1, stderr: "atlas-sink: discover: no route\n"},
		{
			name: "no answer", waits: true, args: "--server s --start-timeout 1ms", status: 1,
			stderr: "atlas-sink: discover: no answer within the start timeout of 1ms; --start-timeout gives it longer\n",
		},
		{name: "an option that is not found but needed", status: 2, stderr: "atlas-sink: --server: is required"},
		{name: "a wrong option", args: "--server s --table 7", status: 2, stderr: "atlas-sink: --table: "},
		{name: "a mistake: no name", found: []Found{{Name: ""}}, args: "--server s", status: 1, stderr: "1 of 1 has no name"},
		{name: "a mistake: one name twice", found: []Found{{Name: "a"}, {Name: "a"}}, args: "--server s", status: 1, stderr: "2 of 2 has no name, or that of another"},
		{name: "a mistake: no option", found: []Found{{"a", map[string]any{"tabel": "a"}}}, args: "--server s", status: 1, stderr: "tabel is no option"},
		{name: "a mistake: a secret", found: []Found{{"a", map[string]any{"token": "canary"}}}, args: "--server s", status: 1, stderr: "token is no option"},
		{name: "a mistake: a shared option", found: []Found{{"a", map[string]any{"topic": "a"}}}, args: "--server s", status: 1, stderr: "topic is no option"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			atlas.found, atlas.err, atlas.waits = tt.found, tt.err, tt.waits
			got := invoke(t.Context(), discoverer(), setting{args: append([]string{"discover"}, strings.Fields(tt.args)...)})
			if got.status != tt.status || got.stdout != tt.stdout {
				t.Errorf("status %d, stdout %q", got.status, got.stdout)
			}
			if !strings.Contains(got.stderr, tt.stderr) || tt.stderr == "" && got.stderr != "" || strings.Contains(got.stderr, "canary") {
				t.Errorf("stderr %q, want %q", got.stderr, tt.stderr)
			}
			if strings.Count(got.stderr, "\n") > 1 {
				t.Errorf("more than one line: %q", got.stderr)
			}
		})
	}
}

func TestDiscoverIsToldWhatIsGiven(t *testing.T) {
	atlas.found, atlas.err, atlas.waits = nil, nil, false
	for table, flags := range map[string][]string{"": nil, "b": {"--table", "b"}} {
		got := invoke(t.Context(), discoverer(), setting{args: append([]string{"discover", "--server", "s"}, flags...)})
		if got.status != 0 || atlas.table != table {
			t.Errorf("%+v: it was asked for %q", got, atlas.table)
		}
	}
}

func TestOnlyThoseThatFindHaveTheCommand(t *testing.T) {
	for _, tt := range []struct {
		p    *program
		want bool
	}{{discoverer(), true}, {counter(), false}, {gatherer(), false}} {
		for _, args := range [][]string{{"metadata"}, {"--help"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}} {
			if got := invoke(t.Context(), tt.p, setting{args: args}); strings.Contains(got.stdout, "discover") != tt.want {
				t.Errorf("%s %v: the command is shown: %t", tt.p.info.Name, args, !tt.want)
			}
		}
		if got := invoke(t.Context(), tt.p, setting{args: []string{"discover", "--server", "s", "--topic", "-"}}); (got.status == 0) != tt.want {
			t.Errorf("%s: %+v", tt.p.info.Name, got)
		}
	}
}

var _ Discoverer = (*Atlas)(nil)
