package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// notices hear from the system that something happened in the folders of files. Without them, or where the system gives
// none, files are looked at every poll interval.
type notices struct {
	t       *tailer
	watcher *fsnotify.Watcher // nil if the system gives none
	done    sync.WaitGroup

	mu      sync.Mutex
	watched map[string]bool
	paths   map[string]string // of files behind links
}

func newNotices(t *tailer) *notices {
	n := &notices{t: t, watched: map[string]bool{}, paths: map[string]string{}}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		t.log.Warn("no notices from the system, only polling", "interval", t.options.PollInterval, "error", err)
		return n
	}
	n.watcher = watcher
	n.done.Go(n.listen)
	n.add(staticFolder(t.options.Path))
	return n
}

// staticFolder is the deepest folder of a pattern that is named without signs.
func staticFolder(pattern string) string {
	dir := filepath.Dir(pattern)
	for isGlob(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}

func (n *notices) listen() {
	for {
		select {
		case event, ok := <-n.watcher.Events:
			if !ok {
				return
			}
			if event.Has(fsnotify.Create) || event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
				n.forget(event.Name)
				notify(n.t.rescan)
			}
			n.t.wake(n.path(event.Name))
		case _, ok := <-n.watcher.Errors: // such as an overflow: something was missed
			if !ok {
				return
			}
			notify(n.t.rescan)
		}
	}
}

// path returns the path under which a file is followed.
func (n *notices) path(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if path, ok := n.paths[name]; ok {
		return path
	}
	return filepath.Clean(name)
}

// forget takes note that a folder, if it is one, must be watched anew.
func (n *notices) forget(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.watched, name)
}

// watch asks for notices of a file.
func (n *notices) watch(path string) {
	if n.watcher == nil {
		return
	}
	n.add(filepath.Dir(path))
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		n.mu.Lock()
		n.paths[real] = path
		n.mu.Unlock()
		n.add(filepath.Dir(real))
	}
}

func (n *notices) add(dir string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watched[dir] {
		return
	}
	switch err := n.watcher.Add(dir); {
	case err == nil:
		n.watched[dir] = true
	case errors.Is(err, fs.ErrNotExist): // it may come yet
	default:
		n.watched[dir] = true // and will not be tried again
		n.t.log.Warn("no notices from the system for a folder, polling it", "folder", dir,
			"interval", n.t.options.PollInterval, "error", err)
	}
}

// close ends the notices and waits for their goroutine.
func (n *notices) close() {
	if n.watcher != nil {
		_ = n.watcher.Close() // nothing is lost
		n.done.Wait()
	}
}
