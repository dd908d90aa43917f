package kps

import (
	"encoding/json"
	"io"
	"strings"
	"sync"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// logs passes on what connectors log, a line at a time.
type logs struct {
	json bool

	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer, for our own logger: what it writes at a time is a line.
func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// of returns a function that takes the lines of one stream's connector.
func (l *logs) of(stream string) func(line string) {
	head := connector.OneLine(stream) + ": "
	return func(line string) {
		text := head + connector.OneLine(line)
		if l.json {
			text = jsonLine(stream, strings.TrimSpace(line))
		}
		_, _ = l.Write([]byte(text + "\n")) // there is nobody to tell that nobody reads
	}
}

// jsonLine adds the stream to a line: to a JSON object as its first member, to a text as beside the message.
func jsonLine(stream, line string) string {
	name, _ := json.Marshal(stream) // of a string, which cannot fail
	rest, isObject := strings.CutPrefix(line, "{")
	if !isObject || len(line) > connector.MaxLine || !json.Valid([]byte(line)) {
		message, _ := json.Marshal(connector.OneLine(line))
		rest = `"level":"INFO","msg":` + string(message) + "}"
	}
	if rest = strings.TrimSpace(rest); rest != "}" {
		rest = "," + rest
	}
	return `{"stream":` + string(name) + rest
}
