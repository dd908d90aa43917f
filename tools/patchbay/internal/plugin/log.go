package plugin

import (
	"io"
	"log/slog"
	"strings"
	"sync"
)

// A log writes what hosts read from a plugin's standard error. It is safe for concurrent use.
type log struct {
	*slog.Logger
	mu sync.Mutex
	w  io.Writer
}

// hostTime is how go-plugin wants times.
const hostTime = "2006-01-02T15:04:05.000000Z07:00"

// newLog returns a log of lines in the JSON of hclog, of which go-plugin takes over level, message and members.
func newLog(w io.Writer) *log {
	l := &log{w: w}
	l.Logger = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			return slog.String("@timestamp", a.Value.Time().Format(hostTime))
		case slog.LevelKey:
			return slog.String("@level", strings.ToLower(a.Value.String()))
		case slog.MessageKey:
			a.Key = "@message"
		}
		return a
	}}))
	return l
}

// Write writes one line.
func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}

// line passes a line of a connector on, as it is.
func (l *log) line(text string) { _, _ = l.Write([]byte(text + "\n")) }
