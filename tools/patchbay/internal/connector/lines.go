package connector

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
)

// Lines lets several goroutines write lines to W: what one writes at a time, others do not cut.
type Lines struct {
	W io.Writer

	mu sync.Mutex
}

// Write implements io.Writer.
func (l *Lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.W.Write(b)
}

// AddFields adds fields, a JSON object with members, to a line of a connector's log that is a JSON object, as the first
// members. It reports false where the line is none, or too long to be looked into.
func AddFields(line, fields string) (string, bool) {
	line = strings.TrimSpace(line)
	rest, isObject := strings.CutPrefix(line, "{")
	if !isObject || len(line) > MaxLine || !json.Valid([]byte(line)) {
		return "", false
	}
	if rest = strings.TrimSpace(rest); rest == "}" {
		return fields, true
	}
	return fields[:len(fields)-1] + "," + rest, true
}
