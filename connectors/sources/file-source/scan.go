package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// scan looks at all paths: it takes up what is new, and tells followers of files that took the place of theirs. It reports
// whether nothing is being read and nothing waits to be. The first error says what cannot be read now, the second ends the
// session.
func (t *tailer) scan(ctx context.Context) (idle bool, problems, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scans++; t.scans == 1 || !t.out.Once() { // a bounded pass reads what is there at its start
		if err := t.enter(); err != nil {
			return false, nil, err
		}
	}
	var all []error
	for _, e := range t.inOrder() {
		info, err := t.stat(e)
		if err == nil {
			err = t.attend(ctx, e, info)
		}
		var fault *readError
		switch {
		case errors.As(err, &fault):
			t.tell(e, fault)
			all = append(all, fault)
		case err != nil:
			return false, nil, err
		case e.follower != nil && e.follower.idle:
			e.problem = "" // it is read to its end
		}
	}
	if t.scans == 1 && t.options.From == "end" && t.out.Position("") == "" {
		if err := t.out.Advance(ctx, "", started); err != nil {
			return false, nil, err
		}
	}
	t.park()
	return t.active == 0, errors.Join(all...), t.forgetGone(ctx)
}

// enter finds the paths, begins an entry for each new one and forgets those that lead nowhere.
func (t *tailer) enter() error {
	paths, err := match(t.options.Path, t.options.Exclude)
	if err != nil {
		return common.Permanent(err)
	}
	if len(paths) == 0 {
		message := "no file yet, waiting for one"
		if t.out.Once() {
			message = "no file matches, so there is nothing to read"
		}
		t.once(slog.LevelInfo, message, "path", t.options.Path)
	}
	if !isGlob(t.options.Path) {
		paths = []string{t.options.Path}
	}
	t.matched = map[string]bool{}
	for _, path := range paths {
		t.matched[path] = true
		if err := t.add(path, true); err != nil {
			return err
		}
		// A file that was moved away while nobody looked is known by the name it had.
		if base, ok := rotationBase(path); ok && isGlob(t.options.Path) {
			if err := t.add(base, false); err != nil {
				return err
			}
		}
	}
	if t.scans == 1 {
		for _, path := range t.out.Partitions() {
			t.miss(path)
		}
	}
	for path, e := range t.entries {
		if t.matched[path] || e.follower != nil {
			continue
		}
		t.miss(path)
		if e.from != nil && e.rest == nil {
			continue
		}
		if e.rest != nil {
			delete(t.owners, e.rest.id)
			t.leave(path, e.rest.id, *e.from)
		}
		delete(t.entries, path)
	}
	return nil
}

// add begins the entry of a path; one that need not exist must have a saved position.
func (t *tailer) add(path string, exists bool) error {
	if t.entries[path] != nil {
		return nil
	}
	saved := t.out.Position(path)
	if saved == "" && !exists {
		return nil
	}
	e := &entry{path: path, toEnd: t.toEnd && t.scans == 1 && saved == ""}
	if saved != "" {
		from, err := parsePosition(saved)
		if err != nil {
			return common.Permanent(fmt.Errorf("%s: %w", path, err))
		}
		e.from = &from
	}
	t.entries[path] = e
	return nil
}

// inOrder lists the entries: those that have waited longest first, then those with the least read. If two paths claim the
// same file, the one that has read less of it lost nothing by that.
func (t *tailer) inOrder() []*entry {
	return slices.SortedFunc(maps.Values(t.entries), func(a, b *entry) int {
		since := func(e *entry) int {
			if e.waiting == 0 {
				return t.scans
			}
			return e.waiting
		}
		read := func(e *entry) int64 {
			if e.from == nil {
				return 1<<63 - 1
			}
			return e.from.offset
		}
		return cmp.Or(cmp.Compare(since(a), since(b)), cmp.Compare(read(a), read(b)), cmp.Compare(a.path, b.path))
	})
}

// stat looks at what stands at a path: nothing, or a file that can be followed.
func (t *tailer) stat(e *entry) (os.FileInfo, error) {
	info, err := os.Stat(e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, &readError{err}
	case info.Mode().IsRegular():
		if _, ok := t.sizes[identify(info)]; !ok && t.scans == 1 {
			t.sizes[identify(info)] = info.Size()
		}
		return info, nil
	case isGlob(t.options.Path):
		t.once(slog.LevelInfo, "leaving out what is no regular file", "path", e.path)
		return nil, nil
	}
	return nil, common.Permanent(fmt.Errorf("%s %w", e.path, errNotRegular))
}

// attend has the file at a path followed, if it is not yet.
func (t *tailer) attend(ctx context.Context, e *entry, info os.FileInfo) error {
	t.notices.watch(e.path)
	if info == nil {
		e.toEnd = false // what comes later is read from the start
	}
	if e.over || e.follower == nil && !t.due(e, info) {
		return nil
	}
	if e.follower == nil && t.active >= t.options.MaxFiles {
		if e.waiting == 0 {
			e.waiting = t.scans
		}
		return nil
	}
	e.waiting = 0
	var queue []*lineReader
	if e.follower == nil && e.from != nil {
		r, err := t.resume(e, info)
		if err != nil {
			return err
		}
		if r != nil {
			queue = append(queue, r)
		}
	}
	next, err := t.replacements(e, info, queue)
	t.hand(ctx, e, append(queue, next...))
	return err
}

// hand gives files to the follower of a path, and begins one if there is none.
func (t *tailer) hand(ctx context.Context, e *entry, files []*lineReader) {
	switch {
	case len(files) == 0:
	case e.follower != nil:
		e.follower.queue = append(e.follower.queue, files...)
		e.follower.replaced = time.Now()
		notify(e.follower.wake)
	default:
		e.from, e.rest = nil, nil
		e.follower = &follower{t: t, path: e.path, wake: make(chan struct{}, 1), queue: files, replaced: time.Now()}
		t.active++
		t.running.Go(func() { e.follower.run(ctx) })
	}
}

// due reports whether a path that nobody follows has something to read.
func (t *tailer) due(e *entry, info os.FileInfo) bool {
	if time.Since(e.failed) < t.options.PollInterval {
		return false
	}
	if e.rest != nil {
		return info != nil && (identify(info) != e.rest.id || info.Size() != e.rest.size || !info.ModTime().Equal(e.rest.modified))
	}
	return e.from != nil || info != nil && t.owners[identify(info)] == nil
}

// resume opens the file that a saved position is for, wherever it stands now. It returns nil if there is none to read.
func (t *tailer) resume(e *entry, info os.FileInfo) (*lineReader, error) {
	from := *e.from
	if e.rest != nil {
		delete(t.owners, e.rest.id)
	}
	if info != nil && identify(info).inode == from.inode {
		if r, err := t.take(e, e.path, &from); err != nil || r != nil {
			return r, err
		}
	}
	if from.inode != 0 {
		for _, s := range siblings(e.path) {
			if identify(s.info).inode != from.inode {
				continue
			}
			r, err := t.take(e, s.path, &from)
			if err != nil || r != nil {
				return r, err
			}
			if owner := t.owners[identify(s.info)]; owner != nil && owner != e {
				e.from, e.rest = nil, nil // it is read for another path; this one's turn comes after that
				return nil, nil
			}
		}
		if r := t.findCopy(e.path, from); r != nil {
			t.log.Info("the file was truncated or replaced, reading the rest from its copy", "file", e.path, "copy", r.file.Name())
			t.owners[r.id] = e
			return r, nil
		}
	}
	if info == nil {
		return nil, nil // it may yet come back
	}
	if identify(info).inode == from.inode {
		t.log.Warn("the file was truncated or written anew while nobody followed it, reading it from the start",
			"file", e.path, "read", from.offset)
	} else {
		t.log.Warn("the file that was followed is gone, and with it what was written to it since; reading the one in its place from the start",
			"file", e.path, "read", from.offset)
	}
	e.from, e.rest = nil, nil
	return nil, nil
}

// replacements opens what took the place of the last file of a path's queue: files that have been moved away again, oldest
// first, then the one at the path. It returns nothing while that one is the last, or is read for another path.
func (t *tailer) replacements(e *entry, info os.FileInfo, queue []*lineReader) ([]*lineReader, error) {
	if info == nil || t.owners[identify(info)] != nil || e.from != nil && len(queue) == 0 {
		return nil, nil
	}
	if e.follower != nil {
		queue = e.follower.queue
	}
	// What stood between is looked for after the present file is open: what is moved away now is that file.
	present, err := t.take(e, e.path, nil)
	if present == nil {
		return nil, err
	}
	var next []*lineReader
	if len(queue) > 0 {
		for _, path := range t.between(e.path, queue[len(queue)-1]) {
			r, err := t.take(e, path, nil)
			if err != nil {
				t.tell(e, err)
			} else if r != nil {
				next = append(next, r)
			}
		}
	}
	return append(next, present), nil
}
