package observe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A screen is a terminal that shows what was written last at each place of a line.
type screen struct {
	mu   sync.Mutex
	done []string // lines that ended
	line []rune
	at   int
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range string(b) {
		switch {
		case r == '\r':
			s.at = 0
		case r == '\n':
			s.done = append(s.done, strings.TrimRight(string(s.line), " "))
			s.line, s.at = nil, 0
		case s.at < len(s.line):
			s.line[s.at] = r
			s.at++
		default:
			s.line = append(s.line, r)
			s.at++
		}
	}
	return len(b), nil
}

// last is the line that has not ended.
func (s *screen) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimRight(string(s.line), " ")
}

type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func wide() int { return 200 }

func TestProgressTellsHowItGoes(t *testing.T) {
	m := newTestMetrics("sink")
	c := &clock{time.Unix(1000, 0)}
	m.health = newHealth(c.now)
	s := &screen{}
	p := newProgress(s, m, wide, c.now)
	width := 200
	p.width = func() int { return width }
	tests := []struct {
		name   string
		change func()
		want   string
	}{
		{"at first", func() {}, "orders: 0 records, 0/s, 0 B/s, session down for 1s"},
		{
			"records flow", func() {
				for part := range parts {
					m.Up(part)
				}
				m.Delivered(1_234_567, 4<<20)
			}, "orders: 1,234,567 records, 1,234,567/s, 4.0 MiB/s",
		},
		{"the rate is that of the last second", func() { m.Delivered(1, 1500) }, "orders: 1,234,568 records, 1/s, 1.5 KiB/s"},
		{"a longer line than before, with all that is known", func() {
			m.OnInFlight(func() (int, int64) { return 4096, 1 })
			m.OnLag(func() (int64, bool) { return 10_000, true })
			m.Retried(3)
		}, "orders: 1,234,568 records, 0/s, 0 B/s, 4,096 in flight, 3 retried, lag 10,000"},
		{"something is down", func() {
			m.Down(System, errors.New("refused"))
			c.Time = c.Add(2 * time.Second)
			m.OnLag(nil)
			m.OnInFlight(nil)
		}, "orders: 1,234,568 records, 0/s, 0 B/s, 3 retried, system down for 3s"},
		{"a narrow terminal", func() { width = 20 }, "orders: 1,234,568 r"},
	}
	for _, tt := range tests {
		tt.change()
		c.Time = c.Add(time.Second)
		p.renew()
		if got := s.last(); got != tt.want {
			t.Errorf("%s: the line is %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestProgressMakesWayForTheLog(t *testing.T) {
	m := newTestMetrics("source")
	s := &screen{}
	p := newProgress(s, m, wide, time.Now)
	log := p.Wrap(s)
	write := func(line string) {
		if n, err := io.WriteString(log, line); n != len(line) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	write("before\n")
	p.renew()
	line := s.last()
	if !strings.HasPrefix(line, "orders: ") {
		t.Errorf("the line is %q", line)
	}
	write("short\n")
	if s.last() != line {
		t.Errorf("the line is %q after a log line", s.last())
	}
	p.end()
	write("after\n")
	p.renew() // a tick that came late
	if s.last() != "" {
		t.Errorf("%q is left at the end", s.last())
	}
	if got := strings.Join(s.done, "|"); got != "before|short|after" {
		t.Errorf("the log shows %q", got)
	}
}

func TestProgressRunsUntilTheEnd(t *testing.T) {
	s := &screen{}
	p := newProgress(s, newTestMetrics("source"), wide, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	ticks := make(chan time.Time)
	var running sync.WaitGroup
	running.Go(func() { p.run(ctx, ticks) })
	ticks <- time.Time{}
	ticks <- time.Time{} // taken when the first is done
	if s.last() == "" {
		t.Error("nothing is shown")
	}
	var logs sync.WaitGroup
	for range 4 {
		logs.Go(func() { _, _ = io.WriteString(p.Wrap(s), "message\n") })
	}
	logs.Wait()
	cancel()
	running.Wait()
	if s.last() != "" {
		t.Errorf("%q is left at the end", s.last())
	}
	for _, line := range s.done {
		if line != "message" {
			t.Errorf("the log shows %q", line)
		}
	}
	ended := make(chan struct{})
	go func() {
		p.Run(ctx) // with a clock of its own
		close(ended)
	}()
	<-ended
}

func TestProgressIsForPeopleAtATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, w := range map[string]io.Writer{"a file": file, "a buffer": &bytes.Buffer{}} {
		if ProgressWanted(w, "info", "text") {
			t.Errorf("a progress line is wanted in %s", name)
		}
	}
	var none *Progress
	none.Run(context.Background())
	if none.Wrap(file) != io.Writer(file) {
		t.Error("no progress line, and still something between the log and its file")
	}
}

func TestSizesAreForPeople(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 10240: "10 KiB", 1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", 5 << 40: "5120 GiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%v) = %q, want %q", n, got, want)
		}
	}
}
