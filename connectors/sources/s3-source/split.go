package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/patchbay-dev/patchbay/common"
)

const bufferSize = 64 << 10

// A splitter takes records out of an object. next returns the bytes of one, which are the caller's, and where the next one
// begins in the object; io.EOF after the last. Errors of the reader are passed on.
type splitter interface {
	next() (value []byte, end int64, err error)
}

// newSplitter splits what r holds of an object from an offset on, which is 0 or where a record ended.
func newSplitter(split string, r io.Reader, longest common.Size, offset int64) splitter {
	switch split {
	case "lines":
		return &lines{r: bufio.NewReaderSize(r, bufferSize), longest: int(longest), offset: offset}
	case "json":
		return newValues(r, longest, offset)
	case "json-array":
		return newElements(r, longest, offset)
	}
	return &all{r: r, longest: int64(longest)}
}

func tooLarge(what string, at int64, longest common.Size) error {
	return fmt.Errorf("the %s at byte %d is larger than %s; --max-record allows more", what, at, longest)
}

// all takes everything as one record.
type all struct {
	r       io.Reader
	longest int64
	done    bool
}

func (a *all) next() ([]byte, int64, error) {
	if a.done {
		return nil, 0, io.EOF
	}
	a.done = true
	value, err := io.ReadAll(io.LimitReader(a.r, a.longest+1))
	if err == nil && int64(len(value)) > a.longest {
		err = fmt.Errorf("it is larger than %s; --max-record allows more", common.Size(a.longest))
	}
	return value, int64(len(value)), err
}

// lines takes each line, without its end. The last one needs no end.
type lines struct {
	r       *bufio.Reader
	longest int
	offset  int64
}

func (l *lines) next() ([]byte, int64, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > l.longest+2 {
			return nil, 0, tooLarge("line", l.offset, common.Size(l.longest))
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (err != io.EOF || len(line) == 0) {
			return nil, 0, err
		}
		break
	}
	start := l.offset
	l.offset += int64(len(line))
	if before, ended := bytes.CutSuffix(line, []byte("\n")); ended {
		line = bytes.TrimSuffix(before, []byte("\r"))
	}
	if len(line) > l.longest {
		return nil, 0, tooLarge("line", start, common.Size(l.longest))
	}
	return line, l.offset, nil
}

// values takes each of a sequence of JSON values, with or without white space between them.
type values struct {
	decoder *json.Decoder
	bound   *bound
	shift   int64 // from where the decoder is to where that is in the object
}

func newValues(r io.Reader, longest common.Size, offset int64) *values {
	b := &bound{r: r, longest: longest, left: int64(longest) + bufferSize}
	return &values{decoder: json.NewDecoder(b), bound: b, shift: offset}
}

func (v *values) next() ([]byte, int64, error) {
	var value json.RawMessage
	if err := v.decoder.Decode(&value); err != nil {
		return nil, 0, err
	}
	end := v.decoder.InputOffset()
	if len(value) > int(v.bound.longest) {
		return nil, 0, tooLarge("JSON value", end+v.shift-int64(len(value)), v.bound.longest)
	}
	v.bound.allow(end)
	return value, end + v.shift, nil
}

// elements takes each element of one JSON array.
type elements struct {
	values
	resumed, open, over bool
}

// resumedArray stands for the elements that were taken before, so that a decoder can go on in the middle of an array.
const resumedArray = "[null"

func newElements(r io.Reader, longest common.Size, offset int64) *elements {
	if offset == 0 {
		return &elements{values: *newValues(r, longest, 0)}
	}
	before := strings.NewReader(resumedArray)
	return &elements{values: *newValues(io.MultiReader(before, r), longest, offset-before.Size()), resumed: true}
}

func (e *elements) next() ([]byte, int64, error) {
	if !e.open {
		if err := e.begin(); err != nil {
			return nil, 0, err
		}
	}
	if e.over {
		return nil, 0, io.EOF
	}
	if e.decoder.More() {
		value, end, err := e.values.next()
		return value, end, unfinished(err)
	}
	if _, err := e.decoder.Token(); err != nil { // the closing bracket, or why there is none
		return nil, 0, unfinished(err)
	}
	if _, err := e.decoder.Token(); err != io.EOF {
		if err == nil {
			err = errors.New("something follows the JSON array")
		}
		return nil, 0, err
	}
	e.over = true
	return nil, 0, io.EOF
}

// begin reads up to the first element that is wanted. An object without anything in it is an empty array.
func (e *elements) begin() error {
	e.open = true
	token, err := e.decoder.Token()
	if err == io.EOF {
		e.over = true
		return nil
	}
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		return errors.New("it holds no JSON array; --split json takes a sequence of JSON values")
	}
	if e.resumed {
		var taken any
		return unfinished(e.decoder.Decode(&taken))
	}
	return nil
}

// unfinished is an error in the middle of an array, where the end is one too.
func unfinished(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A bound keeps a decoder from reading much more than one record may have.
type bound struct {
	r       io.Reader
	longest common.Size
	read    int64 // bytes
	left    int64 // bytes that may be read before the next record
}

// allow lets the decoder read one more record, which begins at an offset.
func (b *bound) allow(offset int64) { b.left = offset - b.read + int64(b.longest) + bufferSize }

// Read implements io.Reader.
func (b *bound) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a JSON value is larger than %s; --max-record allows more", b.longest)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.read += int64(n)
	b.left -= int64(n)
	return n, err
}
