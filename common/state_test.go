package common

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// Reader is a source for tests that needs an option, which names what it reads.
type Reader struct {
	Tally
	Path string `help:"What to read." required:"" identity:""`
}

func (*Reader) Validate() error { panic("no connection, no check") }

func reader() *program {
	p := counter()
	p.pattern, p.info.Name, p.info.Examples = &Reader{}, "reader-source", nil
	return p
}

// positions runs a state command on a file and returns what it prints.
func positions(t *testing.T, path, stdin string, args ...string) (shownState, outcome) {
	t.Helper()
	got := invoke(t.Context(), reader(), setting{args: append([]string{"state"}, append(args, "--state", "file:"+path)...), stdin: stdin})
	var doc shownState
	if got.status == 0 {
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
			t.Fatalf("%v: %s", err, got.stdout)
		}
	}
	return doc, got
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// saved puts a state in a file.
func saved(t *testing.T, s *state.State) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.json")
	doc, err := state.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(doc))
	return path
}

func sample() *state.State {
	return &state.State{
		Connector: "reader-source", Identity: "i", Epoch: "e", Positions: map[string]string{"": "1", "a": "2", "\xff": "3"},
		Aggregates: map[string]string{"sum": "7", "bits": "\xfe"},
	}
}

func TestStateShowPrintsWhatIsSavedAndWhoUsesIt(t *testing.T) {
	path := saved(t, sample())
	doc, got := positions(t, path, "", "show")
	if got.status != 0 || got.stderr != "" {
		t.Fatalf("status %d: %s", got.status, got.stderr)
	}
	if doc.Written == nil || doc.Holder != nil {
		t.Errorf("written %v, holder %v", doc.Written, doc.Holder)
	}
	doc.Written = nil
	want := shownState{
		Connector: "reader-source", Identity: "i", Epoch: "e", State: "file " + path,
		Positions: map[string]string{"": "1", "a": "2"}, PositionsBase64: map[string]string{"/w==": "Mw=="},
		Aggregates: map[string]string{"sum": "7"}, AggregatesBase64: map[string]string{"Yml0cw==": "/g=="},
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	holder := state.NewFile(path)
	if err := holder.Acquire(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if doc, _ := positions(t, path, "", "show"); doc.Holder == nil || doc.Holder.PID != os.Getpid() || !doc.Holder.Alive {
		t.Errorf("holder = %+v", doc.Holder)
	}
	for _, args := range [][]string{{"set", "a=3"}, {"reset"}} {
		_, got := positions(t, path, "", args...)
		if got.status != 1 || !strings.Contains(got.stderr, "another process uses the same saved position: process ") ||
			!strings.Contains(got.stderr, "stop it first") {
			t.Errorf("%v while it is in use: status %d, %s", args, got.status, got.stderr)
		}
	}
	if err := holder.Close(); err != nil {
		t.Error(err)
	}
}

func TestStateShowChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "state.json")
	if doc, got := positions(t, path, "", "show"); got.status != 0 || len(doc.Positions) != 0 {
		t.Errorf("status %d, %+v: %s", got.status, doc, got.stderr)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("it made the folder")
	}
}

func TestStateCommandsChangePositionsAndEpoch(t *testing.T) {
	tests := []struct {
		name     string
		args     []string
		stdin    string
		want     map[string]string
		identity string
	}{
		{"set changes the partitions it names", []string{"set", "a=x=y", "b=7", "=9"}, "", map[string]string{"": "9", "a": "x=y", "b": "7", "\xff": "3"}, "i"},
		{"set replaces everything by a document", []string{"set", "-"}, `{"identity":"j","positions":{"n":"1"},"positions_base64":{"/w==":"Mw=="}}`, map[string]string{"n": "1", "\xff": "3"}, "j"},
		{"reset forgets a partition", []string{"reset", "a", ""}, "", map[string]string{"\xff": "3"}, "i"},
		{"reset forgets everything", []string{"reset"}, "", map[string]string{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := saved(t, sample())
			doc, got := positions(t, path, tt.stdin, tt.args...)
			if got.status != 0 {
				t.Fatalf("status %d: %s", got.status, got.stderr)
			}
			now, err := state.NewFile(path).Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, now.Positions); diff != "" {
				t.Error(diff)
			}
			if kept := len(now.Aggregates) > 0; kept != (tt.args[0] == "set" && tt.args[1] != "-" || len(tt.args) > 1 && tt.args[0] == "reset") {
				t.Errorf("aggregates: %q", now.Aggregates)
			}
			if now.Identity != tt.identity || now.Epoch == "e" || now.Epoch == "" || now.Connector != "reader-source" || doc.Epoch != now.Epoch {
				t.Errorf("saved %+v, printed %+v", now, doc)
			}
		})
	}
}

func TestWhatStateShowPrintsCanBeSet(t *testing.T) {
	path, other := saved(t, sample()), filepath.Join(t.TempDir(), "other.json")
	_, shown := positions(t, path, "", "show")
	if _, got := positions(t, other, shown.stdout, "set", "-"); got.status != 0 {
		t.Fatalf("status %d: %s", got.status, got.stderr)
	}
	now, err := state.NewFile(other).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.Epoch = now.Epoch
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
}

func TestStateCommandsRefuse(t *testing.T) {
	foreign := sample()
	foreign.Connector = "other-source"
	tests := []struct {
		name   string
		args   []string
		stdin  string
		s      *state.State
		status int
		want   string
	}{
		{"a word that is no position", []string{"set", "a"}, "", nil, 2, `"a" is not PARTITION=POSITION`},
		{"an empty position", []string{"set", "a="}, "", nil, 2, `"a=" is not PARTITION=POSITION`},
		{"nothing to set", []string{"set"}, "", nil, 2, "state set needs PARTITION=POSITION"},
		{"a document without positions", []string{"set", "-"}, `{}`, nil, 2, "the document has no positions"},
		{"a document for another connector", []string{"set", "-"}, `{"connector":"other-source","positions":{}}`, nil, 2, "the document is for other-source"},
		{"a document with a key that is misspelt", []string{"set", "-"}, `{"position":{}}`, nil, 2, `unknown field "position"`},
		{"two documents", []string{"set", "-"}, `{"positions":{}} {}`, nil, 2, "something follows the document"},
		{"a partition that is not saved", []string{"reset", "z"}, "", nil, 1, `no position is saved for the partition "z"`},
		{"the state of another connector", []string{"reset"}, "", foreign, 1, "belongs to other-source"},
		{"no command", nil, "", nil, 2, "state show, state set or state reset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.s == nil {
				tt.s = sample()
			}
			path := saved(t, tt.s)
			_, got := positions(t, path, tt.stdin, tt.args...)
			if got.status != tt.status || !strings.Contains(got.stderr, tt.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("status %d, %q; want %d and %q in one line", got.status, got.stderr, tt.status, tt.want)
			}
			if now, err := state.NewFile(path).Load(t.Context()); err != nil || !cmp.Equal(now, tt.s) {
				t.Errorf("the state is %+v, %v", now, err)
			}
		})
	}
}

func TestADamagedStateIsToldAndMendedByReset(t *testing.T) {
	for name, content := range map[string]string{
		"damaged": `{"version":1,`, "empty": "", "of a newer version": `{"version":2,"checksum":"","state":{},"lease":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			write(t, path, content)
			for _, args := range [][]string{{"show"}, {"set", "a=1"}, {"reset", "a"}} {
				_, got := positions(t, path, "", args...)
				if got.status != 1 || !strings.Contains(got.stderr, path) || !strings.Contains(got.stderr, "reader-source state reset") {
					t.Errorf("%v: status %d, %s", args, got.status, got.stderr)
				}
				if now, _ := os.ReadFile(path); string(now) != content {
					t.Errorf("%v changed the file", args)
				}
			}
			if _, got := positions(t, path, "", "reset"); got.status != 0 {
				t.Errorf("reset: status %d, %s", got.status, got.stderr)
			}
			if doc, got := positions(t, path, "", "show"); got.status != 0 || doc.Epoch == "" {
				t.Errorf("show after reset: status %d, %s", got.status, got.stderr)
			}
		})
	}
}

func TestStateCommandsNeedOnlyWhatSaysWhereTheStateIs(t *testing.T) {
	path := saved(t, sample())
	tests := []struct {
		name   string
		set    setting
		status int
		stderr string
	}{
		{name: "the flags of a run", set: setting{args: []string{"state", "show", "--path", "x", "--topic", "-", "--upto", "5", "--state", "file:" + path}}},
		{name: "a config file", set: setting{
			args:  []string{"state", "show", "--config", "c.yaml"},
			files: map[string]string{"c.yaml": "topic: '-'\nparameters: {state: 'file:" + path + "', upto: -3}\n"},
		}},
		{name: "no topic", set: setting{args: []string{"state", "show"}}, status: 2, stderr: "--topic: is required"},
		{name: "a topic that is standard output", set: setting{args: []string{"state", "show", "--topic", "-"}}, status: 2, stderr: "no position is kept with these flags"},
		{name: "a state that is none", set: setting{args: []string{"state", "show", "--topic", "t", "--state", "none"}}, status: 2, stderr: "no position is kept with these flags"},
		{name: "an unknown flag", set: setting{args: []string{"state", "show", "--tpoic", "x"}}, status: 2, stderr: "unknown flag --tpoic"},
		{name: "replicas on the local broker", set: setting{args: []string{"state", "set", "--topic", "t", "--topic-replicas", "3", "=1"}}, status: 2, stderr: "name a cluster with --broker"},
		{name: "a wrong broker", set: setting{args: []string{"state", "show", "--topic", "t", "--broker", "nats://h:1/x"}}, status: 2, stderr: "nothing may follow the host and port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), reader(), tt.set)
			if got.status != tt.status || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("status %d, want %d: %s", got.status, tt.status, got.stderr)
			}
		})
	}
}

func TestPlainSubjectsKeepNoPositions(t *testing.T) {
	_, url := startNATS(t, 0, t.TempDir())
	forgetful := counter()
	forgetful.info.Resumes = false
	tests := []struct {
		name   string
		p      *program
		state  string
		status int
		stderr string
	}{
		{"of a source that resumes", counter(), "", 2, "plain subjects, which keep no state: give --state none or --state file:PATH"},
		{"which is all right where none is wanted", counter(), "none", 0, ""},
		{"and none is wanted of one that does not", forgetful, "", 0, ""},
		{"unless a bucket is named", forgetful, "kv:mine", 2, "plain subjects, which keep no state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"--topic", "numbers", "--broker", strings.Replace(url, "nats:", "nats+core:", 1)}
			if tt.state != "" {
				args = append(args, "--state", tt.state)
			}
			got := invoke(t.Context(), tt.p, setting{args: args})
			if got.status != tt.status || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("status %d, want %d: %s", got.status, tt.status, got.stderr)
			}
		})
	}
}

func TestOnlySourcesThatResumeHaveStateCommands(t *testing.T) {
	forgetful := counter()
	forgetful.info.Resumes = false
	for _, tt := range []struct {
		p    *program
		want bool
	}{{counter(), true}, {forgetful, false}, {gatherer(), false}} {
		for _, args := range [][]string{{"metadata"}, {"--help"}, {"completion", "bash"}} {
			got := invoke(t.Context(), tt.p, setting{args: args})
			shown := strings.Contains(got.stdout, "state show") || strings.Contains(got.stdout, "'show set reset'")
			if shown != tt.want {
				t.Errorf("%s %v: state commands shown: %t", tt.p.info.Name, args, shown)
			}
		}
	}
}

// A source whose positions never recur gives the same record the same id, until somebody resets its state.
func TestIdsChangeWithAReset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	ids := func() string {
		got := invoke(t.Context(), counter(), setting{args: []string{"--topic", "-", "--topic-format", "cloudevents", "--upto", "1", "--state", "file:" + path}})
		var event struct{ ID string }
		if err := json.Unmarshal([]byte(got.stdout), &event); err != nil {
			t.Fatalf("%v: %+v", err, got)
		}
		return event.ID
	}
	first := ids()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	again := ids()
	if got := invoke(t.Context(), counter(), setting{args: []string{"state", "reset", "--state", "file:" + path}}); got.status != 0 {
		t.Fatal(got.stderr)
	}
	reset := ids()
	if first != again || reset == first {
		t.Errorf("ids %s, %s, and %s after the reset", first, again, reset)
	}
}

func TestADamagedStateEndsARunWithStatusOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	write(t, path, "x")
	got := invoke(t.Context(), counter(), setting{args: []string{"--topic", "-", "--state", "file:" + path}})
	if got.status != 1 || got.stdout != "" || !strings.Contains(got.stderr, path) || !strings.Contains(got.stderr, "tally-source state reset") {
		t.Errorf("%+v", got)
	}
}

func TestTheEndOfARunGivesItsStateUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if got := invoke(t.Context(), counter(), setting{args: []string{"--topic", "-", "--state", "file:" + path}}); got.status != 0 {
		t.Fatal(got.stderr)
	}
	if info, err := state.NewFile(path).Inspect(t.Context()); err != nil || info.Held != nil {
		t.Errorf("Inspect = %+v, %v", info, err)
	}
}
