package common

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Exit statuses of every connector.
const (
	statusOK      = 0
	statusFailed  = 1
	statusUsage   = 2
	statusAborted = 130 // 128 + SIGINT, the custom of shells
)

// A program is a connector with everything that its author says of it.
type program struct {
	info      Info
	direction metadata.Direction
	pattern   any         // pointer to the zero value of the options struct
	runs      atomic.Bool // there is something to finish when a signal comes
}

// world is everything outside the process that a program touches on the way to its transports.
type world struct {
	args      []string
	lookupEnv func(string) (string, bool)
	open      func(string) (io.ReadCloser, error) // a file to read from
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
}

// readFile reads a file that an option names.
func (w world) readFile(path string) ([]byte, error) { return w.readUpTo(path, config.MaxBytes) }

// readModule reads the file of a SmartModule.
func (w world) readModule(path string) ([]byte, error) { return w.readUpTo(path, smartmodule.MaxFile) }

// readUpTo reads a file, and refuses one that is larger than such a file may be: it may be endless.
func (w world) readUpTo(path string, most int64) ([]byte, error) {
	f, err := w.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d bytes", most)}
	}
	return data, err
}

// main runs the program in the real world.
func main(p *program) {
	ctx, stop := context.WithCancel(context.Background())
	// A pipe that nobody reads any more is an error of the write, not a signal that kills. It is caught, not ignored:
	// what is ignored stays so in child processes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		if p.runs.Load() {
			<-signals
		}
		os.Exit(statusAborted)
	}()
	open := func(path string) (io.ReadCloser, error) { return os.Open(path) }
	os.Exit(p.run(ctx, world{os.Args[1:], os.LookupEnv, open, os.Stdin, os.Stdout, os.Stderr}))
}

// run does what the command line says and returns the exit status.
func (p *program) run(ctx context.Context, w world) int {
	m, err := p.grammar()
	if err != nil {
		return p.report(w, err)
	}
	line, problems := m.Args(w.args)
	if len(line.Renamed) > 0 {
		p.tell(w, strings.Join(line.Renamed, ", "))
	}
	command := "run"
	if len(line.Command) > 0 {
		command = line.Command[0]
	}
	switch {
	case line.Flag("help") == "true":
		return p.report(w, m.WriteHelp(w.stdout, line.Command))
	case line.Flag("version") == "true":
		_, err := fmt.Fprintf(w.stdout, "%s %s\n", p.info.Name, p.info.Version)
		return p.report(w, err)
	}
	switch {
	case len(problems) > 0: // what else is wrong is told below, together with these
	case command == "metadata":
		return p.report(w, p.writeMetadata(w.stdout, m, line.Flag("draft")))
	case command == "completion":
		err := m.WriteCompletion(w.stdout, line.Flag("shell"))
		var unknown *options.Problem
		if errors.As(err, &unknown) {
			return p.refuse(w, []*options.Problem{unknown})
		}
		return p.report(w, err)
	case command == "validate" && line.Flag("batch") != "":
		return p.validateBatch(w, m, line.Flag("batch"))
	}
	switch command {
	case "state":
		p.runs.Store(true)
		return p.state(ctx, w, m, line, problems)
	case "discover": // a signal ends it at once: there is nothing to finish
		return p.discover(ctx, w, m, line, problems)
	}
	set, more := p.resolve(w, m, line)
	if problems = append(problems, more...); len(problems) > 0 {
		return p.refuse(w, problems)
	}
	p.runs.Store(true)
	switch command {
	case "validate":
		p.tell(w, m.Notices(set.settings)...)
		_, err := fmt.Fprintf(w.stdout, "%s: the options are valid\n", p.info.Name)
		return p.report(w, err)
	case "check":
		p.tell(w, m.Notices(set.settings)...)
		return p.check(ctx, w, set)
	}
	return p.report(w, p.start(ctx, w, set))
}

// grammar reads what the author wrote. An error is a mistake of the author's, or several that are joined.
func (p *program) grammar() (*options.Model, error) {
	if t := reflect.TypeOf(p.pattern); t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("the options are of type %v; give a pointer to a struct, such as &Options{}", t)
	}
	return p.model(p.fresh())
}

// fresh makes a new value of the author's options struct.
func (p *program) fresh() any { return reflect.New(reflect.TypeOf(p.pattern).Elem()).Interface() }

// model reads the tags of an options struct and of the shared flags.
func (p *program) model(own any) (*options.Model, error) {
	m, _, err := p.modelWithFlags(own)
	return m, err
}

func (p *program) modelWithFlags(own any) (*options.Model, shared, error) {
	var flags shared = &sourceFlags{}
	if p.direction == metadata.Sink {
		flags = &sinkFlags{}
	}
	m, err := options.New(options.Config{
		Name: p.info.Name, Description: p.info.Description, Title: reflect.TypeOf(own).Elem().Name() + "Options",
		Own: own, Shared: flags, Control: &control{}, Without: p.without(), Spellings: fluvioSpellings,
	})
	return m, flags, err
}

// without lists the commands that this connector does not have.
func (p *program) without() (commands []string) {
	if !p.info.Resumes || p.direction != metadata.Source {
		commands = append(commands, "state") // for those that keep a position
	}
	if _, ok := p.pattern.(Discoverer); !ok {
		commands = append(commands, "discover")
	}
	return commands
}

// bind makes a fresh options struct and stores the settings in it.
func (p *program) bind(settings options.Settings) (own any, flags shared, err error) {
	s, err := p.scratch()
	if err == nil {
		err = s.model.Bind(settings)
	}
	return s.own, s.flags, err
}

// A scratch is an options struct with the shared flags, into which settings are bound one after the other.
type scratch struct {
	model *options.Model
	own   any
	flags shared
}

func (p *program) scratch() (s scratch, err error) {
	s.own = p.fresh()
	s.model, s.flags, err = p.modelWithFlags(s.own)
	return s, err
}

// A usageError is wrong usage that shows only while the program runs.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// tell writes notes where there is no log yet, each in a line of its own.
func (p *program) tell(w world, notes ...string) {
	for _, note := range notes {
		fmt.Fprintf(w.stderr, "%s: %s\n", p.info.Name, note)
	}
}

// report turns the outcome of a command into a status, telling an error in one line.
func (p *program) report(w world, err error) int {
	var usage *usageError
	switch {
	case err == nil || transport.Gone(err):
		return statusOK
	case errors.As(err, &usage):
		fmt.Fprintf(w.stderr, "%s: %v\n", p.info.Name, err)
		return statusUsage
	}
	for line := range strings.Lines(err.Error()) { // several errors may be joined
		fmt.Fprintf(w.stderr, "%s: %s\n", p.info.Name, strings.TrimSuffix(line, "\n"))
	}
	return statusFailed
}

// refuse tells every problem in a line of its own.
func (p *program) refuse(w world, problems []*options.Problem) int {
	var told []string
	for _, problem := range problems {
		if line := problem.Error(); !slices.Contains(told, line) {
			told = append(told, line)
			fmt.Fprintf(w.stderr, "%s: %s\n", p.info.Name, line)
		}
	}
	return statusUsage
}
