package link

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/record"
)

// An EncodeError says why a record cannot be sent: trying again does not help.
type EncodeError struct{ reason string }

// Error returns the reason.
func (e *EncodeError) Error() string { return e.reason }

// AppendFrame appends a frame as one line of JSON without its newline. A record that does not fit a frame is an
// *EncodeError; dst is then of no use beyond its old length.
func AppendFrame(dst []byte, f *Frame) ([]byte, error) {
	start := len(dst)
	var err error
	switch f.Kind {
	case Rec, Dead:
		dst, err = appendRecordFrame(dst, f)
	case Ack:
		dst = append(dst, `{"ack":"`...)
		dst = f.Lines.Append(dst)
		dst = append(dst, `"}`...)
	default:
		dst, err = appendRare(dst, f)
	}
	if err != nil {
		return dst, err
	}
	if n := len(dst) - start; n > MaxLine {
		return dst, &EncodeError{fmt.Sprintf("the frame takes a line of %d bytes, the limit is %d", n, MaxLine)}
	}
	return dst, nil
}

// appendRare appends the frames that are too rare for an encoder of their own.
func appendRare(dst []byte, f *Frame) ([]byte, error) {
	for partition, position := range f.State.Positions {
		if !utf8.ValidString(partition) || !utf8.ValidString(position) {
			return dst, &EncodeError{fmt.Sprintf("the position %q of partition %q is not valid UTF-8", position, partition)}
		}
	}
	var err error
	member := func(name Kind, value any, present bool) {
		if !present {
			return
		}
		text, e := json.Marshal(value)
		err = errors.Join(err, e)
		dst = append(appendName(dst, string(name)), text...)
	}
	dst = append(dst, '{')
	member(f.Kind, f.content(), true) // comes first, for readers that match text
	if f.Kind == Resume || f.Kind == Save {
		member("connector", f.State.Connector, f.State.Connector != "")
		member("identity", f.State.Identity, f.State.Identity != "")
		member("epoch", f.State.Epoch, f.State.Epoch != "")
		member("aggregates", inBase64(f.State.Aggregates), len(f.State.Aggregates) > 0)
	}
	member("error", f.Error, f.Error != "")
	member("delay_ms", f.Delay.Milliseconds(), f.Delay > 0)
	member("permanent", true, f.Permanent)
	return append(dst, '}'), err
}

// inBase64 returns aggregates as values that JSON writes in base64.
func inBase64(aggregates map[string]string) map[string][]byte {
	b := make(map[string][]byte, len(aggregates))
	for name, aggregate := range aggregates {
		b[name] = []byte(aggregate)
	}
	return b
}

// content returns the value of the member that makes the frame, for those that have no encoder of their own.
func (f *Frame) content() any {
	switch f.Kind {
	case Link:
		return f.Version
	case Nack:
		return f.Lines.String()
	case Credit:
		return f.Credit
	case Resume, Save:
		if f.State.Positions == nil {
			return struct{}{}
		}
		return f.State.Positions
	case Saved:
		return f.Line
	case Status:
		return f.Status
	}
	return true // Stop
}

func appendRecordFrame(dst []byte, f *Frame) ([]byte, error) {
	dst = append(dst, '{', '"')
	dst = append(dst, f.Kind...)
	dst = append(dst, '"', ':', '{')
	dst, err := appendRecord(dst, &f.Record)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '}')
	if f.Kind == Rec && f.Attempt > 1 {
		dst = append(dst, `,"attempt":`...)
		dst = strconv.AppendInt(dst, int64(f.Attempt), 10)
	}
	return append(dst, '}'), nil
}

// appendRecord appends the members of a record that hold something.
func appendRecord(dst []byte, rec *record.Record) ([]byte, error) {
	for _, field := range [...]struct{ name, value string }{
		{"id", rec.ID},
		{"partition", rec.Partition},
		{"position", rec.Position},
		{"op", opText(rec.Op)},
		{"type", rec.Type},
		{"subject", rec.Subject},
	} {
		if field.value == "" {
			continue
		}
		if !utf8.ValidString(field.value) {
			return dst, &EncodeError{fmt.Sprintf("the record's %s %q is not valid UTF-8", field.name, field.value)}
		}
		dst = AppendString(appendName(dst, field.name), field.value)
	}
	if !rec.Time.IsZero() {
		t := rec.Time.UTC()
		if y := t.Year(); y < 0 || y > 9999 {
			return dst, &EncodeError{fmt.Sprintf("the year of the record's time %v is outside 0 to 9999", rec.Time)}
		}
		dst = append(appendName(dst, "time"), '"')
		dst = append(t.AppendFormat(dst, time.RFC3339Nano), '"')
	}
	if len(rec.Headers) > 0 {
		var err error
		if dst, err = appendHeaders(appendName(dst, "headers"), rec.Headers); err != nil {
			return dst, err
		}
	}
	dst = appendBytes(dst, "key", rec.Key)
	dst = appendBytes(dst, "value", rec.Value)
	return dst, nil
}

// appendName appends a member's name, after a comma unless it is the first of its object.
func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

// appendBytes appends a member that may hold any bytes: as a string if they are UTF-8, else in base64.
func appendBytes[T string | []byte](dst []byte, name string, value T) []byte {
	if len(value) == 0 {
		return dst
	}
	if utf8.Valid(bytesOf(value)) {
		return AppendString(appendName(dst, name), value)
	}
	dst = append(appendName(dst, name+"_base64"), '"')
	return append(base64.StdEncoding.AppendEncode(dst, []byte(value)), '"')
}

func appendHeaders(dst []byte, headers map[string]string) ([]byte, error) {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, '{')
	for i, name := range names {
		value := headers[name]
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return dst, &EncodeError{fmt.Sprintf("the record's header %q is not valid UTF-8", name)}
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, name), ':')
		dst = AppendString(dst, value)
	}
	return append(dst, '}'), nil
}

// opText returns the name of an operation, empty for the one that goes without saying.
func opText(op record.Op) string {
	if op == record.Upsert {
		return ""
	}
	return string(op)
}
