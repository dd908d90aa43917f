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

	mu   sync.Mutex
	last string // line of stderr

	stopping sync.Once
	jobs     chan func() // calls of the Command's functions
	working  sync.WaitGroup
}

// start runs the child. A source sends its frames on standard output, a sink on a descriptor of its own.
func start(c Command, sink bool) (*process, error) {
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	p := &process{Command: c, exited: make(chan struct{}), jobs: make(chan func(), 64)}
	args := slices.Concat(c.Args, []string{"--topic", "-", "--acks", "--name", c.Name})
	if c.Config != "" {
		args = append(args, "--config", c.Config)
	}
	p.cmd = exec.Command(c.Path, args...)
	p.cmd.Dir = c.Dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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
	p.working.Go(func() {
		for job := range p.jobs {
			job()
		}
	})
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
	_ = p.frames.SetReadDeadline(late)
	p.stderr.Wait()
	logs.Close()
	if err != nil {
		p.mu.Lock()
		last := p.last
		p.mu.Unlock()
		err = fmt.Errorf("%s: %w", filepath.Base(p.Path), err)
		if last != "" {
			err = fmt.Errorf("%w: %s", err, last)
		}
	}
	p.err = err
	close(p.exited)
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

// stop asks the child to end and sees to it that it does.
func (p *process) stop(c *Conn) {
	p.stopping.Do(func() {
		c.Stop()
		go func() {
			if p.exitsWithin(p.Grace) {
				return
			}
			p.stdin.Close()
			p.signalRunning(syscall.SIGTERM)
			if !p.exitsWithin(p.Grace) {
				p.signalRunning(syscall.SIGKILL)
			}
		}()
	})
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

// finish is called when the link has ended with err. It waits for the child, killing one whose link is broken, and returns
// what is worth telling, nil after a clean end.
func (p *process) finish(err error, c *Conn) error {
	if err != io.EOF || !p.exitsWithin(p.Grace) {
		p.signalRunning(syscall.SIGKILL)
	}
	<-p.exited
	c.Close()
	p.closeFiles()
	close(p.jobs)
	p.working.Wait()
	if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
		return p.err
	}
	return fmt.Errorf("%s: %w", filepath.Base(p.Path), err)
}

// handler returns what source and sink have in common. conn gives the Conn once it is made.
func (p *process) handler(conn func() *Conn) Handler {
	h := Handler{
		Dead: func(line int64, rec record.Record) { p.jobs <- func() { p.answerDead(conn(), line, rec) } },
	}
	if p.Status != nil {
		h.Status = func(state, message string) { p.jobs <- func() { p.Status(state, message) } }
	}
	return h
}

func (p *process) answerDead(c *Conn, line int64, rec record.Record) {
	err := errors.New("dead letters are not kept here")
	if p.Dead != nil {
		err = p.Dead(rec)
	}
	if err != nil {
		c.Nack(line, &NackError{Message: err.Error()})
		return
	}
	c.Ack(line)
}
