package link

import (
	"bytes"
	"fmt"
	"io"
)

const readSize = 128 << 10

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
	buf   []byte // what is read into; lines share its memory
	start int    // of what is not handed out: it holds no newline
	batch []Line
	lines int64
	err   error
}

// NewLineReader returns a LineReader on r that refuses lines of more than limit bytes.
func NewLineReader(r io.Reader, limit int) *LineReader {
	return &LineReader{r: r, max: limit}
}

// Next blocks until there is at least one line and returns all that are there. Their Data is the caller's to keep, the
// slice is good until the next call. It returns io.EOF after the last line; a line that is too long is an error that names
// the line, after the lines before it.
func (lr *LineReader) Next() ([]Line, error) {
	clear(lr.batch)
	lr.batch = lr.batch[:0]
	for lr.err == nil {
		lr.makeRoom()
		old := len(lr.buf)
		n, err := lr.r.Read(lr.buf[old:cap(lr.buf)])
		lr.buf = lr.buf[:old+n]
		lr.err = err
		if end := bytes.LastIndexByte(lr.buf[old:], '\n'); end >= 0 {
			lr.cut(old + end + 1)
		}
		if len(lr.buf)-lr.start > lr.max {
			lr.tooLong()
		}
		if lr.err == io.EOF && lr.start < len(lr.buf) {
			lr.lines++
			lr.batch = append(lr.batch, Line{Number: lr.lines, Data: lr.buf[lr.start:], Torn: true})
			lr.start = len(lr.buf)
		}
		if len(lr.batch) > 0 {
			return lr.batch, nil
		}
	}
	return nil, lr.err
}

// makeRoom sees to it that a read is worth its while. What was handed out stays where it is.
func (lr *LineReader) makeRoom() {
	if cap(lr.buf)-len(lr.buf) >= readSize/4 {
		return
	}
	rest := lr.buf[lr.start:]
	lr.buf = append(make([]byte, 0, max(readSize, 2*len(rest))), rest...)
	lr.start = 0
}

// cut hands out the lines up to end, which follows a newline.
func (lr *LineReader) cut(end int) {
	for lr.start < end {
		data := lr.buf[lr.start:end]
		i := bytes.IndexByte(data, '\n')
		if i > lr.max {
			lr.tooLong()
			return
		}
		lr.lines++
		lr.batch = append(lr.batch, Line{Number: lr.lines, Data: data[:i:i]})
		lr.start += i + 1
	}
}

func (lr *LineReader) tooLong() {
	lr.err = fmt.Errorf("line %d is longer than %d bytes", lr.lines+1, lr.max)
	lr.buf, lr.start = nil, 0
}
