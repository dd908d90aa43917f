package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// missAgain is after which time it is seen again whether a position that was still needed can be forgotten.
	missAgain = time.Minute
	// mostMisses is how many paths one scan sees about: each takes a look at all files beside it.
	mostMisses = 100
)

// miss takes note of a path that leads nowhere. Rotation may be about to put another file there, so it is given the time that
// a rotation may take. A path that is no glob always counts as found: it is one position, and the file may come back.
func (t *tailer) miss(path string) {
	if _, known := t.missing[path]; known || t.matched[path] {
		return
	}
	due := time.Now()
	if !t.out.Once() {
		due = due.Add(t.options.RotateWait)
	}
	t.missing[path] = due
}

// forgetGone forgets the positions of files that are gone for good, so that files with dates in their names do not fill the
// state. They are forgotten in order: what was sent of a file is delivered first.
func (t *tailer) forgetGone(ctx context.Context) error {
	seen := 0
	for _, path := range slices.Sorted(maps.Keys(t.missing)) {
		if time.Now().Before(t.missing[path]) {
			continue
		}
		if seen++; seen > mostMisses {
			break
		}
		from, err := parsePosition(t.out.Position(path))
		e := t.entries[path]
		switch {
		case err != nil, e != nil && (e.follower != nil || t.matched[path]): // it is no file's, or the file came back
			delete(t.missing, path)
		case !leadsNowhere(path) || t.isBeside(path, from):
			t.missing[path] = time.Now().Add(missAgain)
		default:
			t.log.Info("the file is gone, forgetting how far it was read", "file", path, "read", from.offset)
			delete(t.missing, path)
			delete(t.entries, path)
			if err := t.out.Forget(ctx, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// leadsNowhere reports whether nothing stands at a path, not even a link that leads nowhere. Where the folder is empty,
// nothing is known: another file system may be mounted there later.
func leadsNowhere(path string) bool {
	gone := func(path string) bool {
		_, err := os.Lstat(path)
		return errors.Is(err, fs.ErrNotExist)
	}
	if !gone(path) {
		return false
	}
	dir := filepath.Dir(path)
	for gone(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(1)
	return len(names) > 0
}

// isBeside reports whether the file that a position is for, or a copy that holds more of it, stands beside its path, where it
// will be found when another takes its place.
func (t *tailer) isBeside(path string, from position) bool {
	for _, s := range siblings(path) {
		if from.inode == 0 || identify(s.info).inode != from.inode {
			continue
		}
		file, info, err := open(s.path)
		if err != nil {
			return !errors.Is(err, fs.ErrNotExist)
		}
		matches := from.matches(file, info)
		_ = file.Close() // only read from
		if matches {
			return true
		}
	}
	rest := t.findCopy(path, from)
	if rest != nil {
		_ = rest.file.Close() // only read from
	}
	return rest != nil
}
