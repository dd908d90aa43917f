package blackbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// What is examined elsewhere never runs a connector for good. Here it runs, with options that lead nowhere: addresses are
// those of a port on loopback at which nobody listens, and paths those of files that are not there.

// A start is one real run, to its end.
type start struct {
	rule    string
	options document
	pointed bool // at an address where nobody listens, so that the run cannot succeed
}

// realRun runs the program for good. A connector without --once is not run to its end.
func (x *examiner) realRun(ctx context.Context) error {
	starts, err := x.runnable(ctx, x.passes())
	if err != nil {
		return err
	}
	problems := make([]string, len(starts))
	// They mostly wait, so all of them may do so at once.
	err = parallel.Each(ctx, max(1, len(starts)), len(starts), func(ctx context.Context, i int) (err error) {
		problems[i], err = x.once(ctx, starts[i])
		return err
	})
	if err != nil {
		return err
	}
	for i, s := range starts {
		x.note(s.rule, "", problems[i])
	}
	x.leave(NotApplicable, "there is no --once, or its input has no end", runOnce, runWithoutBroker)
	return nil
}

// passes lists the runs that the connector's options allow.
func (x *examiner) passes() []start {
	d, pointed := x.astray(x.base, x.nothing())
	once, ok := x.onceThrough(d)
	if !ok {
		return nil
	}
	starts := []start{{runOnce, once, pointed}}
	if x.has("broker") && x.profile.Includes(SDK) {
		starts = append(starts, start{runWithoutBroker, once.with("topic", "demo").with("broker", "nats://"+x.nowhere.address), true})
	}
	return starts
}

// onceThrough turns options into those of one pass over standard input or output that gives up soon, if there is such.
func (x *examiner) onceThrough(d document) (document, bool) {
	d = d.with("topic", "-").with("once", true)
	// Long enough to fail more than once.
	const patience = "500ms"
	if x.options["start-timeout"].accepts(patience) {
		d["start-timeout"] = patience
	}
	return d, x.has("once")
}

// has tells whether there are options of these names.
func (x *examiner) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, ok := x.options[name]; return !ok })
}

// runnable leaves out what the connector refuses for a reason of its own: some inputs have no end, and no --once.
func (x *examiner) runnable(ctx context.Context, starts []start) ([]start, error) {
	trials := make([]trial, len(starts))
	for i, s := range starts {
		trials[i].text = mustJSON(s.options)
	}
	verdicts, problem, err := x.batch(ctx, trials)
	if err != nil || problem != "" {
		return nil, err // parity tells
	}
	var runnable []start
	for i, s := range starts {
		if *verdicts[i].Valid {
			runnable = append(runnable, s)
		}
	}
	return runnable, nil
}

// once runs the program to its end.
func (x *examiner) once(ctx context.Context, s start) (string, error) {
	args := append([]string{"run"}, flagArgs(s.options)...)
	result, err := x.exec(ctx, x.spec(nil, args, strings.NewReader(oneRecord)))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return fmt.Sprintf("%s: %v: %s", strings.Join(args, " "), err, proc.Tail(result.Stderr, 3)), nil
	case result.Status == 1 || result.Status == 0 && !s.pointed:
		return "", nil
	case result.Status == 2 && endlessInput.Match(result.Stderr):
		return "", nil
	}
	want := "0 or 1"
	if s.pointed {
		want = "1, for nobody listens there"
	}
	return fmt.Sprintf("%s: status %d, not %s: %s", strings.Join(args, " "), result.Status, want, proc.Tail(result.Stderr, 3)), nil
}

// endlessInput is what a connector says that learns only when it runs that its input has no end: wrong usage, of --once.
var endlessInput = regexp.MustCompile(`(?m)^[^\n]*--once: [^\n]+\n?\z`)

// oneRecord is what a sink finds on its standard input.
const oneRecord = "{\"gate\":1}\n"

// astray returns a document whose addresses lead nowhere, and whose paths to the given one, and tells whether the run must fail for it: whether one
// of them is the connector's system, an option that is required or marked as identity. What the schema does not accept so
// is left out; an option that is required stays as it is.
func (x *examiner) astray(d document, path string) (lost document, pointed bool) {
	lost = maps.Clone(d)
	for name, value := range d {
		elsewhere, fails := mislead(value, x.nowhere.address, path)
		required := slices.Contains(x.Subject.Options.Required, name)
		switch {
		case x.options[name].accepts(elsewhere):
			lost[name] = elsewhere
			pointed = pointed || fails && (required || x.options[name].Identity)
		case !required:
			delete(lost, name)
		}
	}
	return lost, pointed
}

// nothing is the path of a file that is not there.
func (x *examiner) nothing() string { return filepath.Join(x.Scratch, "nothing") }

// hostPort is a value that is an address without a scheme: to connect to, or to listen at. Port 0 suits both.
var hostPort = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):[0-9]{1,5}$`)

// mislead replaces an address in a value, or a path, and tells whether whoever connects to it must fail.
func mislead(value any, address, path string) (elsewhere any, fails bool) {
	switch value := value.(type) {
	case string:
		if u, err := url.Parse(value); err == nil && u.Scheme != "" && u.Host != "" {
			u.Host = address
			return u.String(), true
		}
		if hostPort.MatchString(value) {
			return "127.0.0.1:0", false
		}
		if strings.HasPrefix(value, "/") || strings.HasPrefix(value, "file:/") {
			return path, false
		}
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			other, is := mislead(element, address, path)
			list[i], fails = other, fails || is
		}
		return list, fails
	}
	return value, false
}

// A silence is an address on loopback at which nobody listens, and nobody can until it is closed.
type silence struct {
	fd      int
	address string
}

// newSilence takes a port without listening at it.
func newSilence() (silence, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return silence{}, os.NewSyscallError("socket", err)
	}
	s := silence{fd: fd}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return s, errors.Join(os.NewSyscallError("bind", err), s.Close())
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return s, errors.Join(os.NewSyscallError("getsockname", err), s.Close())
	}
	s.address = fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	return s, nil
}

// Close gives the port back.
func (s silence) Close() error { return syscall.Close(s.fd) }
