package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
)

func TestBoardOnAPipePrintsALineForEachConnector(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	b := New(&out, 0, 0)
	b.Begin([]string{"a-source", "b-sink"})
	b.Step("a-source", "make test")
	b.End(pipeline.Row{Name: "a-source", OK: true, Cached: true, Tests: evidence.Counts{Passed: 3}})
	b.End(pipeline.Row{Name: "b-sink", Tests: evidence.Counts{Failed: 1}})
	b.Close()
	want := "building and proving 2 connectors\nok   a-source: 3 passed, 0 failed, 0 skipped, cached\nFAIL b-sink: 0 passed, 1 failed, 0 skipped\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestBoardOnATerminalRedrawsWithinItsWidth(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	b := New(&out, 20, 24)
	b.names = []string{"a-source-with-a-long-name", "b-sink"}
	b.Step("b-sink", "make test")
	b.draw()
	for line := range strings.Lines(out.String()) {
		if len([]rune(line)) > 20 {
			t.Errorf("%q does not fit", line)
		}
	}
	b.draw()
	if !strings.Contains(out.String(), "\x1b[2A\x1b[J") {
		t.Error("the second drawing does not replace the first")
	}
	b.Close()
	b.Close()
}

// What scrolls away cannot be replaced, so that no drawing may be taller than the terminal.
func TestBoardOnAShortTerminalShowsWhatIsAtWork(t *testing.T) {
	const height = 5
	var out bytes.Buffer
	b := New(&out, 80, height)
	b.names = []string{"a-sink", "b-sink", "c-sink", "d-sink"}
	if got := len(b.lines()); got != 4 {
		t.Errorf("%d lines for 4 connectors on %d lines", got, height)
	}
	b.names = append(b.names, "e-sink", "f-sink", "g-sink")
	b.End(pipeline.Row{Name: "a-sink"})
	b.End(pipeline.Row{Name: "b-sink", OK: true})
	b.Step("d-sink", "make test")
	b.draw()
	if text := out.String(); !strings.Contains(text, "d-sink  make test") || !strings.HasSuffix(text, "  2 of 7 done, 1 failed\n") {
		t.Errorf("drawn:\n%s", text)
	}
	for _, name := range b.names[2:] {
		b.Step(name, "make test")
	}
	for range 2 {
		out.Reset()
		b.draw()
	}
	if lines := strings.Count(out.String(), "\n"); lines >= height || !strings.HasPrefix(out.String(), "\x1b[4A\x1b[J") {
		t.Errorf("%d lines drawn on %d: %q", lines, height, out.String())
	}
}

// A connector whose folder is so wrong that nothing was built has its row like the others.
func TestReportHasARowForEachConnector(t *testing.T) {
	var out bytes.Buffer
	Report(&out, []pipeline.Row{{Name: "b-source", OK: true, Tests: evidence.Counts{Passed: 1}}}, []finding.Finding{{Connector: "a-source", Rule: "makefile"}, {Rule: "catalog"}})
	lines := strings.Split(out.String(), "\n")
	if !strings.HasPrefix(lines[2], "a-source ") || !strings.Contains(lines[2], "not run") || !strings.HasSuffix(lines[2], "FAIL") ||
		!strings.HasPrefix(lines[3], "b-source ") || lines[4] != "" {
		t.Errorf("%s", out.String())
	}
}

func TestReportShowsNoControlCharacters(t *testing.T) {
	var out bytes.Buffer
	Report(&out, []pipeline.Row{{Name: "a-source", Version: "0.1.0", Elapsed: 1234 * time.Millisecond, Output: "\x1b[2Jgone", Tests: evidence.Counts{Passed: 1, Failed: 2, Skipped: 3}}},
		[]finding.Finding{{Connector: "a-source", Rule: "x", Where: "y", Message: "one\ntwo \u202e", Fix: "do\x07"}})
	text := out.String()
	for _, want := range []string{`\u001b[2Jgone`, "a-source [x] y\n  one\n  two \\u202e\n", `fix: do\u0007`, "1 passed, 2 failed, 3 skipped", "1.23s"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "\x1b\x07\u202e") {
		t.Errorf("controls reach the terminal: %q", text)
	}
}
