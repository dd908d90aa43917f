// Package progress shows how far a run is: on a terminal one line for each connector, redrawn in place, or for those at
// work where there are more than lines; elsewhere a line for each connector when it is done. At the end a table.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
)

// A Board is a pipeline.Watcher that writes to a stream.
type Board struct {
	mu       sync.Mutex
	out      io.Writer
	width    int // columns of the terminal; 0 if out is none
	height   int // its lines
	names    []string
	state    map[string]string
	started  map[string]time.Time
	done     map[string]pipeline.Row
	drawn    int // lines on the terminal that the next drawing replaces
	interval *time.Ticker
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// New returns a Board. Width and height are the terminal's columns and lines, or 0 for a file or a pipe.
func New(out io.Writer, width, height int) *Board {
	return &Board{out: out, width: width, height: height, state: map[string]string{}, started: map[string]time.Time{}, done: map[string]pipeline.Row{}}
}

// Begin implements pipeline.Watcher. On a terminal it starts redrawing, which Close ends; elsewhere one line says that the wait
// has a reason.
func (b *Board) Begin(names []string) {
	b.mu.Lock()
	b.names = slices.Clone(names)
	b.mu.Unlock()
	if b.width == 0 {
		fmt.Fprintf(b.out, "building and proving %d connectors\n", len(names))
		return
	}
	b.interval, b.stop = time.NewTicker(100*time.Millisecond), make(chan struct{})
	b.stopped.Go(func() {
		for {
			select {
			case <-b.interval.C:
				b.mu.Lock()
				b.draw()
				b.mu.Unlock()
			case <-b.stop:
				return
			}
		}
	})
}

// Step implements pipeline.Watcher.
func (b *Board) Step(name, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state[name] = what
	if b.started[name].IsZero() {
		b.started[name] = time.Now()
	}
}

// End implements pipeline.Watcher.
func (b *Board) End(row pipeline.Row) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[row.Name] = row
	if b.width == 0 {
		fmt.Fprintf(b.out, "%-4s %s: %s\n", verdict(row), row.Name, summary(row))
	}
}

// Close ends the live display and removes it. It may be called when nothing was begun.
func (b *Board) Close() {
	if b.stop != nil {
		b.interval.Stop()
		close(b.stop)
		b.stopped.Wait()
		b.stop = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
}

// clear removes what was drawn last.
func (b *Board) clear() {
	if b.drawn > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA\x1b[J", b.drawn)
		b.drawn = 0
	}
}

// draw writes the lines over those of the last drawing.
func (b *Board) draw() {
	b.clear()
	lines := b.lines()
	for _, line := range lines {
		if runes := []rune(line); len(runes) >= b.width {
			line = string(runes[:max(b.width-1, 0)])
		}
		io.WriteString(b.out, line+"\n") //nolint:errcheck // nobody is there to be told
	}
	b.drawn = len(lines)
}

// lines are what stands on the terminal: a line for each connector if all fit above the cursor, for what has scrolled away
// cannot be replaced; else those at work, and how many are done.
func (b *Board) lines() []string {
	var all, working []string
	failed := 0
	for _, name := range b.names {
		line := "  .    " + name
		if row, ok := b.done[name]; ok {
			line = fmt.Sprintf("  %-4s %s  %s", verdict(row), name, summary(row))
			if !row.OK {
				failed++
			}
		} else if what := b.state[name]; what != "" {
			line = fmt.Sprintf("  ...  %s  %s %s", name, what, time.Since(b.started[name]).Round(100*time.Millisecond))
			working = append(working, line)
		}
		all = append(all, line)
	}
	if len(all) < b.height {
		return all
	}
	total := fmt.Sprintf("  %d of %d done, %d failed", len(b.done), len(b.names), failed)
	return append(working[:min(len(working), max(b.height-2, 0))], total)
}

func verdict(row pipeline.Row) string {
	if row.OK {
		return "ok"
	}
	return "FAIL"
}

// summary tells a row in words.
func summary(row pipeline.Row) string {
	if row.Tests.Total() == 0 && !row.OK {
		return "no test was run"
	}
	words := []string{fmt.Sprintf("%d passed, %d failed, %d skipped", row.Tests.Passed, row.Tests.Failed, row.Tests.Skipped)}
	switch {
	case row.Kept:
		words = append(words, "committed evidence kept")
	case row.Cached:
		words = append(words, "cached")
	}
	return strings.Join(words, ", ")
}

// Report writes the summary table, then every finding with what to do about it.
func Report(out io.Writer, rows []pipeline.Row, findings []finding.Finding) {
	if rows = withUnread(rows, findings); len(rows) > 0 {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "\nCONNECTOR\tVERSION\tTESTS\tTIME\tEVIDENCE\tRESULT")
		for _, row := range rows {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", row.Name, cmp.Or(row.Version, "-"), tests(row), row.Elapsed.Round(10*time.Millisecond), source(row), verdict(row))
		}
		table.Flush() //nolint:errcheck // as above
	}
	for _, row := range rows {
		if row.Output != "" {
			fmt.Fprintf(out, "\n--- %s: last lines of make test\n%s\n", row.Name, indented(row.Output))
		}
	}
	for _, f := range findings {
		fmt.Fprintf(out, "\n%s [%s] %s\n", finding.Line(cmp.Or(f.Connector, "catalog")), f.Rule, finding.Line(f.Where))
		fmt.Fprintln(out, indented(f.Message))
		if f.Fix != "" {
			fmt.Fprintf(out, "  fix: %s\n", finding.Line(f.Fix))
		}
	}
}

// withUnread adds a row for each connector that only findings tell of: its folder is so wrong that it was not even built.
func withUnread(rows []pipeline.Row, findings []finding.Finding) []pipeline.Row {
	rows = slices.Clone(rows)
	for _, f := range findings {
		if f.Connector != "" && !slices.ContainsFunc(rows, func(r pipeline.Row) bool { return r.Name == f.Connector }) {
			rows = append(rows, pipeline.Row{Name: f.Connector})
		}
	}
	slices.SortStableFunc(rows, func(a, b pipeline.Row) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// indented is text of a stranger's, set apart from what is said here.
func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(finding.Printable(text)), "\n", "\n  ")
}

func tests(row pipeline.Row) string {
	c := row.Tests
	if c.Total() == 0 && !row.OK {
		return "not run"
	}
	text := fmt.Sprintf("%d passed", c.Passed)
	if c.Failed > 0 {
		text += fmt.Sprintf(", %d failed", c.Failed)
	}
	if c.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", c.Skipped)
	}
	return text
}

func source(row pipeline.Row) string {
	switch {
	case row.Kept:
		return "committed"
	case row.Cached:
		return "cached"
	case row.Tests.Total() == 0:
		return "-"
	}
	return "new"
}

var _ pipeline.Watcher = (*Board)(nil)
