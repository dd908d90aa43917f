package pipeline

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// logs passes on what children write to standard error, a line at a time, beside the driver's own.
type logs struct {
	connector.Lines
	json bool
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
	if added, ok := connector.AddFields(line, fields); ok {
		return added
	}
	message, _ := json.Marshal(struct {
		Time    string `json:"time"`
		Level   string `json:"level"`
		Message string `json:"msg"`
	}{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "INFO", connector.OneLine(line)})
	return string(message[:len(message)-1]) + "," + fields[1:]
}
