package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/record"
)

// ParseFrame reads one line, given without its newline. Unknown members are ignored; a line that is a JSON object but no
// frame of this version gives a Frame without Kind. The record's Value may share memory with line.
func ParseFrame(line []byte) (Frame, error) {
	if !utf8.Valid(line) {
		return Frame{}, errors.New("the frame is not valid UTF-8")
	}
	if f, ok := parseRecordFrame(line); ok {
		return f, nil
	}
	var m object
	if err := json.Unmarshal(line, &m); err != nil || m == nil {
		return Frame{}, fmt.Errorf("%s is no JSON object", excerpt(line))
	}
	f := Frame{}
	for _, kind := range kinds {
		if raw, ok := m[string(kind)]; !ok || string(raw) == "null" {
			continue
		}
		if f.Kind != "" {
			return Frame{}, fmt.Errorf("the frame is both %s and %s", f.Kind, kind)
		}
		f.Kind = kind
	}
	if err := m.frame(&f); err != nil {
		return Frame{}, fmt.Errorf("the %s frame: %w", f.Kind, err)
	}
	return f, nil
}

// excerpt quotes the beginning of a line, for an error.
func excerpt(line []byte) string {
	const limit = 80
	if len(line) > limit {
		return fmt.Sprintf("%q…", line[:limit])
	}
	return fmt.Sprintf("%q", line)
}

// An object is a JSON object whose members are read one by one, because encoding/json would take "VALUE" for "value".
type object map[string]json.RawMessage

// get reads a member, if it is there, into the variable at p; null is as good as absent.
func (m object) get(name string, p any) error {
	raw, ok := m[name]
	if !ok || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, p); err != nil {
		return fmt.Errorf("%s cannot be %s", name, excerpt(raw))
	}
	return nil
}

func (m object) frame(f *Frame) error {
	switch f.Kind {
	case Link:
		if err := m.get("link", &f.Version); err != nil {
			return err
		}
		if f.Version < 1 {
			return fmt.Errorf("there is no version %d", f.Version)
		}
	case Rec, Dead:
		return m.recordFrame(f)
	case Ack, Nack:
		return m.settlement(f)
	case Credit:
		if err := m.get("credit", &f.Credit); err != nil {
			return err
		}
		if f.Credit < 1 {
			return fmt.Errorf("credit must be a positive number, not %d", f.Credit)
		}
	case Resume, Save:
		return errors.Join(m.get(string(f.Kind), &f.State.Positions), m.get("connector", &f.State.Connector),
			m.get("identity", &f.State.Identity), m.get("epoch", &f.State.Epoch), m.aggregates(&f.State))
	case Saved:
		return errors.Join(m.get("saved", &f.Line), m.get("error", &f.Error))
	case Status:
		return errors.Join(m.get("status", &f.Status), m.get("error", &f.Error))
	}
	return nil
}

func (m object) aggregates(s *State) error {
	var b map[string][]byte
	err := m.get("aggregates", &b)
	if err == nil && len(b) > 0 {
		s.Aggregates = make(map[string]string, len(b))
		for name, aggregate := range b {
			s.Aggregates[name] = string(aggregate)
		}
	}
	return err
}

func (m object) settlement(f *Frame) error {
	var lines string
	err := m.get(string(f.Kind), &lines)
	if err == nil {
		f.Lines, err = ParseRanges(lines)
	}
	if err != nil || f.Kind == Ack {
		return err
	}
	var delay int64
	err = errors.Join(m.get("error", &f.Error), m.get("delay_ms", &delay), m.get("permanent", &f.Permanent))
	const longest = int64(24 * time.Hour / time.Millisecond)
	if err == nil && (delay < 0 || delay > longest) {
		err = fmt.Errorf("delay_ms must be between 0 and %d, not %d", longest, delay)
	}
	f.Delay = time.Duration(delay) * time.Millisecond
	return err
}

func (m object) recordFrame(f *Frame) error {
	var r object
	if err := m.get(string(f.Kind), &r); err != nil {
		return err
	}
	f.Attempt = 1
	if f.Kind == Rec {
		if err := m.get("attempt", &f.Attempt); err != nil {
			return err
		}
		f.Attempt = max(f.Attempt, 1)
	}
	rec := &f.Record
	var op, stamp, key, value string
	var keyBytes, valueBytes []byte
	err := errors.Join(r.get("id", &rec.ID), r.get("partition", &rec.Partition), r.get("position", &rec.Position),
		r.get("op", &op), r.get("time", &stamp), r.get("type", &rec.Type), r.get("subject", &rec.Subject),
		r.get("headers", &rec.Headers), r.get("key", &key), r.get("key_base64", &keyBytes),
		r.get("value", &value), r.get("value_base64", &valueBytes))
	if err != nil {
		return err
	}
	if key != "" && len(keyBytes) > 0 || value != "" && len(valueBytes) > 0 {
		return errors.New("a record has key or key_base64, value or value_base64, never both")
	}
	rec.Key, rec.Value = key+string(keyBytes), orNil(append([]byte(value), valueBytes...))
	if rec.Op, err = parseOp(op); err != nil {
		return err
	}
	rec.Time, err = parseTime(stamp)
	return err
}

func parseOp(s string) (record.Op, error) {
	switch op := record.Op(s); op {
	case "", record.Upsert, record.Delete:
		return op, nil
	}
	return "", fmt.Errorf("op must be upsert or delete, not %q", s)
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q is no RFC 3339 time", s)
	}
	return t, nil
}
