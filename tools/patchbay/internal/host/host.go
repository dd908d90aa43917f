// Package host runs a connector for a foreign platform: the connector is a child behind the link protocol, the platform's
// data plane is a transport.Writer or transport.Reader, and between the two stands the delivery engine that connectors have
// themselves. So records are retried, bounded, settled and drained here as anywhere else, and a child that dies is replaced.
//
// An adapter finds the program with connector.Finder, turns the platform's configuration into options, hands them to
// connector.Program.Configure, and calls RunSource or RunSink of an Instance. To change a configuration it ends the ctx of
// the run, waits for it to return, and runs another Instance with the same name and store: nothing is lost, and what comes
// twice is what the first had sent and not seen delivered.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// An Instance is a connector to be run under a name. Its Run methods may be called one after the other.
type Instance struct {
	Program *connector.Program
	Args    []string // flags that stand before the driver's own
	Env     []string // the child's environment; that of this process if nil
	Name    string   // names the instance; it scopes state, groups and ids
	Config  string   // path of its config file, as Program.Configure returns it; none if empty
	Topic   string   // what the platform calls the place records go to or come from; for messages only

	// Limits bound the flow, as the shared flags of connectors do. Zero values of MaxInFlight, MaxBytes, RetryCap, StartTimeout
	// and ShutdownTimeout become the defaults of those flags.
	Limits delivery.Limits
	Log    *slog.Logger // nil means that nobody hears anything
	// Stdout gets what a sink prints; nil drops it.
	Stdout *os.File
	// Stderr gets each line of the child's log; nil drops them. It is called by one goroutine at a time, and may block.
	Stderr func(line string)
	// Status hears how the run is doing: ready, retrying or failed (link.Ready and so on), with the reason. It must not block.
	Status func(state string, err error)
	// OnError is what becomes of a record that the platform refuses for good (RunSource), or the sink (RunSink): Fail, which is
	// the default, ends the run; Skip logs it and goes on; DeadLetter gives it to Dead. A connector's own policy comes first, where
	// it has one.
	OnError delivery.OnError
	// Dead keeps dead letters, and returns once they are kept; nil refuses them, which ends the run. It may block.
	Dead func(record.Record) error
}

// withDefaults returns a copy that is ready to run.
func (i Instance) withDefaults() Instance {
	if i.Log == nil {
		i.Log = slog.New(slog.DiscardHandler)
	}
	l := &i.Limits
	l.MaxInFlight = orDefault(l.MaxInFlight, defaults.MaxInFlight)
	l.MaxBytes = orDefault(l.MaxBytes, defaults.MaxBytes)
	l.RetryCap = orDefault(l.RetryCap, defaults.RetryCap)
	l.StartTimeout = orDefault(l.StartTimeout, defaults.StartTimeout)
	l.ShutdownTimeout = orDefault(l.ShutdownTimeout, defaults.ShutdownTimeout)
	if i.OnError == "" {
		i.OnError = delivery.Fail
	}
	return i
}

// defaults are those of the shared flags.
var defaults = delivery.Limits{
	MaxInFlight: 4096, MaxBytes: 64 << 20, RetryCap: 10 * time.Second, StartTimeout: 30 * time.Second, ShutdownTimeout: 10 * time.Second,
}

func orDefault[T ~int | ~int64](value, or T) T {
	if value == 0 {
		return or
	}
	return value
}

// A life is one child, from its start to its end.
type life struct {
	Instance
	before bool         // one of the children before was connected
	ever   *atomic.Bool // so was this one, or one before
	ready  atomic.Bool  // it said that it is connected, or has sent something

	mu     sync.Mutex
	failed string // why it says that it gives up
}

// newLife returns a life; ever is that of all lives of a run.
func newLife(i Instance, ever *atomic.Bool) *life {
	return &life{Instance: i, before: ever.Load(), ever: ever}
}

// command is how to start the child; ready is called when it says that it is connected.
func (l *life) command(ready func()) link.Command {
	return link.Command{
		Path: l.Program.Path, Args: l.Args, Name: l.Name, Config: l.Config, Env: l.Env, Stdout: l.Stdout, Stderr: l.Stderr,
		Dead: l.Dead, Grace: l.Limits.ShutdownTimeout,
		Status: func(state, message string) {
			switch state {
			case link.Ready:
				l.isReady()
				ready()
				if l.Instance.Status != nil { // the engine says so only where it had trouble itself
					l.Instance.Status(state, nil)
				}
			case link.Retrying:
				if l.Instance.Status != nil {
					l.Instance.Status(state, errors.New(connector.OneLine(message)))
				}
			case link.Failed:
				l.mu.Lock()
				l.failed = message
				l.mu.Unlock()
			}
		},
	}
}

func (l *life) isReady() {
	l.ready.Store(true)
	l.ever.Store(true)
}

// ending turns how the child ended into what the engine is to do: nothing after a clean end, give up after an error that
// another child would meet as well, else start another one.
func (l *life) ending(err error) error {
	exit, ok := errors.AsType[*link.ExitError](err)
	if !ok { // nil, or it broke the protocol
		return err
	}
	l.mu.Lock()
	failed := l.failed
	l.mu.Unlock()
	words := exit.Last
	if failed != "" {
		words = failed
	}
	if words != "" {
		err = fmt.Errorf("%s: %s", filepath.Base(l.Program.Path), connector.OneLine(words))
	}
	// One that gives up before it is connected is tried again where another one was: what it needs was there.
	// One that gives a single pass up has tried for as long as its start timeout says.
	if exit.Status() == 2 || l.Limits.Once && exit.Status() == 1 || failed != "" && (l.ready.Load() || !l.before) {
		return delivery.Permanent(err)
	}
	return err
}

// failures is what the engine is told of OnError and Dead.
func (i *Instance) failures() delivery.Failures {
	return delivery.Failures{On: i.OnError, Dead: func(_ context.Context, rec record.Record, settled func(error)) error {
		if i.Dead == nil {
			return delivery.Permanent(errors.New("dead letters are not kept here"))
		}
		settled(i.Dead(rec))
		return nil
	}}
}

// instance is what the engine calls the run.
func (i *Instance) instance() delivery.Instance {
	return delivery.Instance{
		Name: i.Name, Connector: filepath.Base(i.Program.Path), Version: i.Program.Version, Topic: i.Topic,
	}
}
