package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/patchbay-dev/patchbay/common"
)

const (
	chunkSize  = 128 << 10 // bytes that are read from a file at once
	mostAtOnce = 1000      // records that are sent at once
)

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// A lineReader sends the lines of one open file. It is used by one goroutine.
type lineReader struct {
	options *File
	out     common.Output
	log     *slog.Logger
	path    string // the partition and the subject of the records
	file    *os.File
	id      fileID
	limit   int64 // lines that begin there or later are not read; -1 means that there is no limit

	position         // of the start of the line that is being read
	next      int64  // how far the file has been read
	partial   []byte // what has been read of the line, without what is beyond the longest line
	overlong  bool   // the line is longer than that
	head      []byte // the beginning of the file, as much as fingerprints cover
	announced bool

	headers, cutHeaders map[string]string // shared by all records
	records             []common.Record
}

// newLineReader reads file from the position on, or, without one, all of it as a new generation.
func newLineReader(o *File, out common.Output, log *slog.Logger, path string, file *os.File, info os.FileInfo, from *position) (*lineReader, error) {
	r := &lineReader{
		options: o, out: out, log: log, path: path, file: file, id: identify(info), limit: -1,
		headers: map[string]string{"file": path}, cutHeaders: map[string]string{"file": path, "truncated": "true"},
	}
	if from == nil {
		r.restart()
		return r, nil
	}
	r.generation, r.inode = from.generation, from.inode
	return r, r.seek(from.offset)
}

// restart begins a new generation at the start of the file.
func (r *lineReader) restart() {
	r.position = position{generation: newGeneration(), inode: r.id.inode}
	r.next, r.partial, r.overlong, r.head, r.announced = 0, nil, false, nil, false
}

// seek goes to the start of a line, before anything is read.
func (r *lineReader) seek(offset int64) (err error) {
	r.offset, r.next = offset, offset
	r.head, err = readHead(r.file, offset)
	if err == nil && int64(len(r.head)) < min(offset, headSize) {
		err = fmt.Errorf("%s became shorter while it was opened", r.path)
	}
	return err
}

// announce saves where the file begins, so that it is found again even if it is moved before its first line is sent.
func (r *lineReader) announce(ctx context.Context) error {
	if r.announced {
		return nil
	}
	r.announced = true
	if at := r.at(r.offset); r.out.Position(r.path) != at {
		return r.out.Advance(ctx, r.path, at)
	}
	return nil
}

// read reads a chunk, sends the lines that end in it, and returns its size: 0 at the end of the file. It fails with
// errRewritten, and sends nothing, if the chunk is not of the file that was read so far.
func (r *lineReader) read(ctx context.Context) (int, error) {
	chunk := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(chunk)
	data := chunk[:]
	if r.limit > r.next {
		data = data[:min(chunkSize, r.limit-r.next)]
	}
	n, err := r.file.ReadAt(data, r.next)
	if n == 0 {
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		return 0, &readError{err}
	}
	// Delivery may have held the reader back for hours, in which the file was truncated and has grown beyond where it was.
	// What was read is looked at only now, so that nothing can come between.
	if err := r.unchanged(); err != nil {
		return 0, err
	}
	data = data[:n]
	if end := bytes.IndexByte(data, r.delimiter()); r.limit >= 0 && r.limit <= r.next && end >= 0 {
		data = data[:end+1] // the end of the line that begins before the limit
	}
	if len(r.head) < headSize && r.next == int64(len(r.head)) {
		r.head = append(r.head, data[:min(len(data), headSize-len(r.head))]...)
	}
	r.next += int64(len(data))
	return len(data), r.split(ctx, data)
}

func (r *lineReader) delimiter() byte {
	if r.options.Delimiter == "nul" {
		return 0
	}
	return '\n'
}

// split sends the lines that end in data and keeps the rest. The lines of a chunk share one copy of its bytes.
func (r *lineReader) split(ctx context.Context, data []byte) error {
	last := bytes.LastIndexByte(data, r.delimiter())
	if last < 0 {
		return r.keep(data)
	}
	before := len(r.partial)
	own := make([]byte, 0, before+last+1)
	own = append(append(own, r.partial...), data[:last+1]...)
	r.partial = r.partial[:0]
	start := r.next - int64(len(data)) - int64(before) // where own would begin in the file
	for begin := 0; begin < len(own); {
		end := begin + bytes.IndexByte(own[begin:], r.delimiter())
		if err := r.add(ctx, own[begin:end:end], start+int64(end)+1); err != nil {
			return err
		}
		begin = end + 1
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.keep(data[last+1:])
}

// keep holds on to the beginning of a line.
func (r *lineReader) keep(data []byte) error {
	if r.overlong {
		return nil
	}
	r.partial = append(r.partial, data...)
	longest := int(r.options.MaxLine)
	if len(r.partial) <= longest+1 { // the one byte more may be a carriage return
		return nil
	}
	r.partial, r.overlong = r.partial[:longest], true
	if r.options.LongLines == "fail" {
		return r.tooLong()
	}
	return nil
}

func (r *lineReader) tooLong() error {
	return common.Permanent(fmt.Errorf("%s: the line at byte %d is longer than %s; raise --max-line, or choose --long-lines truncate or skip",
		r.path, r.offset, r.options.MaxLine))
}

// add makes a record of a line that ends, delimiter included, before the offset end.
func (r *lineReader) add(ctx context.Context, line []byte, end int64) error {
	if r.options.Delimiter == "newline" {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	headers := r.headers
	if r.overlong || len(line) > int(r.options.MaxLine) {
		r.overlong = false
		switch r.options.LongLines {
		case "fail":
			return errors.Join(r.flush(ctx), r.tooLong())
		case "skip":
			r.log.Warn("skipped a line that is too long", "file", r.path, "byte", r.offset, "limit", r.options.MaxLine)
			r.offset = end
			if err := r.flush(ctx); err != nil {
				return err
			}
			return r.out.Advance(ctx, r.path, r.at(end))
		}
		line, headers = line[:min(len(line), int(r.options.MaxLine))], r.cutHeaders
	}
	r.offset = end
	r.records = append(r.records, common.Record{Partition: r.path, Position: r.at(end), Subject: r.path, Headers: headers, Value: line})
	if len(r.records) < mostAtOnce {
		return nil
	}
	return r.flush(ctx)
}

// flush sends the records that have been made.
func (r *lineReader) flush(ctx context.Context) error {
	defer func() { clear(r.records); r.records = r.records[:0] }()
	if len(r.records) == 0 {
		return nil
	}
	return r.out.Send(ctx, r.records...)
}

// finish sends what stands after the last delimiter: the file is over.
func (r *lineReader) finish(ctx context.Context) error {
	if len(r.partial) == 0 {
		return nil
	}
	line := bytes.Clone(r.partial)
	r.partial = r.partial[:0]
	return errors.Join(r.add(ctx, line, r.next), r.flush(ctx))
}

// at writes the position at an offset. The fingerprint depends on the offset alone, so that a line has the same position
// whenever it is read.
func (r *lineReader) at(offset int64) string {
	if length := int(min(offset, headSize)); r.sum == "" || r.length != length {
		r.length, r.sum = length, fingerprint(r.head[:length])
	}
	p := r.position
	p.offset = offset
	return p.String()
}

// here is the position of the line that is being read.
func (r *lineReader) here() position {
	r.at(r.offset)
	return r.position
}

// unchanged fails with errRewritten if the file is no longer the one that was read so far.
func (r *lineReader) unchanged() error {
	info, err := r.file.Stat()
	if err != nil {
		return &readError{err}
	}
	if info.Size() < r.next {
		return errRewritten
	}
	head, err := readHead(r.file, int64(len(r.head)))
	if err != nil {
		return &readError{err}
	}
	if !bytes.Equal(head, r.head) {
		return errRewritten
	}
	return nil
}

// errRewritten says that a file was truncated, or written anew. It is to be begun again.
var errRewritten = errors.New("the file was truncated, or written anew")

// A readError concerns one file: it is told and tried again, while other files are read on.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }
