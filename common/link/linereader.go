package link

import (
	"bytes"
	"fmt"
	"io"
)

const readSize = 64 << 10

// A Line is one line of a stream without its newline.
type Line struct {
	Number int64 // counts from 1
	Data   []byte
	Torn   bool // the stream ended before the newline
}

// A LineReader cuts a stream into lines, as many at a time as one read brings. It is used by one goroutine at a time.
type LineReader struct {
	r     io.Reader
	max   int
	buf   []byte // read but not handed out: no newline before scanned
	lines int64
	err   error
}

// NewLineReader returns a LineReader on r that refuses lines of more than limit bytes.
func NewLineReader(r io.Reader, limit int) *LineReader {
	return &LineReader{r: r, max: limit}
}

// Next blocks until there is at least one line and returns all that are there, in memory that is the caller's to keep. It
// returns io.EOF after the last line; a line that is too long is an error that names the line, after the lines before it.
func (lr *LineReader) Next() ([]Line, error) {
	for lr.err == nil {
		if len(lr.buf) == cap(lr.buf) {
			lr.buf = append(make([]byte, 0, max(readSize, 2*cap(lr.buf))), lr.buf...)
		}
		old := len(lr.buf)
		n, err := lr.r.Read(lr.buf[old:cap(lr.buf)])
		lr.buf = lr.buf[:old+n]
		lr.err = err
		var lines []Line
		if end := bytes.LastIndexByte(lr.buf[old:], '\n'); end >= 0 {
			lines = lr.cut(old + end + 1)
		}
		if len(lr.buf) > lr.max {
			lr.tooLong()
		}
		if lr.err == io.EOF && len(lr.buf) > 0 {
			lr.lines++
			lines = append(lines, Line{Number: lr.lines, Data: lr.buf, Torn: true})
			lr.buf = nil
		}
		if len(lines) > 0 {
			return lines, nil
		}
	}
	return nil, lr.err
}

// cut returns the lines of the first end bytes, which end with a newline, and keeps the rest.
func (lr *LineReader) cut(end int) []Line {
	data := bytes.Clone(lr.buf[:end])
	rest := lr.buf[end:]
	if cap(lr.buf) > maxRetained {
		lr.buf = nil
	}
	lr.buf = append(lr.buf[:0], rest...)
	lines := make([]Line, 0, bytes.Count(data, []byte{'\n'}))
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if i > lr.max {
			lr.tooLong()
			return lines
		}
		lr.lines++
		lines = append(lines, Line{Number: lr.lines, Data: data[:i:i]})
		data = data[i+1:]
	}
	return lines
}

func (lr *LineReader) tooLong() {
	lr.err = fmt.Errorf("line %d is longer than %d bytes", lr.lines+1, lr.max)
	lr.buf = nil
}
