package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnitsAreReadable(t *testing.T) {
	tests := []struct {
		unit  Unit
		value float64
		want  string
	}{
		{Seconds, 1.2345, "1.23 s"},
		{Seconds, 0.0054321, "5.43 ms"},
		{Seconds, 0.0000123, "12.3 µs"},
		{Seconds, 0.0000001234, "0.123 µs"},
		{Bytes, 12_345_678, "12.3 MB"},
		{Rate, 123_456, "123.5k/s"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			if got := tt.unit.format(tt.value); got != tt.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestRowsTellValueGoalAndWhetherItIsMet(t *testing.T) {
	f := Figure{Part: "start", Name: "x", Value: 0.005, Unit: Seconds, Note: "n"}
	tests := []struct {
		name   string
		figure Figure
		want   string
	}{
		{"a figure to compare with", f, "start, x, 5 ms, -, -, n"},
		{"a goal that is met exactly", f.judge(Goal{Most: 0.005}), "start, x, 5 ms, ≤ 5 ms, yes, n"},
		{"a goal that is missed", f.judge(Goal{Most: 0.004, Why: "bare"}), "start, x, 5 ms, ≤ 4 ms (bare), no, n"},
		{"a least value that is met", f.judge(Goal{Least: 0.005}), "start, x, 5 ms, ≥ 5 ms, yes, n"},
		{"a least value that is missed", f.judge(Goal{Least: 0.006}), "start, x, 5 ms, ≥ 6 ms, no, n"},
		{
			"what could not be measured",
			Figure{Part: "jq", Name: "jq", Error: "there is no jq"},
			"jq, jq, -, -, ?, not measured: there is no jq",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(tt.figure.cells(), ", "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTheDocumentKeepsWhatIsOutsideTheMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	before, after := "# Performance\n\n"+begin+"\n", end+"\n\nThe end.\n"
	if err := os.WriteFile(path, []byte(before+"old\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Report{
		Machine: Machine{Cores: 2, Go: "go1", OS: "linux/amd64", Date: "2026-01-02"},
		Figures: []Figure{{Part: "size", Name: "a|b", Value: 1e6, Unit: Bytes}},
	}
	for range 2 { // writing again changes nothing
		if err := r.writeDocument(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := before + "2 cores, go1, linux/amd64, load 0.0 at the start, 2026-01-02\n\n" +
		"| part | figure | value | goal | met | note |\n|---|---|---|---|---|---|\n| size | a\\|b | 1.0 MB | - | - |  |\n" + after
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestADocumentWithoutMarksIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(path, []byte("# Performance\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Report{}).writeDocument(path); err == nil {
		t.Error("no error")
	}
}

// TestTheRealDocumentHasTheMarks keeps bench/run --markdown from failing after minutes of measuring.
func TestTheRealDocumentHasTheMarks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", document))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), begin+"\n") || !strings.Contains(string(text), end+"\n") {
		t.Errorf("%s lacks %s or %s", document, begin, end)
	}
}
