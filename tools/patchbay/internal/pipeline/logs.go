package pipeline

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// logs passes on what children write to standard error, a line at a time.
type logs struct {
	json bool

	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer, for the driver's own logger: what it writes at a time is a line.
func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// of returns a function that takes the lines of one child.
func (l *logs) of(pipeline, side string) func(line string) {
	head := pipeline + " " + side + ": "
	fields, _ := json.Marshal(struct { // of strings, which cannot fail
		Pipeline string `json:"pipeline"`
		Side     string `json:"side"`
	}{pipeline, side})
	return func(line string) {
		text := head + connector.OneLine(line)
		if l.json {
			text = jsonLine(line, string(fields))
		}
		_, _ = l.Write([]byte(text + "\n")) // there is nobody to tell that nobody reads
	}
}

// jsonLine adds fields, a JSON object, to a line: to a JSON object as its first members, to a text as beside the message.
func jsonLine(line, fields string) string {
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, "{"); ok && len(line) <= connector.MaxLine && json.Valid([]byte(line)) {
		if rest = strings.TrimSpace(rest); rest == "}" {
			return fields
		}
		return fields[:len(fields)-1] + "," + rest
	}
	message, _ := json.Marshal(struct {
		Time    string `json:"time"`
		Level   string `json:"level"`
		Message string `json:"msg"`
	}{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "INFO", connector.OneLine(line)})
	return string(message[:len(message)-1]) + "," + fields[1:]
}
