package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
)

// A row is what one record does to the table.
type row struct {
	record  int // index within the batch
	deletes bool
	columns []string // those of the key, if it deletes
	values  []any    // in the order of columns
	size    int      // bytes of the values, roughly
}

// fields are those of a JSON object, each as it was written.
type fields map[string]json.RawMessage

// row makes the row of a record. An error is the record's fault.
func (p *plan) row(rec *common.Record) (row, error) {
	payload, payloadErr := parseObject(rec.Value)
	if rec.Op == record.Delete {
		return p.deletion(rec, payload)
	}
	if p.columns == nil {
		if payloadErr != nil {
			return row{}, payloadErr
		}
		return p.allFields(payload)
	}
	r := row{}
	for _, c := range p.columns {
		if payloadErr != nil && !strings.HasPrefix(c.path, "$") {
			return row{}, payloadErr
		}
		r.add(c.name, c.value(rec, payload))
	}
	return r, p.keyIsWhole(&r)
}

// allFields makes a row of every field of a payload, sorted, so that payloads of one shape are rows of one shape.
func (p *plan) allFields(payload fields) (row, error) {
	r := row{}
	values := map[string]any{}
	for name, raw := range payload {
		c, ok := p.table.columns[strings.ToLower(name)]
		switch _, twice := values[c.name]; {
		case !ok && p.ignoreUnknown:
			continue
		case !ok:
			return row{}, fmt.Errorf("the payload has a field %q, and table %s no such column; --columns chooses fields, "+
				"--unknown-fields ignore leaves it out", name, p.table.name)
		case twice:
			return row{}, fmt.Errorf("the payload has two fields for column %s, which are the same but for their case", c.name)
		}
		values[c.name] = c.kind.value(raw)
		r.columns = append(r.columns, c.name)
	}
	slices.Sort(r.columns)
	names := r.columns
	r.columns = nil
	for _, name := range names {
		r.add(name, values[name])
	}
	return r, p.keyIsWhole(&r)
}

// deletion makes the row that a record deletes. What the payload does not say of a key of one column, the record's key does.
func (p *plan) deletion(rec *common.Record, payload fields) (row, error) {
	if len(p.key) == 0 {
		return row{}, errors.New("the record deletes, which needs --key")
	}
	r := row{deletes: true}
	for _, c := range p.key {
		value := c.value(rec, payload)
		if value == nil && len(p.key) == 1 && rec.Key != "" {
			value = text(rec.Key)
		}
		r.add(c.name, value)
	}
	return r, p.keyIsWhole(&r)
}

// keyIsWhole complains of a row that does not say which one it is: NULL is like no other value, so that it would be added
// again each time, or deletes nothing.
func (p *plan) keyIsWhole(r *row) error {
	if p.mode == "insert" && !r.deletes {
		return nil
	}
	for _, c := range p.key {
		if i := slices.Index(r.columns, c.name); i < 0 || r.values[i] == nil {
			return fmt.Errorf("the record has no value for %s, a column of --key, at %s", c.name, c.path)
		}
	}
	return nil
}

func (r *row) add(name string, value any) {
	r.columns, r.values = append(r.columns, name), append(r.values, value)
	switch v := value.(type) {
	case string:
		r.size += len(v)
	case []byte:
		r.size += len(v)
	}
	r.size += 9 // a number, or the length of the text
}

// metaFields are what a path may name that stands beside the payload. Empty ones are NULL.
var metaFields = map[string]func(rec *common.Record, k kind) any{
	"$id":      func(rec *common.Record, _ kind) any { return optional(rec.ID) },
	"$key":     func(rec *common.Record, _ kind) any { return optional(rec.Key) },
	"$type":    func(rec *common.Record, _ kind) any { return optional(rec.Type) },
	"$subject": func(rec *common.Record, _ kind) any { return optional(rec.Subject) },
	"$value":   func(rec *common.Record, _ kind) any { return text(string(rec.Value)) },
	"$time": func(rec *common.Record, k kind) any {
		switch {
		case rec.Time.IsZero():
			return nil
		case k == kindText:
			return rec.Time.UTC().Format(time.RFC3339Nano)
		}
		return sqlTime(rec.Time)
	},
}

func optional(s string) any {
	if s == "" {
		return nil
	}
	return text(s)
}

// text is a string as the server takes it: bytes that are no text it takes for binary columns only.
func text(s string) any {
	if utf8.ValidString(s) {
		return s
	}
	return []byte(s)
}

// sqlTime writes a time as SQL does, in UTC, which the session's time zone is. The server keeps no more than microseconds.
func sqlTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999") }

// value is what a target takes from a record; nil for nothing.
func (c *target) value(rec *common.Record, payload fields) any {
	if meta := metaFields[c.path]; meta != nil {
		return meta(rec, c.kind)
	}
	raw, ok := payload.at(c.path)
	if !ok {
		return nil
	}
	return c.kind.value(raw)
}

// at finds a field: by its name, else below the field that its first part names.
func (f fields) at(path string) (json.RawMessage, bool) {
	if raw, ok := f[path]; ok {
		return raw, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if raw, ok := f[path[:i]]; ok {
			if inner, err := parseObject(raw); err == nil {
				if raw, ok := inner.at(path[i+1:]); ok {
					return raw, true
				}
			}
		}
	}
	return nil, false
}

func parseObject(value []byte) (fields, error) {
	var f fields
	if err := json.Unmarshal(value, &f); err != nil || f == nil {
		return nil, errors.New("the payload is no JSON object")
	}
	return f, nil
}

// value turns JSON into what the driver sends. Numbers that are no 64-bit integers go as text, which keeps every digit.
func (k kind) value(raw json.RawMessage) any {
	switch {
	case raw[0] == 'n':
		return nil
	case k == kindJSON, raw[0] == '{', raw[0] == '[':
		return string(raw)
	case raw[0] == '"':
		var s string
		_ = json.Unmarshal(raw, &s) // it is part of JSON that was parsed
		if k == kindTime {
			if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
				return sqlTime(t)
			}
		}
		return s
	case k == kindText:
		return string(raw)
	case raw[0] == 't':
		return int64(1)
	case raw[0] == 'f':
		return int64(0)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		return n
	}
	return string(raw)
}
