package kps

import (
	"encoding/json"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// logs passes on what connectors log, a line at a time, beside our own.
type logs struct {
	connector.Lines
	json bool
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
	field := `{"stream":` + string(name) + "}"
	if added, ok := connector.AddFields(line, field); ok {
		return added
	}
	message, _ := json.Marshal(connector.OneLine(line))
	return field[:len(field)-1] + `,"level":"INFO","msg":` + string(message) + "}"
}
