package common

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Tally is a source for tests: it sends numbers and resumes after the last.
type Tally struct {
	Upto  int    `help:"Last number." default:"3" min:"0"`
	Fail  string `help:"Error to return after the numbers."`
	Token Secret `help:"A secret."`
	Wait  bool   `help:"Wait for the end after the numbers."`
}

func (c *Tally) Run(ctx context.Context, out Output) error {
	from, _ := strconv.Atoi(out.Position(""))
	for n := from + 1; n <= c.Upto; n++ {
		if err := out.Send(ctx, Record{Value: []byte(strconv.Itoa(n)), Position: strconv.Itoa(n)}); err != nil {
			return err
		}
	}
	if c.Fail != "" {
		return Permanent(errors.New(c.Fail))
	}
	if c.Wait {
		<-ctx.Done()
	}
	return nil
}

func (c *Tally) Validate() error {
	if c.Upto == 13 {
		return errors.Join(errors.Join(Invalid("upto", "13 is unlucky; take 12")), errors.New("and that is that"))
	}
	return nil
}

func (c *Tally) Check(context.Context) error {
	if c.Fail != "" {
		return errors.New(c.Fail)
	}
	return nil
}

// Gather is a sink for tests.
type Gather struct{}

func (g *Gather) Run(ctx context.Context, in Input) error {
	return Each(ctx, in, func(_ context.Context, recs []Record) error {
		failed := map[int]error{}
		for i, rec := range recs {
			gathered = append(gathered, string(rec.Value))
			if strings.Contains(string(rec.Value), "poison") {
				failed[i] = Permanent(errors.New("poisonous"))
			}
		}
		if len(failed) > 0 {
			return &PartialError{failed}
		}
		return nil
	})
}

var gathered []string // by the sink that ran last; tests that use it do not run in parallel

func counter() *program {
	return &program{direction: metadata.Source, pattern: &Tally{}, info: Info{
		Name: "tally-source", Version: "1.2.3", Category: "Testing", Description: "Counts.", Resumes: true,
		Examples: []Example{{"Count to nine", []string{"--upto", "9", "--topic", "numbers"}}},
	}}
}

func gatherer() *program {
	return &program{direction: metadata.Sink, pattern: &Gather{}, info: Info{
		Name: "gather-sink", Version: "1.2.3", Category: "Testing", Description: "Gathers.",
	}}
}

// outcome is what a run left.
type outcome struct {
	status         int
	stdout, stderr string
}

type setting struct {
	args  []string
	env   map[string]string
	files map[string]string
	stdin string
}

// invoke runs a program in a world of the test's making.
func invoke(ctx context.Context, p *program, s setting) outcome {
	var stdout, stderr bytes.Buffer
	status := p.run(ctx, world{
		args:      s.args,
		lookupEnv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		open: func(path string) (io.ReadCloser, error) {
			text, ok := s.files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return io.NopCloser(strings.NewReader(text)), nil
		},
		stdin: strings.NewReader(s.stdin), stdout: &stdout, stderr: &stderr,
	})
	return outcome{status, stdout.String(), stderr.String()}
}

// Aged is a source for tests with an option that goes.
type Aged struct {
	Upto int `help:"Last number."`
	Till int `help:"Last number." deprecated:"2027-06-30" replacement:"upto" note:"The same number."`
}

func (a *Aged) Run(context.Context, Output) error { return nil }

func TestWhatIsDeprecatedIsWarnedOfOnceAndOnlyIfGiven(t *testing.T) {
	aged := func(d *metadata.Deprecation) *program {
		return &program{direction: metadata.Source, pattern: &Aged{}, info: Info{
			Name: "aged-source", Version: "1.2.3", Category: "Testing", Description: "Ages.", Deprecation: d,
		}}
	}
	const (
		option    = "--till: deprecated, may be gone from 2027-06-30, use --upto; The same number."
		connector = "aged-source is deprecated, may be gone from 2027-01-31, use tally-source; It counts, too."
	)
	tests := []struct {
		name string
		p    *program
		args []string
		want map[string]int // text to how often
	}{
		{"an option that is not given", aged(nil), []string{"--upto", "1"}, map[string]int{"deprecated": 0}},
		{"an option that is given", aged(nil), []string{"--till", "1"}, map[string]int{option: 1, "deprecated": 1}},
		{
			"a connector", aged(&metadata.Deprecation{Date: "2027-01-31", Replacement: "tally-source", Note: "It counts, too."}),
			nil,
			map[string]int{connector: 1, "deprecated": 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), tt.p, setting{args: append([]string{"--topic", "-"}, tt.args...)})
			if got.status != statusOK || got.stdout != "" {
				t.Errorf("%+v", got)
			}
			for text, times := range tt.want {
				if n := strings.Count(got.stderr, text); n != times {
					t.Errorf("%q stands %d times, not %d, in:\n%s", text, n, times, got.stderr)
				}
			}
		})
	}
}

func TestStatusesAndMessages(t *testing.T) {
	tests := []struct {
		name   string
		p      *program
		set    setting
		status int
		stdout string // exactly
		stderr string // contained
		exact  bool   // and nothing else is told
	}{
		{name: "runs to its end", p: counter(), set: setting{args: []string{"--topic", "-"}}, stdout: "1\n2\n3\n"},
		{name: "accepts run as a command", p: counter(), set: setting{args: []string{"run", "--topic", "-", "--upto=1"}}, stdout: "1\n"},
		{
			name: "fails with the error", p: counter(), set: setting{args: []string{"--topic", "-", "--upto", "1", "--fail", "broken pipe wrench"}},
			status: 1, stdout: "1\n", stderr: "tally-source: broken pipe wrench\n",
		},
		{name: "misses a required option", p: counter(), status: 2, stderr: "tally-source: --topic: is required; give --topic TOPIC, set PATCHBAY_TOPIC"},
		{name: "names the nearest flag", p: counter(), set: setting{args: []string{"--tpoic", "-"}}, status: 2, stderr: "unknown flag --tpoic; did you mean --topic?"},
		{
			name: "refuses a limit with which nothing moves", p: gatherer(), set: setting{args: []string{"--topic", "-", "--max-in-flight-bytes", "0"}},
			status: 2, stderr: `--max-in-flight-bytes: "0" is not more than zero`,
		},
		{
			name: "names the nearest key", p: counter(), set: setting{
				args:  []string{"--config", "c.yaml"},
				files: map[string]string{"c.yaml": "topic: '-'\nparameters:\n  up_too: 1\n"},
			},
			status: 2, stderr: `c.yaml:3: unknown option "up-too"; did you mean "upto"?`,
		},
		{name: "takes options from flag, environment, file and default, in this order", p: counter(), set: setting{
			args: []string{"--config", "c.yaml"}, env: map[string]string{"TALLY_SOURCE_UPTO": "2"},
			files: map[string]string{"c.yaml": "type: tally-source\ntopic: '-'\nparameters: {upto: 1, topic_format: raw}\n"},
		}, stdout: "1\n2\n"},
		{name: "refuses a file for another connector", p: counter(), set: setting{
			args:  []string{"--config", "c.yaml"},
			files: map[string]string{"c.yaml": "type: other-source\ntopic: '-'\n"},
		}, status: 2, stderr: "c.yaml:1: the file is for other-source, this is tally-source"},
		{name: "sends a transform under parameters to its place", p: counter(), set: setting{
			args:  []string{"--config", "c.yaml"},
			files: map[string]string{"c.yaml": "topic: '-'\nparameters: {map: .}\n"},
		}, status: 2, stderr: "map stands in the list of transforms"},
		{name: "tells that a file is for another version", p: counter(), set: setting{
			args:  []string{"--config", "c.yaml", "--upto=0"},
			files: map[string]string{"c.yaml": "version: 9.9.9\ntopic: '-'\n"},
		}, stderr: "is written for version 9.9.9, this is version 1.2.3"},
		{name: "tells what is wrong with a file's options beside what is wrong with the file", p: counter(), set: setting{
			args: []string{"validate", "--config", "c.yaml"},
			files: map[string]string{"c.yaml": "topic: '-'\nwat: 1\nparameters:\n  upto: -1\n  fail: ${env:NONE}\n" +
				"secrets: {fail: x}\ntransforms:\n- map: .[\n- filter: 3\n"},
		}, status: 2, exact: true, stderr: "tally-source: c.yaml:2:1: wat: unknown key; the keys are name, type, version, topic, parameters, secrets, transforms; " +
			"a connector's options stand under parameters\n" +
			"tally-source: c.yaml:5:9: parameters.fail: environment variable NONE is not set; set it, or write the value\n" +
			"tally-source: c.yaml:6:11: secrets.fail: option fail stands in line 5 already; keep one of them; hyphens and underscores are the same, and so are parameters and secrets\n" +
			"tally-source: c.yaml:9:11: transforms[1].filter: the value is a number and not text; quote it\n" +
			"tally-source: --upto (c.yaml:4): -1 is less than 0\n" +
			"tally-source: --map (c.yaml:8): .[: unexpected end of expression at column 3\n"},
		{name: "does not miss what stands in a file that cannot be used", p: counter(), set: setting{
			args: []string{"validate", "--config", "c.yaml"}, files: map[string]string{"c.yaml": "topic: [\n"},
		}, status: 2, exact: true, stderr: "tally-source: c.yaml:1:8: the file is not valid YAML: sequence end token ']' not found\n"},
		{name: "does not miss an option whose value in the file cannot be used", p: counter(), set: setting{
			args: []string{"validate", "--config", "c.yaml"}, files: map[string]string{"c.yaml": "topic: ${env:NONE}\n"},
		}, status: 2, exact: true, stderr: "tally-source: c.yaml:1:8: topic: environment variable NONE is not set; set it, or write the value\n"},
		{name: "reads on below a key that is spelled wrong", p: counter(), set: setting{
			args: []string{"validate", "--config", "c.yaml"}, files: map[string]string{"c.yaml": "topic: '-'\nparamters: {upto: -1}\n"},
		}, status: 2, exact: true, stderr: "tally-source: c.yaml:2:1: paramters: unknown key; did you mean parameters?\n" +
			"tally-source: --upto (c.yaml:2): -1 is less than 0\n"},
		{name: "quotes no expression that comes from a reference", p: counter(), set: setting{
			args: []string{"validate", "--config", "c.yaml"}, env: map[string]string{"EXPR": "c4n4ry["},
			files: map[string]string{"c.yaml": "topic: '-'\ntransforms: [{map: '${env:EXPR}'}]\n"},
		}, status: 2, exact: true, stderr: "tally-source: --map (c.yaml:2): the expression behind the reference does not compile at line 1, column 8\n"},
		{name: "names the variable that holds a transform", p: counter(), set: setting{
			args: []string{"validate", "--topic", "-"}, env: map[string]string{"PATCHBAY_FILTER": ".["},
		}, status: 2, exact: true, stderr: "tally-source: --filter (PATCHBAY_FILTER): .[: unexpected end of expression at column 3\n"},
		{name: "refuses a file without end", p: counter(), set: setting{
			args: []string{"validate", "--topic", "-", "--map", "@endless"}, files: map[string]string{"endless": strings.Repeat(" ", config.MaxBytes+1)},
		}, status: 2, exact: true, stderr: "tally-source: --map: endless: it is larger than 1048576 bytes\n"},
		{name: "names the nearest command", p: counter(), set: setting{args: []string{"validat", "--topic", "-"}}, status: 2, exact: true, stderr: "tally-source: there is " +
			"a word that is neither a command nor the value of a flag (put a value with spaces in quotes); did you mean the command validate?\n"},
		{name: "misses nothing behind what it cannot read", p: counter(), set: setting{args: []string{"-x", "--upto"}}, status: 2, exact: true, stderr: "tally-source: " +
			"unknown flag -x; see tally-source --help\n"},
		{name: "applies transforms in the order of the command line", p: counter(), set: setting{
			args: []string{"--topic", "-", "--filter", ". > 1", "--map", ". * 10", "--filter", ". < 30"},
		}, stdout: "20\n"},
		{name: "applies transforms of the file", p: counter(), set: setting{
			args:  []string{"--config", "c.yaml"},
			files: map[string]string{"c.yaml": "topic: '-'\ntransforms:\n- map: . + 1\n- filter: . != 3\n"},
		}, stdout: "2\n4\n"},
		{name: "lets the command line replace the transforms of the file", p: counter(), set: setting{
			args:  []string{"--config", "c.yaml", "--map", "."},
			files: map[string]string{"c.yaml": "topic: '-'\ntransforms:\n- filter: 'false'\n"},
		}, stdout: "1\n2\n3\n"},
		{
			name: "refuses a transform that does not compile", p: counter(), set: setting{args: []string{"--topic", "-", "--map", ".a |"}},
			status: 2, stderr: "--map: .a |: unexpected end of expression at column 5",
		},
		{name: "counts records after transforms", p: counter(), set: setting{args: []string{"--topic", "-", "--upto", "9", "--filter", ". % 2 == 0", "--max-records", "2"}}, stdout: "2\n4\n"},
		{
			name: "skips what a transform cannot process", p: counter(), set: setting{args: []string{"--topic", "-", "--map", "if . == 2 then error(\"no\") else . end", "--on-error", "skip"}},
			stdout: "1\n3\n", stderr: "record skipped",
		},
		{
			name: "validates, telling everything", p: counter(), set: setting{args: []string{"validate", "--upto=-1", "--map", "|", "--on-error", "x"}},
			status: 2, stderr: "tally-source: --upto: -1 is less than 0\ntally-source: --on-error: \"x\" is not one of fail, skip, dead-letter\ntally-source: --topic: is required",
		},
		{name: "validates what is right", p: counter(), set: setting{args: []string{"validate", "--topic", "x"}}, stdout: "tally-source: the options are valid\n"},
		{
			name: "asks the author's Validate", p: counter(), set: setting{args: []string{"--topic", "-", "--upto", "13"}}, status: 2,
			stderr: "tally-source: --upto: 13 is unlucky; take 12\ntally-source: and that is that\n",
		},
		{name: "refuses dead letters without a broker", p: counter(), set: setting{args: []string{"--topic", "-", "--on-error", "dead-letter"}}, status: 2, stderr: "needs a topic on a broker"},
		{name: "refuses dead letters without a topic for them", p: counter(), set: setting{args: []string{"validate", "--topic", "t", "--on-error", "dead-letter"}}, status: 2, stderr: "--on-error: dead-letter needs --dead-letter TOPIC"},
		{name: "refuses acks without a name", p: counter(), set: setting{args: []string{"--topic", "-", "--acks"}}, status: 2, stderr: "--acks: needs --name"},
		{name: "shows the version", p: counter(), set: setting{args: []string{"--version"}}, stdout: "tally-source 1.2.3\n"},
		{name: "checks the system", p: counter(), set: setting{args: []string{"check", "--topic", "-"}}, stdout: "system: ok\n"},
		{
			name: "tells what a check found", p: counter(), set: setting{args: []string{"check", "--topic", "-", "--fail", "no route"}}, status: 1,
			stdout: "system: no route\n", stderr: "the check of system failed",
		},
		{name: "knows its shells", p: counter(), set: setting{args: []string{"completion", "tcsh"}}, status: 2, stderr: "choose one of bash, zsh, fish"},
		{name: "knows its drafts", p: counter(), set: setting{args: []string{"metadata", "--draft", "4"}}, status: 2, stderr: "neither draft-07 nor 2020-12"},
		{
			name: "warns of a secret on the command line", p: counter(), set: setting{args: []string{"--topic", "-", "--upto=0", "--token", "c4n4ry"}},
			stderr: "--token on the command line shows in the process list; set TALLY_SOURCE_TOKEN",
		},
		{name: "sinks read standard input", p: gatherer(), set: setting{args: []string{"--topic", "-"}, stdin: "1\n2\n"}},
		{name: "sinks follow the error policy", p: gatherer(), set: setting{args: []string{"--topic", "-"}, stdin: "1\npoison\n"}, status: 1, stderr: "gather-sink: write: poisonous\n"},
		{name: "sinks have no position to show", p: gatherer(), set: setting{args: []string{"state", "show", "--topic", "-"}}, status: 2, stderr: "there is a word that is neither a command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), tt.p, tt.set)
			if got.status != tt.status {
				t.Errorf("status = %d, want %d", got.status, tt.status)
			}
			if got.stdout != tt.stdout {
				t.Errorf("stdout = %q, want %q", got.stdout, tt.stdout)
			}
			if !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("stderr lacks %q:\n%s", tt.stderr, got.stderr)
			}
			if tt.exact && got.stderr != tt.stderr {
				t.Errorf("stderr = %s\nwant %s", got.stderr, tt.stderr)
			}
			if strings.Contains(got.stdout+got.stderr, "c4n4ry") {
				t.Error("a secret shows")
			}
		})
	}
}

func TestASourceResumesFromItsStateFile(t *testing.T) {
	state := "file:" + t.TempDir() + "/state.json"
	for i, want := range []string{"1\n2\n", "3\n4\n", ""} {
		got := invoke(t.Context(), counter(), setting{args: []string{"--topic", "-", "--state", state, "--upto", strconv.Itoa(min(2*i+2, 4))}})
		if got.status != 0 || got.stdout != want {
			t.Errorf("run %d: status %d, stdout %q, want %q; stderr %s", i+1, got.status, got.stdout, want, got.stderr)
		}
	}
}

func TestStopEndsARunWithStatusZero(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan int)
	go func() {
		p := counter()
		done <- p.run(ctx, world{
			args: []string{"--topic", "-", "--wait"}, lookupEnv: func(string) (string, bool) { return "", false },
			stdout: w, stderr: io.Discard,
		})
	}()
	buffer := make([]byte, 6)
	if _, err := io.ReadFull(r, buffer); err != nil || string(buffer) != "1\n2\n3\n" {
		t.Fatalf("read %q, %v", buffer, err)
	}
	stop()
	select {
	case status := <-done:
		if status != 0 {
			t.Errorf("status = %d", status)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the run did not end")
	}
}

func TestMetadataIsTheSameWhateverTheEnvironmentHolds(t *testing.T) {
	poisoned := map[string]string{"PATCHBAY_TOPIC": "evil topic", "TALLY_SOURCE_UPTO": "NaN", "TALLY_SOURCE_TOKEN": "c4n4ry", "PATCHBAY_LOG_LEVEL": "debug"}
	clean, dirty := invoke(t.Context(), counter(), setting{args: []string{"metadata"}}), invoke(t.Context(), counter(), setting{args: []string{"metadata"}, env: poisoned})
	if clean != dirty || clean.status != 0 || clean.stderr != "" {
		t.Fatalf("clean and poisoned differ, or fail: %+v\n%+v", clean, dirty)
	}
	var doc metadata.Document
	if err := json.Unmarshal([]byte(clean.stdout), &doc); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(doc.Name, doc.Direction, doc.Version, doc.Description, doc.Stability, doc.License); got != "tally-sourcesource1.2.3Counts.experimentalApache-2.0" {
		t.Errorf("the document says %s", got)
	}
	if got := string(doc.Examples[0].Options); strings.Join(strings.Fields(got), "") != `{"topic":"numbers","upto":9}` {
		t.Errorf("the example's options are %s", got)
	}
	newer := invoke(t.Context(), counter(), setting{args: []string{"metadata", "--draft", "2020-12"}})
	if !strings.Contains(newer.stdout, "https://json-schema.org/draft/2020-12/schema") {
		t.Error("--draft 2020-12 does not change the dialect")
	}
}

func TestBatchAnswersEveryLine(t *testing.T) {
	got := invoke(t.Context(), counter(), setting{args: []string{"validate", "--batch", "-"}, stdin: strings.Join([]string{
		`{"topic":"-"}`, `{}`, `{"topic":"-","upto":13}`, `{"topic":"-","map":["|"]}`, `[]`, `{"topic":"-"} {}`, `{"topic":"-","token":5}`, `null`, `{"topic":"-","filter":[""]}`,
	}, "\n")})
	var verdicts []string
	decoder := json.NewDecoder(strings.NewReader(got.stdout))
	for decoder.More() {
		var v verdict
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		text := strconv.FormatBool(v.Valid)
		for _, f := range v.Problems {
			text += fmt.Sprintf(" %s:%t", f.Option, f.Semantic)
		}
		verdicts = append(verdicts, text)
	}
	want := []string{"true", "false topic:false", "false upto:true :true", "false map:true", "false :false", "false :false", "false token:false", "false :false", "false filter:true"}
	if !slices.Equal(verdicts, want) || got.status != 0 {
		t.Errorf("verdicts = %q, want %q; status %d", verdicts, want, got.status)
	}
}

// A fullDisk takes nothing.
type fullDisk struct{ err error }

func (w fullDisk) Write([]byte) (int, error) { return 0, w.err }

func TestOutputThatNobodyTakes(t *testing.T) {
	for _, args := range [][]string{{"metadata"}, {"completion", "bash"}, {"--help"}, {"--version"}, {"--topic", "-"}} {
		for _, tt := range []struct {
			err    error
			status int
		}{{syscall.EPIPE, 0}, {syscall.ENOSPC, 1}} {
			w := world{
				args: args, lookupEnv: func(string) (string, bool) { return "", false },
				stdout: fullDisk{&fs.PathError{Op: "write", Path: "/dev/stdout", Err: tt.err}}, stderr: io.Discard,
			}
			if status := counter().run(t.Context(), w); status != tt.status {
				t.Errorf("%q on %v: status %d, want %d", args, tt.err, status, tt.status)
			}
		}
	}
}

func TestSinksDeliverEachRecord(t *testing.T) {
	gathered = nil
	got := invoke(t.Context(), gatherer(), setting{args: []string{"--topic", "-", "--map", ". + 1", "--batch-size", "2"}, stdin: "1\n2\n3\n"})
	if got.status != 0 || !slices.Equal(gathered, []string{"2", "3", "4"}) {
		t.Errorf("gathered %q with status %d: %s", gathered, got.status, got.stderr)
	}
}

// Careless is a source for tests whose author made mistakes.
type Careless struct {
	Tally
	Rate  uint16        `help:"Records a second."`
	Pause time.Duration `help:"Rest between two." min:"1ms"`
}

// Value is a source for tests whose methods take no pointer.
type Value struct{}

// Run implements Source.
func (Value) Run(context.Context, Output) error { return nil }

// Largest is a sink for tests: it tells the size of its largest batch.
type Largest struct{}

func (*Largest) Run(ctx context.Context, in Input) error {
	return Each(ctx, in, func(_ context.Context, recs []Record) error {
		largest = max(largest, len(recs))
		return nil
	})
}

var largest int

func TestMostBytesInFlightBoundABatch(t *testing.T) {
	p := gatherer()
	p.pattern = &Largest{}
	largest = 0
	lines := strings.Repeat(strings.Repeat("x", 1<<10)+"\n", 8)
	invoke(t.Context(), p, setting{args: []string{"--topic", "-", "--batch-wait", "1h", "--max-in-flight-bytes", "4KiB"}, stdin: lines})
	if largest == 0 || largest > 4 {
		t.Errorf("%d records of 1 KiB came together, 4 may be in flight", largest)
	}
}

func TestMistakesOfTheAuthorAreToldAtOnceInALineEach(t *testing.T) {
	with := func(change func(*program)) *program {
		p := counter()
		change(p)
		return p
	}
	tests := []struct {
		name string
		p    *program
		want []string // a part of each line
	}{
		{"in tags", with(func(p *program) { p.pattern = &Careless{} }), []string{"option rate: type uint16 is not", "option pause: min and max go"}},
		{"no pointer", with(func(p *program) { p.pattern = Value{} }), []string{"the options are of type common.Value; give a pointer"}},
		{"nothing said", with(func(p *program) { p.info = Info{Name: "tally-source"} }), []string{"Version is empty", "Description is empty", "Category is empty"}},
		{"in examples", with(func(p *program) {
			p.info.Examples = []Example{{"A", []string{"--uptoo", "9"}}, {"B", []string{"--topik", "x"}}}
		}), []string{`example "A": unknown flag --uptoo`, `example "B": unknown flag --topik`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), tt.p, setting{args: []string{"metadata"}})
			lines := strings.Split(strings.TrimSpace(got.stderr), "\n")
			if got.status != 1 || got.stdout != "" || len(lines) != len(tt.want) {
				t.Fatalf("status %d, stdout %q\n%s", got.status, got.stdout, got.stderr)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, "tally-source: ") || !strings.Contains(line, tt.want[i]) {
					t.Errorf("%q, want %q in it", line, tt.want[i])
				}
			}
		})
	}
}

func TestTheSharedFlagsAreInOrder(t *testing.T) {
	for _, p := range []*program{counter(), gatherer()} {
		m, err := p.model(p.fresh())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(); err != nil {
			t.Error(err)
		}
	}
}
