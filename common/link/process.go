package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

// DefaultGrace is how long a child may take to end, unless its Command says otherwise.
const DefaultGrace = 10 * time.Second

// A Command says how to run a connector as a child and what to do with what it tells beside records. Stderr is called by a
// goroutine of its own, the other functions by another, one after the other; they may block without holding up records. All
// of them have returned when the end of the child is reported, so they must not wait for that.
type Command struct {
	Path   string   // the executable
	Args   []string // arguments that come first, such as a script for an interpreter
	Name   string   // the instance, --name; required
	Config string   // path of a configuration file, --config; none if empty
	Env    []string // the environment; that of this process if nil
	Dir    string   // the working directory; that of this process if empty

	Stdout *os.File                    // what a sink prints; discarded if nil
	Stderr func(line string)           // what it logs; discarded if nil. A line of more than 64 KiB comes in pieces
	Status func(state, message string) // what it says of itself; may be nil
	Dead   func(record.Record) error   // keeps a dead letter; without it dead letters are refused
	Grace  time.Duration               // the time to end after Stop, and again after SIGTERM; DefaultGrace if 0
}

// A process is a running child in a process group of its own.
type process struct {
	Command
	cmd    *exec.Cmd
	stdin  *os.File // our ends
	frames *os.File
	stderr sync.WaitGroup
	exited chan struct{}
	err    error // how it ended; set before exited is closed

	mu     sync.Mutex
	last   string // line of stderr
	ended  bool   // the child, whose frames may still be in the pipe
	killed bool   // or to be killed: what it has not sent by now may be lost

	stopping sync.Once
}

// An ExitError says how a child has ended that did not end with status 0.
type ExitError struct {
	Program string // the name of the executable
	Err     error  // an *exec.ExitError, unless the end could not be learnt
	Last    string // the last line that the child wrote to standard error; may be empty
}

// Error gives the program, the status or signal, and the last line.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Program, e.Err)
	if e.Last != "" {
		text += ": " + e.Last
	}
	return text
}

// Unwrap returns Err.
func (e *ExitError) Unwrap() error { return e.Err }

// Status returns the exit status, -1 if a signal ended the child.
func (e *ExitError) Status() int {
	if exit, ok := errors.AsType[*exec.ExitError](e.Err); ok {
		return exit.ExitCode()
	}
	return -1
}

// start runs the child. A source sends its frames on standard output, a sink on a descriptor of its own.
func start(c Command, sink bool) (*process, error) {
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	p := &process{Command: c, exited: make(chan struct{})}
	args := slices.Concat(c.Args, []string{"--topic", "-", "--acks", "--name", c.Name})
	if c.Config != "" {
		args = append(args, "--config", c.Config)
	}
	p.cmd = exec.Command(c.Path, args...)
	p.cmd.Dir = c.Dir
	p.cmd.SysProcAttr = attributes()
	env := c.Env
	if env == nil {
		env = os.Environ()
	}
	p.cmd.Env = slices.DeleteFunc(slices.Clone(env), func(s string) bool { return strings.HasPrefix(s, AckFD+"=") })

	var theirs []*os.File // closed here once the child has them
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	pipe := func() (r, w *os.File, err error) {
		if r, w, err = os.Pipe(); err != nil {
			p.closeFiles()
		}
		return r, w, err
	}
	stdin, ours, err := pipe()
	if err != nil {
		return nil, err
	}
	p.stdin, theirs = ours, append(theirs, stdin)
	ours, frames, err := pipe()
	if err != nil {
		return nil, err
	}
	p.frames, theirs = ours, append(theirs, frames)
	widen(p.stdin)
	widen(p.frames)
	logs, stderr, err := pipe()
	if err != nil {
		return nil, err
	}
	theirs = append(theirs, stderr)

	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, frames, stderr
	if sink {
		p.cmd.Stdout = nil
		if c.Stdout != nil {
			p.cmd.Stdout = c.Stdout
		}
		p.cmd.ExtraFiles = []*os.File{frames}
		p.cmd.Env = append(p.cmd.Env, AckFD+"=3")
	}
	if err := p.cmd.Start(); err != nil {
		p.closeFiles()
		logs.Close()
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	p.stderr.Go(func() { p.log(logs) })
	go p.wait(logs)
	return p, nil
}

func (p *process) closeFiles() {
	for _, f := range []*os.File{p.stdin, p.frames} {
		if f != nil {
			f.Close()
		}
	}
}

// log hands over the child's lines until it and its children have closed the pipe.
func (p *process) log(logs io.Reader) {
	r := bufio.NewReaderSize(logs, 64<<10)
	for {
		line, _, err := r.ReadLine()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.last = string(line)
		p.mu.Unlock()
		if p.Stderr != nil {
			p.Stderr(string(line))
		}
	}
}

// wait waits for the end of the child, and ends what it may have left behind in its group.
func (p *process) wait(logs *os.File) {
	err := p.cmd.Wait()
	p.signal(syscall.SIGKILL)
	// A grandchild that left the group may hold the pipes for ever.
	late := time.Now().Add(p.Grace)
	_ = logs.SetReadDeadline(late)
	p.mu.Lock()
	p.ended = true
	_ = p.frames.SetReadDeadline(late) // for a Read that waits already
	p.mu.Unlock()
	p.stderr.Wait()
	logs.Close()
	if err != nil {
		p.mu.Lock()
		p.err = &ExitError{filepath.Base(p.Path), err, p.last}
		p.mu.Unlock()
	}
	close(p.exited)
}

// Read reads frames. What the child left in the pipe is read to its end, however late its reader comes: after the child's end
// the grace is that of each wait for more.
func (p *process) Read(b []byte) (int, error) {
	p.mu.Lock()
	if p.ended && !p.killed {
		_ = p.frames.SetReadDeadline(time.Now().Add(p.Grace))
	}
	p.mu.Unlock()
	return p.frames.Read(b)
}

// signal sends a signal to the child's group. The error would only say that nobody is left in it.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s)
}

// signalRunning is signal for a child that may have ended long ago, so that its number may be another's by now.
func (p *process) signalRunning(s syscall.Signal) {
	select {
	case <-p.exited:
	default:
		p.signal(s)
	}
}

// kill ends the child, and soon after what a grandchild may go on to send.
func (p *process) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.signalRunning(syscall.SIGKILL)
}

// stop asks the child to end and sees to it that it does.
func (p *process) stop(c *Conn) {
	p.stopping.Do(func() {
		c.Stop()
		go p.end(p.Grace)
	})
}

// end waits for the child's end, sends SIGTERM after the grace and SIGKILL after as much again.
func (p *process) end(grace time.Duration) {
	if p.exitsWithin(grace) {
		return
	}
	p.stdin.Close()
	p.signalRunning(syscall.SIGTERM)
	if !p.exitsWithin(grace) {
		p.kill()
	}
}

func (p *process) exitsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

// await is called when the link has ended with err. It waits for the child, killing one whose link is broken.
func (p *process) await(err error) {
	if err != io.EOF || !p.exitsWithin(p.Grace) {
		p.kill()
	}
	<-p.exited
}

// outcome is what is worth telling after the link has ended with err and the child too, nil after a clean end.
func (p *process) outcome(err error) error {
	if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
		return p.err
	}
	return fmt.Errorf("%s: %w", filepath.Base(p.Path), err)
}
