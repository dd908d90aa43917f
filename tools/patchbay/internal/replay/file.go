package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A File reads the dead letters that a direct pipeline has kept, as far as they go when it is opened. The file is not changed,
// and nothing remembers which letters were acknowledged.
type File struct {
	path    string
	file    *os.File
	lines   *bufio.Reader
	number  int   // of the line read last
	damaged []int // lines that hold no dead letter
}

// OpenFile opens a file of dead letters.
func OpenFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &File{path: path, file: f, lines: bufio.NewReader(io.LimitReader(f, info.Size()))}, nil
}

// Read implements transport.Reader. It leaves out lines that hold no dead letter, and never waits.
func (f *File) Read(ctx context.Context, limit int, _ time.Duration) ([]transport.Message, error) {
	var out []transport.Message
	for len(out) < limit && ctx.Err() == nil {
		line, err := f.lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", f.path, err)
		}
		if len(line) == 0 { // and err is io.EOF
			break
		}
		f.number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if m, ok := f.message(line); ok {
			out = append(out, m)
		} else {
			f.damaged = append(f.damaged, f.number)
		}
	}
	if len(out) == 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, io.EOF
	}
	return out, nil
}

func (f *File) message(line []byte) (transport.Message, bool) {
	var head struct {
		Time time.Time `json:"time"`
	}
	frame, err := link.ParseFrame(line)
	if err != nil || frame.Kind != link.Dead || json.Unmarshal(line, &head) != nil {
		return transport.Message{}, false
	}
	rec := frame.Record
	// A program in another language need not say these, and two letters must not be taken for one.
	if rec.ID == "" {
		rec.ID = fmt.Sprintf("%s:%d", filepath.Base(f.path), f.number)
	}
	if rec.Headers[delivery.HeaderTime] == "" {
		if rec.Headers == nil {
			rec.Headers = map[string]string{}
		}
		rec.Headers[delivery.HeaderTime] = head.Time.Format(time.RFC3339Nano)
	}
	return transport.Message{Record: rec, Ack: func() error { return nil }}, true
}

// Damaged returns an error that names the lines read so far which hold no dead letter, if there are any.
func (f *File) Damaged() error {
	if len(f.damaged) == 0 {
		return nil
	}
	return fmt.Errorf("%s:%d: this line is no dead letter (%d such lines); a crash leaves half a line, whose record was not "+
		"acknowledged and came again", f.path, f.damaged[0], len(f.damaged))
}

// Flush implements transport.Reader. There is nothing to confirm.
func (f *File) Flush(context.Context) error { return nil }

// Close implements transport.Reader.
func (f *File) Close() error { return f.file.Close() }

var _ transport.Reader = (*File)(nil)
