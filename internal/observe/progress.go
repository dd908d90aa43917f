package observe

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Progress keeps one line at the bottom of a terminal that tells how an instance is doing. A nil *Progress is valid and
// shows nothing.
type Progress struct {
	out     io.Writer
	metrics *Metrics
	width   func() int
	now     func() time.Time

	mu      sync.Mutex
	ended   bool
	shown   string // what stands on the line
	records uint64 // delivered when the line was last made
	bytes   uint64
	at      time.Time
}

// ProgressWanted reports whether there is somebody to read a progress line: standard error is a terminal, and what is
// logged there is meant for people, neither more nor less than usual.
func ProgressWanted(stderr io.Writer, level, format string) bool {
	return level == "info" && format == "text" && IsTerminal(stderr)
}

// IsTerminal reports whether what is written to w is shown on a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// NewProgress returns a progress line on a terminal. It shows nothing before Run.
func NewProgress(terminal *os.File, m *Metrics) *Progress {
	width := func() int {
		w, _, err := term.GetSize(int(terminal.Fd()))
		if err != nil || w <= 0 {
			return 80
		}
		return w
	}
	return newProgress(terminal, m, width, time.Now)
}

func newProgress(out io.Writer, m *Metrics, width func() int, now func() time.Time) *Progress {
	return &Progress{out: out, metrics: m, width: width, now: now, at: now()}
}

// Run shows the line and renews it every second until ctx ends; then it takes the line away and returns. It blocks.
func (p *Progress) Run(ctx context.Context) {
	if p == nil {
		return
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	p.run(ctx, ticker.C)
}

func (p *Progress) run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ticks:
			p.renew()
		case <-ctx.Done():
			p.end()
			return
		}
	}
}

// Wrap returns a writer for whole lines, such as those of a log, that go to w on the same terminal: the progress line
// makes way for them. It returns w itself if p is nil. The writer is safe for concurrent use if w is.
func (p *Progress) Wrap(w io.Writer) io.Writer {
	if p == nil {
		return w
	}
	return &lines{p, w}
}

type lines struct {
	progress *Progress
	io.Writer
}

// Write writes above the progress line.
func (l *lines) Write(b []byte) (int, error) {
	p := l.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	line := p.shown
	p.show("")
	n, err := l.Writer.Write(b)
	p.show(line)
	return n, err
}

func (p *Progress) renew() {
	line := p.line()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.show(line)
	}
}

func (p *Progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.show("")
}

// show puts a line in the place of the one that is shown. Blanks do what an escape sequence would, on every terminal.
// The mutex is held.
func (p *Progress) show(line string) {
	if line == p.shown {
		return
	}
	wipe := utf8.RuneCountInString(p.shown) - utf8.RuneCountInString(line)
	text := "\r" + line
	if wipe > 0 {
		text += strings.Repeat(" ", wipe) + "\r" + line
	}
	p.shown = line
	_, _ = io.WriteString(p.out, text) // a terminal that has gone shows no progress
}

// line says how the instance is doing. It is called by one goroutine.
func (p *Progress) line() string {
	m, now := p.metrics, p.now()
	records, bytes := m.delivered.Load(), m.deliveredBytes.Load()
	seconds := max(now.Sub(p.at).Seconds(), 1e-3)
	parts := []string{
		fmt.Sprintf("%s: %s records", m.info.Name, grouped(records)),
		grouped(uint64(float64(records-p.records)/seconds+0.5)) + "/s",
		size(float64(bytes-p.bytes)/seconds) + "/s",
	}
	p.records, p.bytes, p.at = records, bytes, now
	if f := m.inFlight.Load(); f != nil {
		n, _ := (*f)()
		parts = append(parts, grouped(uint64(n))+" in flight")
	}
	if n := m.retried.Load(); n > 0 {
		parts = append(parts, grouped(n)+" retried")
	}
	if n, known := m.lagNow(); known {
		parts = append(parts, "lag "+grouped(uint64(n)))
	}
	if failures := m.health.failures(); len(failures) > 0 {
		f := failures[0]
		parts = append(parts, fmt.Sprintf("%s down for %s", f.part, f.lasts.Round(time.Second)))
	}
	line := []rune(strings.Join(parts, ", "))
	if most := max(p.width()-1, 0); len(line) > most { // a line that is full would begin the next one
		line = line[:most]
	}
	return string(line)
}

// grouped writes a number with commas.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes for people.
func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1024 {
			return strconv.FormatFloat(n, 'f', digits(n, unit), 64) + " " + unit
		}
		n /= 1024
	}
	return strconv.FormatFloat(n, 'f', digits(n, "GiB"), 64) + " GiB"
}

// digits is how many decimals a size is worth.
func digits(n float64, unit string) int {
	if unit == "B" || n >= 10 {
		return 0
	}
	return 1
}
