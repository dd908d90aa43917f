// Package proc runs programs that nobody vouches for: in a process group of their own that ends with the deadline, with
// output that is limited and refused, never cut, and with no environment but what the caller names.
package proc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The reasons for which a program is stopped. They are wrapped by the error of Run.
var (
	// ErrDeadline means that the program did not end in time and its process group was killed.
	ErrDeadline = errors.New("did not end in time and was killed")
	// ErrTooMuch means that the program printed more than the limit and its process group was killed.
	ErrTooMuch = errors.New("printed more than the limit and was killed")
	// ErrIsolation means that this machine refuses to start an isolated program.
	ErrIsolation = errors.New("this machine allows no namespaces of one's own")
	// ErrMemory and ErrFile mean that the program failed, and that what it last said is what programs say that met the limit
	// of the Cage they run in.
	ErrMemory = errors.New("failed for want of memory")
	ErrFile   = errors.New("failed to write a file that is too large")
)

// waitDelay is how long a grandchild that holds the output open is waited for after the program itself has ended.
const waitDelay = 500 * time.Millisecond

// A Spec says what to run and within which limits. Every limit must be positive.
type Spec struct {
	Argv      []string  // program and arguments; no shell is involved
	Dir       string    // working directory; empty for the caller's
	Env       []string  // the whole environment, as KEY=value
	Stdin     io.Reader // nil for an empty input
	Extra     *os.File  // the program's descriptor 3; may be nil
	Deadline  time.Duration
	Grace     time.Duration  // how long the group may take to end by itself after Ask; 0 kills at once
	Ask       syscall.Signal // what asks the group to end; SIGTERM if 0
	MaxStdout int64
	MaxStderr int64
	Tee       io.Writer // is given what comes on stdout, as it comes; may be nil, must not block
	Offline   bool      // without a network; see ErrIsolation
	Powerless bool      // without the powers of root over files; see ErrIsolation
}

// A Result is what a program left behind.
type Result struct {
	Status int // exit status; -1 when the program was killed or never started
	Stdout []byte
	Stderr []byte
	CPU    time.Duration // of the program and of those of its children that it has waited for
}

// Run runs a program to its end and blocks until then. A status other than 0 is no error; not starting, missing the
// deadline, printing too much, meeting a limit of the Cage that ctx carries, dying of a signal and ctx are. The result is
// what was printed so far, also with an error.
func Run(ctx context.Context, spec Spec) (Result, error) {
	cage, _ := ctx.Value(cageKey{}).(*Cage)
	if cage != nil && cage.Longest > 0 {
		spec.Deadline = min(spec.Deadline, cage.Longest)
	}
	result, err := run(ctx, cage, spec)
	if cage != nil && errors.Is(err, ErrDeadline) {
		cage.late(spec, err)
	}
	return result, err
}

func run(ctx context.Context, cage *Cage, spec Spec) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, spec.Deadline, ErrDeadline)
	defer stop()

	cmd := exec.CommandContext(ctx, spec.Argv[0], spec.Argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = spec.Dir, spec.Env, spec.Stdin
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would mean all of ours
	}
	mark := newMark(cage)
	cmd.Env = append(slices.Clip(cmd.Env), mark.env()...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	isolated := spec.Offline || spec.Powerless
	if isolated {
		if err := isolate(cmd.SysProcAttr, spec.Offline); err != nil {
			return Result{Status: -1}, err
		}
	}
	if spec.Extra != nil {
		cmd.ExtraFiles = []*os.File{spec.Extra}
	}
	var asked time.Time // when the group was told to end; Wait returns after it is set
	cmd.Cancel = func() error {
		asked = time.Now()
		if spec.Grace > 0 {
			return signalGroup(cmd.Process.Pid, cmp.Or(spec.Ask, syscall.SIGTERM))
		}
		return signalGroup(cmd.Process.Pid, syscall.SIGKILL)
	}
	cmd.WaitDelay = spec.Grace + waitDelay
	stdout := &limited{limit: spec.MaxStdout, over: func() { cancel(ErrTooMuch) }, tee: spec.Tee}
	stderr := &limited{limit: spec.MaxStderr, over: func() { cancel(ErrTooMuch) }}
	cmd.Stdout, cmd.Stderr = stdout, stderr

	err := cmd.Start()
	if err != nil && isolated {
		return Result{Status: -1}, fmt.Errorf("%w: %w", ErrIsolation, err)
	}
	if err != nil {
		return Result{Status: -1}, fmt.Errorf("start %s: %w", spec.Argv[0], err)
	}
	cage.limit(cmd.Process.Pid)
	hurry, _ := ctx.Value(hurryKey{}).(context.Context)
	if hurry != nil {
		defer context.AfterFunc(hurry, func() { _ = signalGroup(cmd.Process.Pid, syscall.SIGKILL) })()
	}
	err = cmd.Wait()
	if !asked.IsZero() {
		awaitGroup(hurry, cmd.Process.Pid, asked.Add(spec.Grace))
	}
	// A child left behind in the group would outlive the build. What left the group on purpose is found by its mark.
	_ = signalGroup(cmd.Process.Pid, syscall.SIGKILL)
	awaitGroup(hurry, cmd.Process.Pid, time.Now().Add(waitDelay))
	cage.escaped(mark.sweep(hurry, cmd.Process.Pid))

	result := Result{
		Status: cmd.ProcessState.ExitCode(), Stdout: stdout.bytes(), Stderr: stderr.bytes(),
		CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
	}
	if cause := context.Cause(ctx); cause != nil {
		switch {
		case errors.Is(cause, ErrDeadline):
			return result, fmt.Errorf("%w (limit %s)", ErrDeadline, spec.Deadline)
		case errors.Is(cause, ErrTooMuch):
			return result, fmt.Errorf("%w (%d bytes on stdout, %d on stderr)", ErrTooMuch, spec.MaxStdout, spec.MaxStderr)
		}
		return result, cause
	}
	if met := cage.met(cmd.ProcessState, result); met != nil {
		return result, met
	}
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return result, nil
	case errors.As(err, &exit):
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return result, fmt.Errorf("died of signal %s", ws.Signal())
		}
		return result, nil
	}
	return result, err
}

// hurryKey is the key of the context that WithHurry adds.
type hurryKey struct{}

// WithHurry returns a context under which programs that are given a grace to end lose it as soon as hurry is done.
func WithHurry(ctx, hurry context.Context) context.Context {
	return context.WithValue(ctx, hurryKey{}, hurry)
}

// signalGroup sends a signal to every process of a group. A group that is gone is no error.
func signalGroup(pid int, signal syscall.Signal) error {
	err := syscall.Kill(-pid, signal)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// groupPoll is how often awaitGroup looks: the end of somebody else's children cannot be waited for.
const groupPoll = 10 * time.Millisecond

// awaitGroup blocks until a group is gone whose leader has been waited for, its time is up or hurry, which may be nil, is
// done.
func awaitGroup(hurry context.Context, pid int, end time.Time) {
	for {
		collect(pid)
		if syscall.Kill(-pid, 0) != nil || time.Now().After(end) || hurry != nil && hurry.Err() != nil {
			return
		}
		time.Sleep(groupPoll)
	}
}

// collect waits for those of a group that are dead and have become our children, which they do where we adopt orphans: until
// then the group is not gone.
func collect(group int) {
	for {
		if pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil); pid <= 0 && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// limited keeps what is written to it up to a limit, and refuses everything as soon as there is more.
type limited struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	limit int64
	over  func()
	tee   io.Writer // nil for none
}

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int64(l.buf.Len()+len(p)) > l.limit {
		l.over()
		return 0, ErrTooMuch
	}
	l.buf.Write(p)
	if l.tee != nil {
		return l.tee.Write(p)
	}
	return len(p), nil
}

func (l *limited) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf.Bytes())
}

// Tail returns the last lines of a program's output, for a message to people.
func Tail(output []byte, lines int) string {
	all := strings.Split(strings.TrimRight(string(output), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
