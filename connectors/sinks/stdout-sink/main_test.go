package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is where the sinks of a test print.
var output io.Writer

// A printer is the sink with another output.
type printer struct{ Stdout }

// Run implements common.Sink.
func (p *printer) Run(ctx context.Context, in common.Input) error { return p.print(ctx, in, output) }

func start(t *testing.T, out io.Writer, c commontest.Config, recs []common.Record, args ...string) *commontest.SinkRun {
	t.Helper()
	output = out
	return commontest.StartSink[printer](t, c, recs, args...)
}

func TestFormats(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	whole := common.Record{
		ID: "7", Key: "k<1>", Op: "delete", Time: at, Type: "t", Subject: "s", Partition: "p", Position: "9",
		Headers: map[string]string{"b": "2", "a": "1"}, Value: []byte("{\"x\":\n \"<é>\"}"),
	}
	bare := func(value string) common.Record { return common.Record{ID: "i", Value: []byte(value)} }
	tests := []struct {
		name, format string
		rec          common.Record
		want         string
	}{
		{"text is the payload, byte for byte", "text", bare("a\nb\xff"), "a\nb\xff\n"},
		{"text of an empty payload is an empty line", "text", bare(""), "\n"},
		{"json is the whole record in one line", "json", whole, `{"id":"7","key":"k<1>","partition":"p","position":"9","op":"delete",` +
			`"time":"2026-03-04T04:06:07Z","type":"t","subject":"s","headers":{"a":"1","b":"2"},"value":{"x":"<é>"}}` + "\n"},
		{"json shows text as a string", "json", bare("no JSON"), `{"id":"i","value":"no JSON"}` + "\n"},
		{"json shows numbers as they were written", "json", bare("1.50"), `{"id":"i","value":1.50}` + "\n"},
		{"json shows bytes in base64", "json", bare("\xff"), `{"id":"i","value_base64":"/w=="}` + "\n"},
		{"json shows a key of bytes in base64", "json", common.Record{ID: "i", Key: "\xff"}, `{"id":"i","key_base64":"/w==","value":""}` + "\n"},
		{"cloudevents is an event in one line", "cloudevents", bare("1"), `{"specversion":"1.0","id":"i","source":"patchbay/stdout-sink",` +
			`"type":"dev.patchbay.record","datacontenttype":"application/json","data":1}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			run := start(t, &out, commontest.Config{}, []common.Record{tt.rec}, "--format", tt.format)
			if err := run.Wait(); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); got != tt.want {
				t.Errorf("printed %q, want %q", got, tt.want)
			}
			if n := len(run.Acknowledged()); n != 1 {
				t.Errorf("%d records acknowledged", n)
			}
		})
	}
}

func TestARecordThatCannotBeShownFailsAlone(t *testing.T) {
	recs := []common.Record{{Value: []byte("1")}, {Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, {Value: []byte("3")}}
	for _, format := range []string{"json", "cloudevents"} {
		var out bytes.Buffer
		run := start(t, &out, commontest.Config{OnError: "skip"}, recs, "--format", format)
		if err := run.Wait(); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(out.String(), "\n"); lines != 2 {
			t.Errorf("%s: %d lines", format, lines)
		}
		out.Reset()
		run = start(t, &out, commontest.Config{OnError: "fail"}, recs, "--format", format)
		if err := run.Wait(); err == nil {
			t.Errorf("%s: no error", format)
		}
	}
}

// A writer counts writes and refuses the first few.
type writer struct {
	bytes.Buffer
	fail   error
	fails  int
	writes int
}

func (w *writer) Write(p []byte) (int, error) {
	if w.writes++; w.writes <= w.fails {
		return 0, w.fail
	}
	return w.Buffer.Write(p)
}

func TestABatchIsOneWrite(t *testing.T) {
	var recs []common.Record
	for i := range 200 {
		recs = append(recs, common.Record{Value: bytes.Repeat([]byte("x"), i)})
	}
	out := &writer{}
	if err := start(t, out, commontest.Config{BatchSize: 100}, recs).Wait(); err != nil {
		t.Fatal(err)
	}
	if out.writes > 3 || strings.Count(out.String(), "\n") != 200 {
		t.Errorf("%d writes of %d lines", out.writes, strings.Count(out.String(), "\n"))
	}
}

func TestAWriteThatFailsIsTriedAgain(t *testing.T) {
	out := &writer{fail: syscall.ENOSPC, fails: 2}
	run := start(t, out, commontest.Config{}, []common.Record{{Value: []byte("a")}})
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "a\n" {
		t.Errorf("printed %q", got)
	}
}

func TestAReaderThatHasGoneEndsTheSink(t *testing.T) {
	out := &writer{fail: fmt.Errorf("write: %w", syscall.EPIPE), fails: 1}
	run := start(t, out, commontest.Config{}, []common.Record{{Value: []byte("a")}})
	if err := run.Wait(); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("ended with %v", err)
	}
	if out.writes != 1 || len(run.Acknowledged()) != 0 {
		t.Errorf("%d writes, %d records acknowledged", out.writes, len(run.Acknowledged()))
	}
}

// A gate is an output that can be closed.
type gate struct {
	mu    sync.Mutex
	lines atomic.Int64
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines.Add(int64(bytes.Count(p, []byte("\n"))))
	return len(p), nil
}

func TestContract(t *testing.T) {
	out := &gate{}
	output = out
	commontest.Contract[printer](t, commontest.Promise{
		Written: func() int { return int(out.lines.Load()) },
		Block:   func() func() { out.mu.Lock(); return out.mu.Unlock },
	})
}
