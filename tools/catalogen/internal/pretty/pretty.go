// Package pretty writes JSON as the catalog shows it to people and machines alike.
package pretty

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// JSON encodes a value with two spaces of indent, a newline at the end and <, > and & as they are. Raw parts keep the order
// of their keys. What is decoded already, or raw as a whole, is written without a detour over compact JSON.
func JSON(value any) ([]byte, error) {
	var b bytes.Buffer
	if err := write(&b, value, ""); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

const step = "  "

// write writes a value whose first line is indented already.
func write(b *bytes.Buffer, value any, indent string) error {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			break
		}
		inner := indent + step
		return list(b, "{}", inner, slices.Sorted(maps.Keys(value)), func(key string) error {
			if err := text(b, key); err != nil {
				return err
			}
			b.WriteString(": ")
			return write(b, value[key], inner)
		})
	case []any:
		if len(value) == 0 {
			break
		}
		inner := indent + step
		return list(b, "[]", inner, value, func(element any) error { return write(b, element, inner) })
	case string:
		return text(b, value)
	case bool:
		b.WriteString(strconv.FormatBool(value))
		return nil
	case json.RawMessage:
		if value == nil {
			break
		}
		return json.Indent(b, bytes.TrimRight(value, " \t\r\n"), indent, step)
	}
	compact, err := encode(value)
	if err != nil {
		return err
	}
	return json.Indent(b, compact, indent, step)
}

// list writes elements on lines of their own, which are indented, between brackets.
func list[T any](b *bytes.Buffer, brackets, indent string, elements []T, element func(T) error) error {
	b.WriteByte(brackets[0])
	for i, e := range elements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.WriteString(indent)
		if err := element(e); err != nil {
			return err
		}
	}
	b.WriteByte('\n')
	b.WriteString(indent[len(step):])
	b.WriteByte(brackets[1])
	return nil
}

// text writes a string.
func text(b *bytes.Buffer, s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		quoted, err := encode(s)
		b.Write(quoted)
		return err
	}
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return nil
}

// encode writes compact JSON.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
