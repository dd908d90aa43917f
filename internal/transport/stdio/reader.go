package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// DefaultMaxLine is the longest line, in bytes, that the plain mode reads unless ReaderOptions say otherwise.
const DefaultMaxLine = 16 << 20

// readAhead is the memory that records may take before anybody asks for them; the lines of one read may exceed it.
const readAhead = 1 << 20

// ReaderOptions are the options of NewReader.
type ReaderOptions struct {
	Format  Format // JSON if empty
	MaxLine int    // the longest line in bytes; DefaultMaxLine if 0
	// MaxBytes bounds what one Read returns, in bytes of memory or so: it ends with the line that reaches it. 0 means no limit.
	MaxBytes int
}

type reader struct {
	in     *inbox
	format Format
}

// NewReader returns a transport.Reader of the lines of r, each a record. A line that is too long, or that is no CloudEvent
// where one is expected, is an error that names the line; Read returns it after the records before, and like every error of
// r but io.EOF as a transport.Broken.
//
// There is nothing to acknowledge to, so Ack does nothing and Flush returns at once. Read returns io.EOF when the input has
// ended; it does not wait for messages that are still open, because a caller may need the end of the input to settle them.
//
// A goroutine reads r, since a read from a terminal or pipe cannot be broken off when a context ends. Close does not close
// r; the goroutine ends when r ends, when r is closed, or, after Close, when the read that is under way returns.
func NewReader(r io.Reader, o ReaderOptions) transport.Reader {
	if o.MaxLine == 0 {
		o.MaxLine = DefaultMaxLine
	}
	rd := &reader{in: newInbox(readAhead, 0), format: o.Format}
	rd.in.maxRead = o.MaxBytes
	go rd.run(link.NewLineReader(r, o.MaxLine))
	return rd
}

// Read implements transport.Reader.
func (rd *reader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	return rd.in.read(ctx, limit, wait)
}

// Flush implements transport.Reader.
func (rd *reader) Flush(context.Context) error { return nil }

// Close implements transport.Reader.
func (rd *reader) Close() error {
	rd.in.close()
	return nil
}

func (rd *reader) run(lines *link.LineReader) {
	for {
		batch, err := lines.Next()
		if err == io.EOF {
			rd.in.finish(io.EOF)
			return
		}
		if err != nil {
			rd.in.finish(fmt.Errorf("read standard input: %w", err))
			return
		}
		msgs := make([]transport.Message, 0, len(batch))
		for _, line := range batch {
			rec, ok, err := rd.decode(line.Data)
			if err != nil {
				rd.in.put(msgs)
				rd.in.finish(fmt.Errorf("read standard input: line %d: %w", line.Number, err))
				return
			}
			if ok {
				msgs = append(msgs, transport.Message{Record: rec, Attempt: 1, Ack: ackNothing})
			}
		}
		if !rd.in.put(msgs) {
			return
		}
	}
}

func ackNothing() error { return nil }

// decode returns the record of a line, if it holds one.
func (rd *reader) decode(line []byte) (record.Record, bool, error) {
	if rd.format == Raw {
		return record.Record{Value: line}, true, nil
	}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) == 0 {
		return record.Record{}, false, nil
	}
	if rd.format == CloudEvents {
		rec, err := record.UnmarshalCloudEvent(line)
		return rec, true, err
	}
	return record.Record{Value: unquote(line)}, true, nil
}

// unquote returns the text of a line that appendJSON wrote for text, and any other line as it is.
func unquote(line []byte) []byte {
	if line[0] != '"' || !utf8.Valid(line) {
		return line
	}
	var text string
	if json.Unmarshal(line, &text) != nil || json.Valid([]byte(text)) {
		return line
	}
	return []byte(text)
}

var _ transport.Reader = (*reader)(nil)
