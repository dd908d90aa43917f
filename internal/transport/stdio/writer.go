package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// WriterOptions are the options of NewWriter.
type WriterOptions struct {
	Format Format // JSON if empty
	Source string // the source of CloudEvents, a URI reference such as "patchbay/http-source/orders"; required for them
}

type writer struct {
	lines  *link.LineWriter
	format Format
	source string
}

// NewWriter returns a transport.Writer that writes each record to w as a line. A record is settled with nil once its line
// is written; records that arrive during one write leave together in the next, so none waits and few writes are made. A
// record that the format cannot hold is settled with a transport.Rejected. After a write that failed nothing is written any
// more: every record is settled or refused with the same error, a transport.Broken, or one that wraps transport.ErrClosed and
// syscall.EPIPE if whoever read w is gone. In a pipe that is the ordinary way to say "enough". To see it on standard output,
// the program must not die of SIGPIPE, which needs a signal.Notify for that signal.
//
// Close neither closes w nor breaks off a write that is under way; the writer's goroutine ends when that write returns.
func NewWriter(w io.Writer, o WriterOptions) transport.Writer {
	return &writer{lines: link.NewLineWriter(pipe{w}, nil), format: o.Format, source: o.Source}
}

// Write implements transport.Writer.
func (w *writer) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	return w.lines.Append(ctx, func(dst []byte, _ int64) ([]byte, error) {
		switch w.format {
		case Raw:
			return appendRaw(dst, rec.Value)
		case CloudEvents:
			return appendEvent(dst, rec, w.source)
		default:
			return appendJSON(dst, rec.Value)
		}
	}, settled)
}

// Flush implements transport.Writer.
func (w *writer) Flush(ctx context.Context) error { return w.lines.Flush(ctx) }

// Close implements transport.Writer.
func (w *writer) Close() error { return w.lines.Close() }

func appendJSON(dst, value []byte) ([]byte, error) {
	if !utf8.Valid(value) {
		return dst, reject("the payload is not UTF-8 text, so it cannot be written as JSON: " +
			"choose --topic-format cloudevents or raw")
	}
	if !json.Valid(value) {
		return link.AppendString(dst, value), nil
	}
	if !bytes.ContainsAny(value, "\r\n") {
		return append(dst, value...), nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		return dst, &transport.Rejected{Err: err}
	}
	return append(dst, b.Bytes()...), nil
}

func appendRaw(dst, value []byte) ([]byte, error) {
	if bytes.IndexByte(value, '\n') >= 0 {
		return dst, reject("the payload holds a newline, so it cannot be written raw: " +
			"choose --topic-format json or cloudevents")
	}
	return append(dst, value...), nil
}

func appendEvent(dst []byte, rec record.Record, source string) ([]byte, error) {
	event, err := record.MarshalCloudEvent(rec, source)
	if err != nil {
		return dst, &transport.Rejected{Err: err}
	}
	return append(dst, event...), nil
}

func reject(reason string) error {
	return &transport.Rejected{Err: errors.New(reason)}
}

// A pipe is a writer that tells the departure of its reader from other errors, which are as final: half a line may be written.
type pipe struct{ io.Writer }

func (p pipe) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return n, fmt.Errorf("%w: %w", transport.ErrClosed, syscall.EPIPE)
	}
	return n, &transport.Broken{Err: err}
}

var _ transport.Writer = (*writer)(nil)
