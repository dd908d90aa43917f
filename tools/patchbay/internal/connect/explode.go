package connect

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/record"
)

// newExplode makes the stage that makes records of the parts of a payload.
func (c *chain) newExplode(e *explode) (stage, error) {
	var split func([]byte) ([][]byte, error)
	switch e.Format {
	case "lines":
		split = func(b []byte) ([][]byte, error) { return splitLines(b, e.Delimiter), nil }
	case "json_array":
		split = splitArray
	case "json_documents":
		split = splitDocuments
	case "csv":
		comma, size := ',', len(e.Delimiter)
		if size > 0 {
			comma, size = utf8.DecodeRuneInString(e.Delimiter)
		}
		if size != len(e.Delimiter) || strings.ContainsRune("\r\n\"\uFFFD", comma) {
			return nil, errors.New("explode.delimiter: csv takes one character, such as a semicolon")
		}
		split = func(b []byte) ([][]byte, error) { return splitCSV(b, comma) }
	case "":
		return nil, errors.New("explode.format: missing; say lines, json_array, json_documents or csv")
	default:
		return nil, fmt.Errorf("explode.format %.40q is not supported: say lines, json_array, json_documents or csv", e.Format)
	}
	if e.Delimiter != "" && e.Format != "lines" && e.Format != "csv" {
		return nil, fmt.Errorf("explode.delimiter: %s has none", e.Format)
	}
	return c.perRecord(func(_ context.Context, rec record.Record) ([]record.Record, error) {
		parts, err := split(rec.Value)
		if err != nil {
			return nil, fmt.Errorf("explode: the payload is no %s: %w", e.Format, err)
		}
		out := make([]record.Record, len(parts))
		for i, part := range parts {
			out[i] = rec
			out[i].Value = part
			if rec.ID != "" && len(parts) > 1 {
				out[i].ID = rec.ID + "." + strconv.Itoa(i)
			}
		}
		return out, nil
	}), nil
}

// splitLines cuts at a delimiter, a newline if there is none. A delimiter at the end ends the last part.
func splitLines(text []byte, delimiter string) [][]byte {
	plain := delimiter == ""
	if plain {
		delimiter = "\n"
	}
	text = bytes.TrimSuffix(text, []byte(delimiter))
	if len(text) == 0 {
		return nil
	}
	parts := bytes.Split(text, []byte(delimiter))
	for i := range parts {
		if plain {
			parts[i] = bytes.TrimSuffix(parts[i], []byte("\r"))
		}
	}
	return parts
}

func splitArray(text []byte) ([][]byte, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, errors.New("not a JSON array")
	}
	return raw(parts), nil
}

func splitDocuments(text []byte) ([][]byte, error) {
	var parts []json.RawMessage
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var part json.RawMessage
		err := d.Decode(&part)
		if errors.Is(err, io.EOF) {
			return raw(parts), nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d is not JSON", len(parts)+1)
		}
		parts = append(parts, part)
	}
}

func raw(parts []json.RawMessage) [][]byte {
	out := make([][]byte, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out
}

// splitCSV makes a JSON object of each row, with the names that the first row gives. All values are strings.
func splitCSV(text []byte, comma rune) ([][]byte, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = comma
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err // of the place, without the text
	}
	var out [][]byte
	for _, row := range rows[min(1, len(rows)):] {
		object := map[string]string{}
		for i, name := range rows[0] {
			object[name] = row[i]
		}
		line, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return out, nil
}
