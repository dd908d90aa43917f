package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// document holds the figures between these two lines.
const (
	document = "docs/performance.md"
	begin    = "<!-- figures:begin (written by bench/run --markdown; DO NOT EDIT) -->"
	end      = "<!-- figures:end -->"
)

// A Figure is one thing that was measured. Durations are in seconds and sizes in bytes.
type Figure struct {
	Part  string  `json:"part"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit"`
	Goal  *Goal   `json:"goal,omitempty"` // nil: the figure is there to compare with
	Met   *bool   `json:"met,omitempty"`  // set by Judge
	Note  string  `json:"note,omitempty"`
	Error string  `json:"error,omitempty"` // why there is no value
}

// A Goal is the largest value that will do or, where Least is not 0, the smallest.
type Goal struct {
	Most  float64 `json:"most,omitempty"`
	Least float64 `json:"least,omitempty"`
	Why   string  `json:"why,omitempty"` // where it comes from, if it is not a plain number
}

// A Unit says how a value is printed.
type Unit string

// The units of figures.
const (
	Seconds Unit = "s"
	Bytes   Unit = "B"
	Rate    Unit = "records/s"
)

// judge returns the figure with a goal and with whether its value meets it.
func (f Figure) judge(g Goal) Figure {
	met := f.Value <= g.Most
	if g.Least != 0 {
		met = f.Value >= g.Least
	}
	f.Goal, f.Met = &g, &met
	return f
}

// format prints a value to three digits: more would be noise.
func (u Unit) format(v float64) string {
	switch u {
	case Bytes:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " MB"
	case Rate:
		return strconv.FormatFloat(v/1e3, 'f', 1, 64) + "k/s"
	}
	for _, scale := range []struct {
		unit string
		size float64
	}{{"s", 1}, {"ms", 1e-3}, {"µs", 1e-6}} {
		if v >= scale.size || scale.unit == "µs" {
			return strconv.FormatFloat(v/scale.size, 'g', 3, 64) + " " + scale.unit
		}
	}
	return ""
}

// A Machine is where figures come from; without it they say little.
type Machine struct {
	Cores int     `json:"cores"`
	CPU   string  `json:"cpu,omitempty"`
	Go    string  `json:"go"`
	OS    string  `json:"os"`
	Load  float64 `json:"load"` // mean number of runnable processes in the minute before
	Date  string  `json:"date"`
}

// thisMachine describes the machine as far as it can be known.
func thisMachine() Machine {
	m := Machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Date: time.Now().UTC().Format(time.DateOnly),
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m
}

func (m Machine) String() string {
	text := fmt.Sprintf("%d cores", m.Cores)
	if m.CPU != "" {
		text += " (" + m.CPU + ")"
	}
	return fmt.Sprintf("%s, %s, %s, load %.1f at the start, %s", text, m.Go, m.OS, m.Load, m.Date)
}

// A Report is everything that one run measured.
type Report struct {
	Machine Machine  `json:"machine"`
	Figures []Figure `json:"figures"`
}

// unmeasured counts the figures without a value.
func (r Report) unmeasured() int {
	n := 0
	for _, f := range r.Figures {
		if f.Error != "" {
			n++
		}
	}
	return n
}

// header names the columns of cells.
var header = []string{"part", "figure", "value", "goal", "met", "note"}

// cells are a figure's row.
func (f Figure) cells() []string {
	if f.Error != "" {
		return []string{f.Part, f.Name, "-", "-", "?", "not measured: " + f.Error}
	}
	goal, met, note := "-", "-", f.Note
	if f.Goal != nil {
		goal, met = "≤ "+f.Unit.format(f.Goal.Most), "no"
		if f.Goal.Least != 0 {
			goal = "≥ " + f.Unit.format(f.Goal.Least)
		}
		if *f.Met {
			met = "yes"
		}
		if f.Goal.Why != "" {
			goal += " (" + f.Goal.Why + ")"
		}
	}
	return []string{f.Part, f.Name, f.Unit.format(f.Value), goal, met, note}
}

// writeTable writes the report for people at a terminal.
func (r Report) writeTable(out io.Writer) {
	fmt.Fprintf(out, "%s\n\n", r.Machine)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(header, "\t")))
	for _, f := range r.Figures {
		fmt.Fprintln(w, strings.Join(f.cells(), "\t"))
	}
	_ = w.Flush() // an error would come again with the next write to out
}

// markdown returns the report as it stands between the document's marks.
func (r Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.Machine)
	row := func(cells []string) {
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	row(append([]string(nil), header...))
	b.WriteString(strings.Repeat("|---", len(header)) + "|\n")
	for _, f := range r.Figures {
		row(f.cells())
	}
	return b.String()
}

// writeDocument puts the report between the marks of a Markdown file.
func (r Report) writeDocument(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s: the lines %s and %s are missing", path, begin, end)
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%s%s\n%s%s%s", before, begin, r.markdown(), end, after), 0o644)
}

// writeJSON writes the report for programs.
func (r Report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
