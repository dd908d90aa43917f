package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

func TestRunsEndWell(t *testing.T) {
	tests := []struct{ name, source, sink string }{
		{"a source that tells its state", "-count 500", ""},
		{"a source that tells no state", "-count 500 -mode silent", ""},
		{"records that the sink refuses once", "-count 500", "-mode nacks"},
		{"a sink that takes one at a time", "-count 100", "-window 1"},
		{"nothing to send", "-count 0", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := pipe(t, tt.source, tt.sink).acquired(t)
			if err := d.drive(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, d.logs)
			}
			got := d.written(t)
			slices.SortFunc(got, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
			var count int
			_, _ = fmt.Sscanf(tt.source, "-count %d", &count)
			compare(t, got, count, 0, 0)
			saved, err := d.store.Load(t.Context())
			if err != nil || saved.Positions[""] != fmt.Sprint(count) || saved.Connector != "fake" {
				t.Errorf("saved %v, %v", saved, err)
			}
		})
	}
}

func TestRunsEndWithTheLastErrorOfAChild(t *testing.T) {
	tests := []struct{ name, source, sink, want string }{
		{"wrong usage", "-mode status2", "", "the source failed: source: wrong usage"},
		{"a source that gives up", "-mode gives-up", "", "the source failed: the account is closed"},
		{"a record refused for good", "", "-mode refuses", "the source failed: poison"},
		{"a sink that speaks another protocol", "", "-mode babble", `the sink failed: pipeline.test: it does not speak the link protocol: it began with "Listening on port 80"`},
		{"dead letters that nobody keeps", "-mode dead", "", "the source failed: the pipeline has no dead_letter"},
		{"a source that never works", "-mode dies", "", "the source failed: cannot"},
		{"a sink that never works", "", "-mode dies", "the sink failed: cannot"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := pipe(t, tt.source, tt.sink).acquired(t)
			d.StartTimeout = time.Hour // an end that has to wait for it would not come
			if strings.Contains(tt.name, "never works") {
				d.StartTimeout = time.Second
			}
			err := d.drive(t.Context())
			if err == nil || err.Error() != tt.want {
				t.Errorf("drive returned %v, want %s\n%s", err, tt.want, d.logs)
			}
		})
	}
}

func TestAProgramThatCannotStartIsAnError(t *testing.T) {
	d := pipe(t, "", "").acquired(t)
	d.sink.Path = filepath.Join(d.dir, "none")
	if err := d.drive(t.Context()); err == nil || !strings.Contains(err.Error(), "the sink failed: start "+d.sink.Path) {
		t.Errorf("drive returned %v", err)
	}
}

func TestASinkThatIsDoneEndsTheRunAndWhatItHasIsSaved(t *testing.T) {
	d := pipe(t, "-count 100000", "-limit 200").acquired(t)
	d.ShutdownTimeout = time.Hour // nothing must take so long
	if err := d.drive(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, d.logs)
	}
	compare(t, d.written(t), 200, 0, 0)
	saved, err := d.store.Load(t.Context())
	if err != nil || saved == nil || saved.Positions[""] == "" {
		t.Fatalf("saved %v, %v", saved, err)
	}
}

func TestStopDeliversWhatIsUnderWay(t *testing.T) {
	d := pipe(t, "-count 1000000", "").acquired(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- d.drive(ctx) }()
	hosttest.Await(t, "records", func() bool { return len(d.written(t)) > 100 })
	stop()
	if err := <-done; err != nil {
		t.Fatalf("%v\n%s", err, d.logs)
	}
	got := d.written(t)
	saved, err := d.store.Load(t.Context())
	if err != nil || saved.Positions[""] != got[len(got)-1] {
		t.Errorf("saved %v, %v, but the sink has %s", saved, err, got[len(got)-1])
	}
	compare(t, got, len(got), 0, 0)
}

func TestStopGivesUpAfterTheShutdownTimeout(t *testing.T) {
	d := pipe(t, "-count 1000", "-mode stalls").acquired(t)
	d.ShutdownTimeout = 100 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- d.drive(ctx) }()
	hosttest.Await(t, "records", func() bool { return len(d.written(t)) >= 9 })
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "records were not acknowledged within the shutdown timeout of 100ms; they are sent again") &&
		!strings.Contains(err.Error(), "the source failed") {
		t.Errorf("drive returned %v", err)
	}
	if saved, err := d.store.Load(t.Context()); saved != nil || err != nil { // the source saves after 20
		t.Errorf("saved %v, %v, but the sink has 9 records", saved, err)
	}
}

func TestARestartedSinkSeesTheAttempt(t *testing.T) {
	d := pipe(t, "-count 100", "-mode attempts -die before-write -from 50").acquired(t)
	if err := d.drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := d.written(t)
	if got[0] != "1#1" || !slices.Contains(got, "50#2") || got[len(got)-1] != "100#1" {
		t.Errorf("the sink has %v", got)
	}
	if !strings.Contains(d.logs.String(), "the sink has ended, starting it again") {
		t.Errorf("the restart is not in the log: %s", d.logs)
	}
}

func TestPayloadsThatAreNoTextKeepTheirBytes(t *testing.T) {
	d := pipe(t, "-count 3 -mode binary", "").acquired(t)
	if err := d.drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.out)
	if want := "\xff\xfe1\n\xff\xfe2\n\xff\xfe3\n"; err != nil || string(text) != want {
		t.Errorf("the sink has %q, %v", text, err)
	}
}

func TestDeadLettersAreKeptWithTheirBytes(t *testing.T) {
	d := pipe(t, "-count 10 -mode dead", "").acquired(t)
	path := filepath.Join(d.dir, "dead")
	if err := os.WriteFile(path, []byte(`{"half":`), 0o600); err != nil {
		t.Fatal(err)
	}
	d.letters = &letterFile{path: path, pipeline: "p"}
	defer d.letters.close()
	if err := d.drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) != 3 || lines[0] != `{"half":` {
		t.Fatalf("dead letters %q, %v", text, err)
	}
	var got struct {
		Pipeline, Side string
		Dead           struct {
			Value   []byte `json:"value_base64"`
			Headers map[string]string
		}
	}
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil || got.Pipeline != "p" || got.Side != "source" ||
		string(got.Dead.Value) != "\xffx" || got.Dead.Headers["Reason"] != "bad" {
		t.Errorf("%s: %+v, %v", lines[1], got, err)
	}
}

func TestHalfADeadLetterSpoilsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead")
	if err := os.WriteFile(path, []byte(`{"half":`), 0o600); err != nil { // as a full disk leaves it
		t.Fatal(err)
	}
	full, err := os.Open(path) // only to read: what is written fails
	if err != nil {
		t.Fatal(err)
	}
	l := &letterFile{path: path, pipeline: "p", file: full}
	defer l.close()
	recs := []record.Record{{Value: []byte("1")}}
	if l.append(sourceSide, recs) == nil {
		t.Fatal("a letter that was not written is kept")
	}
	if err := l.append(sourceSide, recs); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) != 3 || lines[0] != `{"half":` || !json.Valid([]byte(lines[1])) {
		t.Errorf("dead letters %q, %v", text, err)
	}
}

func TestDamagedPositionsAreNoFreshStart(t *testing.T) {
	d := pipe(t, "", "").acquired(t)
	if err := os.WriteFile(filepath.Join(d.dir, "state"), []byte(`{"version":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.drive(t.Context()); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("drive returned %v", err)
	}
	if got := d.written(t); len(got) > 0 {
		t.Errorf("the sink has %v", got)
	}
}

func TestMetricsCountThePipeline(t *testing.T) {
	d := pipe(t, "-count 300", "-die after-write -from 100").acquired(t)
	if err := d.drive(t.Context()); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := observe.Write(&text, d.metrics); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`patchbay_received_records_total{name="p"} 300`, `patchbay_delivered_records_total{name="p"} 300`,
		`patchbay_session_restarts_total{name="p"} 1`, `patchbay_in_flight_records{name="p"} 0`,
	} {
		if !strings.Contains(text.String(), want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), `patchbay_retried_records_total{name="p"} 0`) {
		t.Error("what the second sink was sent again is not counted")
	}
}

func TestLinesOfLogs(t *testing.T) {
	tests := []struct{ name, line, text, json string }{
		{"text", "hello", "p sink: hello", `"level":"INFO","msg":"hello","pipeline":"p","side":"sink"}`},
		{"JSON", `{"msg":"x"}`, `p sink: {"msg":"x"}`, `{"pipeline":"p","side":"sink","msg":"x"}`},
		{"an empty object", `{ }`, `p sink: { }`, `{"pipeline":"p","side":"sink"}`},
		{"control characters", "a\x1b[31m\tb\r\u202e", `p sink: a\x1b[31m\tb\r\u202e`, `"msg":"a\\x1b[31m\\tb\\r\\u202e"`},
		{"no UTF-8", "a\xff", "p sink: a\ufffd", ``},
		{"a long line", strings.Repeat("ä", connector.MaxLine), "p sink: " + strings.Repeat("ä", connector.MaxLine/2) + "…", "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, asJSON := range []bool{false, true} {
				var b hosttest.Buffer
				(&logs{Lines: connector.Lines{W: &b}, json: asJSON}).of("p", "sink")(tt.line)
				got, newline := strings.CutSuffix(b.String(), "\n")
				switch {
				case !newline || strings.Contains(got, "\n"):
					t.Errorf("no line: %q", got)
				case !asJSON && got != tt.text:
					t.Errorf("got %q, want %q", got, tt.text)
				case asJSON && (!strings.Contains(got, tt.json) || !json.Valid([]byte(got))):
					t.Errorf("got %s, want %s in it", got, tt.json)
				}
			}
		})
	}
}
