package proc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Cage is what the programs of one connector run in: limits on what each process may use, and a record of what they did
// that no single result tells. It is put around runs by Within, and may be used concurrently. Where the system is not Linux, it
// limits nothing and finds no process that has escaped.
type Cage struct {
	Memory  int64         // bytes of private memory for each process; 0 for no limit
	File    int64         // bytes to which a process may write a file; 0 for no limit
	Longest time.Duration // the longest deadline, whatever a Spec says; 0 for no limit
	Late    func()        // called when a program misses its deadline; may be nil, must not block

	mu     sync.Mutex
	missed []string // which programs missed their deadline
	left   []string // names of processes that were found outside of their group
}

type cageKey struct{}

// Within returns a context under which programs run in a cage. They find one variable more in their environment, by which
// what they leave behind is recognised.
func Within(ctx context.Context, cage *Cage) context.Context {
	return context.WithValue(ctx, cageKey{}, cage)
}

// Escaped names the programs that were still running outside of their process group when what started them had ended, each
// once. They were killed.
func (c *Cage) Escaped() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.left)
}

// Missed tells for each program that missed its deadline what it was called as, and the deadline.
func (c *Cage) Missed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.missed)
}

func (c *Cage) escaped(names []string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if !slices.Contains(c.left, name) {
			c.left = append(c.left, name)
		}
	}
}

func (c *Cage) late(spec Spec, err error) {
	c.mu.Lock()
	c.missed = append(c.missed, fmt.Sprintf("%s %s: %v", filepath.Base(spec.Argv[0]), strings.Join(spec.Argv[1:], " "), err))
	c.mu.Unlock()
	if c.Late != nil {
		c.Late()
	}
}

// What programs say when they meet a limit: runtimes of many languages, the C library, and what a shell or make says of a
// child that died of SIGXFSZ.
var (
	wantsMemory = regexp.MustCompile(`(?i)out of memory|memory exhausted|cannot allocate memory|MemoryError|bad_alloc`)
	wantsFile   = regexp.MustCompile(`(?i)file size limit exceeded|file too large`)
)

// met tells whether a program that failed met a limit.
func (c *Cage) met(state *os.ProcessState, r Result) error {
	if c == nil || r.Status == 0 {
		return nil
	}
	ws, _ := state.Sys().(syscall.WaitStatus)
	tooLarge := ws.Signaled() && ws.Signal() == syscall.SIGXFSZ || r.Status == 128+int(syscall.SIGXFSZ) // as shells say it
	switch {
	case c.Memory > 0 && wantsMemory.Match(r.Stderr):
		return fmt.Errorf("%w (a process may have %d MiB)", ErrMemory, c.Memory>>20)
	case c.File > 0 && (tooLarge || wantsFile.Match(r.Stderr)):
		return fmt.Errorf("%w (at most %d MiB)", ErrFile, c.File>>20)
	}
	return nil
}
