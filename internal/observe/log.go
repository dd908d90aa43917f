// Package observe makes what a connector does visible.
package observe

import (
	"io"
	"log/slog"
	"time"
)

// NewLogger returns a logger that writes to w, at the level (debug, info, warn, error) and in the format (text, json) of
// the shared flags. Times are UTC; durations are written as in flags.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case time.Time:
			a.Value = slog.StringValue(v.UTC().Format("2006-01-02T15:04:05.000Z"))
		case time.Duration:
			a.Value = slog.StringValue(v.Round(time.Millisecond).String())
		}
		return a
	}}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
