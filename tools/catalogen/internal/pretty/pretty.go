// Package pretty writes JSON as the catalog shows it to people and machines alike.
package pretty

import (
	"bytes"
	"encoding/json"
)

// JSON encodes a value with two spaces of indent, a newline at the end and <, > and & as they are. Raw parts keep the order
// of their keys; a value that is raw as a whole is only laid out anew.
func JSON(value any) ([]byte, error) {
	var b bytes.Buffer
	if raw, ok := value.(json.RawMessage); ok {
		if err := json.Indent(&b, bytes.TrimRight(raw, " \t\r\n"), "", "  "); err != nil {
			return nil, err
		}
		b.WriteByte('\n')
		return b.Bytes(), nil
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
