package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// started is the position of the empty partition: it says that --from end has been applied.
const started = "1:started"

// An entry is what is known of a path.
type entry struct {
	path     string
	from     *position // where its file is to be taken up; nil when nothing is known of it, or it is being followed
	follower *follower
	rest     *parkedFile // a file that is not followed because it had nothing new
	waiting  int         // since which scan the path waits to be followed; 0 when it does not
	problem  string      // the error that was told last
	failed   time.Time   // when reading failed
	toEnd    bool        // its file is read from the end
	over     bool        // a bounded pass is done with it
}

// A parkedFile is how a file was left.
type parkedFile struct {
	id       fileID
	size     int64
	modified time.Time
}

// A leftFile is how far a file was read for a path where another has taken its place.
type leftFile struct {
	position
	path string
}

// A tailer finds the files and has each followed. One session makes one.
type tailer struct {
	options *File
	out     common.Output
	log     *slog.Logger
	notices *notices
	running sync.WaitGroup
	rescan  chan struct{} // holds a token when names may have changed
	failed  chan error    // holds the error that ends the session

	mu      sync.Mutex
	scans   int
	active  int // followers
	entries map[string]*entry
	owners  map[fileID]*entry    // which path a file is read for
	left    map[fileID]leftFile  // files that another took the place of
	matched map[string]bool      // the paths that the last scan found
	sizes   map[fileID]int64     // of the files that the first scan found
	missing map[string]time.Time // paths that led nowhere, which have a saved position; when to see whether it can be forgotten
	toEnd   bool                 // they are read from their end
	told    map[string]bool      // what has been told once
}

func newTailer(o *File, out common.Output, log *slog.Logger) *tailer {
	return &tailer{
		options: o, out: out, log: log, rescan: make(chan struct{}, 1), failed: make(chan error, 1),
		entries: map[string]*entry{}, owners: map[fileID]*entry{}, left: map[fileID]leftFile{}, sizes: map[fileID]int64{},
		missing: map[string]time.Time{}, told: map[string]bool{},
	}
}

// run follows the files until ctx ends or, in a bounded pass, all are read.
func (t *tailer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer t.close()
	defer t.running.Wait()
	defer cancel()
	if err := t.begin(); err != nil {
		return err
	}
	t.notices = newNotices(t)
	defer t.notices.close()
	poll := time.NewTicker(t.options.PollInterval)
	defer poll.Stop()
	for {
		idle, problems, err := t.scan(ctx)
		if err != nil {
			return err
		}
		switch {
		case t.scans == 1 && idle && problems != nil:
			return problems
		case t.out.Once() && idle:
			return problems
		case t.scans == 1:
			t.out.Ready()
		}
		select {
		case <-t.rescan:
		case <-poll.C:
		case err := <-t.failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// begin settles where files that are there already are read from.
func (t *tailer) begin() error {
	if t.out.Once() && !isGlob(t.options.Path) && t.out.Position(t.options.Path) == "" { // else its rest may be beside it
		if _, err := os.Stat(t.options.Path); errors.Is(err, fs.ErrNotExist) {
			return common.Permanent(missing(t.options.Path))
		}
	}
	switch mark := t.out.Position(""); {
	case mark != "" && mark != started:
		return common.Permanent(fmt.Errorf("the saved position %q is not one that this version can read: "+
			"use the version that wrote it, or start over under another --name", mark))
	case mark == "" && t.options.From == "end":
		t.toEnd = true
	}
	return nil
}

// close closes the files of followers that did not get to them.
func (t *tailer) close() {
	for _, e := range t.entries {
		if e.follower != nil {
			for _, r := range e.follower.queue {
				_ = r.file.Close() // only read from
			}
		}
	}
}

// reading returns the file that a follower is to read.
func (t *tailer) reading(f *follower) *lineReader {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.queue[0]
}

// done takes note that a follower is done with a file and reports whether the follower is to end.
func (t *tailer) done(ctx context.Context, f *follower, r *lineReader, why ending, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[f.path]
	var fault *readError
	if err != nil && (!errors.As(err, &fault) || t.out.Once()) {
		select {
		case t.failed <- err:
		default: // the first error is the cause of the others
		}
		return true // close closes the files
	}
	if why == parked && len(f.queue) > 1 { // another file has just taken its place: it is read to its end first
		f.parking = false
		return false
	}
	here := r.here()
	info, statErr := r.file.Stat()
	_ = r.file.Close() // only read from
	f.queue = f.queue[1:]
	if why != parked {
		delete(t.owners, r.id)
	}
	switch {
	case fault != nil:
		t.tell(e, fault)
		e.from, e.failed = &here, time.Now()
	case why == moved || why == finished:
		t.leave(f.path, r.id, here)
	case why == gone:
		t.log.Info("the file was deleted and is read to its end, forgetting it", "file", f.path)
		if err := t.out.Forget(ctx, f.path); err != nil {
			return true
		}
	case why == parked:
		e.from, e.rest = &here, &parkedFile{id: r.id, size: r.next}
		if statErr == nil {
			e.rest.modified = info.ModTime()
		}
	}
	notify(t.rescan) // another path may have waited for the file, or for the place
	if len(f.queue) > 0 && fault == nil {
		return false
	}
	for _, r := range f.queue {
		delete(t.owners, r.id)
		_ = r.file.Close()
	}
	f.queue, e.follower, e.over = nil, nil, t.out.Once()
	t.active--
	return true
}

// leave takes note of where a file was left, for when it turns up again, and forgets those that are gone.
func (t *tailer) leave(path string, id fileID, at position) {
	exist := map[fileID]bool{id: true}
	for _, s := range siblings(path) {
		exist[identify(s.info)] = true
	}
	maps.DeleteFunc(t.left, func(id fileID, l leftFile) bool { return l.path == path && !exist[id] })
	t.left[id] = leftFile{at, path}
}

// tell logs what is wrong with a path, once as long as it stays the same.
func (t *tailer) tell(e *entry, err error) {
	if e.problem != err.Error() {
		e.problem = err.Error()
		t.log.Warn("cannot read the file, trying again", "file", e.path, "error", err)
	}
}

// once logs a message the first time.
func (t *tailer) once(level slog.Level, message string, args ...any) {
	key := fmt.Sprint(append([]any{message}, args...)...)
	if !t.told[key] {
		t.told[key] = true
		t.log.Log(context.Background(), level, message, args...)
	}
}

// wake has the follower of a file look at it now. The file may have been moved since it was opened.
func (t *tailer) wake(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[path]
	if e == nil {
		if info, err := os.Stat(path); err == nil {
			e = t.owners[identify(info)]
		}
	}
	if e != nil && e.follower != nil {
		notify(e.follower.wake)
	}
}

// park makes room for files that wait: followers with nothing new give up their place.
func (t *tailer) park() {
	waiting := 0
	for _, e := range t.entries {
		if e.waiting > 0 {
			waiting++
		}
	}
	for _, path := range slices.Sorted(maps.Keys(t.entries)) {
		f := t.entries[path].follower
		if waiting == 0 {
			return
		}
		if f != nil && f.idle && !f.parking && len(f.queue) == 1 {
			f.parking = true
			notify(f.wake)
			waiting--
		}
	}
}
