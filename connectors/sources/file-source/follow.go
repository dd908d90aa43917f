package main

import (
	"context"
	"errors"
	"time"
)

// A follower reads, one after another, the files that stand at one path. The queue and what stands below it are guarded by
// the tailer's mutex.
type follower struct {
	t    *tailer
	path string
	wake chan struct{} // holds a token when there may be something new

	queue    []*lineReader // the file being read, then those that took its place
	replaced time.Time     // when the second of them was found
	idle     bool          // everything there is has been read
	parking  bool          // the tailer wants the place for another file
}

// An ending says why a follower is done with a file.
type ending int

const (
	unfinished ending = iota // more may come, unless an error says that it cannot be read
	moved                    // it was moved away and another has taken its place
	gone                     // it was deleted
	parked                   // it has nothing new, and others wait
	finished                 // it is read up to its limit
)

// run reads files until there is nothing more to do at the path. It reports to the tailer and blocks until then.
func (f *follower) run(ctx context.Context) {
	for {
		r := f.t.reading(f)
		why, err := f.follow(ctx, r)
		if errors.Is(err, errRewritten) {
			if err = f.again(ctx, r); err == nil {
				continue
			}
		}
		if f.t.done(ctx, f, r, why, err) {
			return
		}
	}
}

// follow reads a file until it is over, or fails with errRewritten.
func (f *follower) follow(ctx context.Context, r *lineReader) (ending, error) {
	if err := r.announce(ctx); err != nil {
		return unfinished, err
	}
	quiet := time.Now() // since then
	for {
		if ctx.Err() != nil {
			return unfinished, context.Cause(ctx)
		}
		if r.limit >= 0 && r.offset >= r.limit {
			return finished, nil
		}
		n, err := r.read(ctx)
		if err != nil {
			return unfinished, err
		}
		if n > 0 {
			quiet = time.Now()
			continue
		}
		info, err := r.file.Stat()
		switch {
		case err != nil:
			return unfinished, &readError{err}
		case info.Size() < r.next:
			return unfinished, errRewritten
		case info.Size() > r.next:
			continue
		case r.limit >= 0:
			return finished, r.finish(ctx)
		}
		why, wait := f.next(quiet, unlinked(info))
		if why == moved || why == gone {
			return why, r.finish(ctx)
		} else if why == parked {
			return why, nil
		}
		f.sleep(ctx, wait)
		if err := r.unchanged(); err != nil {
			return unfinished, err
		}
	}
}

// next decides what to do at the end of a file: stop with moved, gone or parked, else wait.
func (f *follower) next(quiet time.Time, unlinked bool) (ending, time.Duration) {
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	poll, patience := f.t.options.PollInterval, f.t.options.RotateWait
	switch {
	case len(f.queue) > 2: // long ago: the file after this one is over too
		return moved, 0
	case len(f.queue) == 2:
		if f.replaced.After(quiet) {
			quiet = f.replaced
		}
		if left := patience - time.Since(quiet); left > 0 {
			return unfinished, min(poll, left)
		}
		return moved, 0
	case unlinked:
		if left := patience - time.Since(quiet); left > 0 {
			return unfinished, min(poll, left)
		}
		return gone, 0
	case f.parking:
		return parked, 0
	}
	f.idle = true
	return unfinished, poll
}

// sleep waits for a notice, but no longer than d.
func (f *follower) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-f.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
	f.t.mu.Lock()
	f.idle = false
	f.t.mu.Unlock()
}

// again begins a file anew that was truncated, after the rest of what it held before, if there is a copy of that.
func (f *follower) again(ctx context.Context, r *lineReader) error {
	if rest := f.t.copyOf(r.path, r.here()); rest != nil {
		defer rest.file.Close()
		f.t.log.Info("the file was truncated, reading the rest from its copy", "file", r.path, "copy", rest.file.Name())
		if _, err := f.follow(ctx, rest); err != nil && !errors.Is(err, errRewritten) {
			return err
		}
	} else {
		f.t.log.Info("the file was truncated, reading it from the start", "file", r.path, "read", r.next)
		if err := r.finish(ctx); err != nil {
			return err
		}
	}
	r.restart()
	if r.limit >= 0 {
		info, err := r.file.Stat()
		if err != nil {
			return &readError{err}
		}
		r.limit = info.Size()
	}
	return nil
}

// notify wakes a goroutine that waits on c. It does not block.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
