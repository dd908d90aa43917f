package main

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
)

// take opens a file to be read for a path: from a position, which must fit; from where it was left under another path; or
// anew. It returns nil if the file is read for another path, does not fit, or is gone again.
func (t *tailer) take(e *entry, path string, from *position) (*lineReader, error) {
	file, info, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &readError{err}
	}
	id := identify(info)
	left, known := t.left[id]
	switch owner := t.owners[id]; {
	case owner != nil && owner != e, from != nil && !from.matches(file, info):
		return nil, file.Close()
	case from == nil && known && left.matches(file, info):
		from = &left.position
	}
	r, err := newLineReader(t.options, t.out, t.log, e.path, file, info, from)
	if err == nil && from == nil && e.toEnd {
		err = r.toEnd(info.Size())
	}
	if err != nil {
		_ = file.Close() // the first error says more
		return nil, &readError{err}
	}
	if t.out.Once() {
		r.limit = info.Size()
		if size, ok := t.sizes[id]; ok {
			r.limit = min(size, r.limit)
		}
	}
	e.toEnd = false
	delete(t.left, id)
	t.owners[id] = e
	return r, nil
}

// copyOf opens a copy of the file that a position is for, made by log rotation before it truncated the file, if the copy
// holds more than was read. It returns nil if there is none. The caller closes it.
func (t *tailer) copyOf(path string, at position) *lineReader {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.findCopy(path, at)
}

// findCopy is copyOf for callers that hold the mutex.
func (t *tailer) findCopy(path string, at position) *lineReader {
	if at.length < headSize {
		return nil // so little may well begin two files
	}
	beside := siblings(path)
	slices.Reverse(beside) // the newest first
	for _, s := range beside {
		if !s.rotated || s.info.Size() <= at.offset || t.owners[identify(s.info)] != nil {
			continue
		}
		file, info, err := open(s.path)
		if err != nil {
			continue
		}
		if at.matches(file, info) {
			r, err := newLineReader(t.options, t.out, t.log, path, file, info, &at)
			if err == nil {
				r.limit = info.Size()
				return r
			}
		}
		_ = file.Close() // only read from
	}
	return nil
}

// toEnd goes to the start of the line that a file ends with, before anything is read: behind the last delimiter, or to the
// end if that line is long.
func (r *lineReader) toEnd(size int64) error {
	last := make([]byte, min(size, chunkSize))
	base := size - int64(len(last))
	n, err := r.file.ReadAt(last, base)
	if n < len(last) {
		return err
	}
	at := bytes.LastIndexByte(last, r.delimiter())
	if at < 0 && base > 0 {
		at = len(last) - 1
	}
	return r.seek(base + int64(at) + 1)
}

// between lists files that stood at a path after the last one did, and that nobody reads, oldest first.
func (t *tailer) between(path string, last *lineReader) []string {
	beside := siblings(path)
	if i := slices.IndexFunc(beside, func(s sibling) bool { return identify(s.info) == last.id }); i >= 0 {
		beside = beside[i+1:]
	} else if info, err := last.file.Stat(); err == nil { // deleted, or moved to another folder
		beside = slices.DeleteFunc(beside, func(s sibling) bool { return s.info.ModTime().Before(info.ModTime()) })
	}
	var found []string
	for _, s := range beside {
		if s.rotated && t.owners[identify(s.info)] == nil && !t.matched[s.path] {
			found = append(found, s.path)
		}
	}
	return found
}
