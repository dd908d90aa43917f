// Package vanus runs a connector in the place of one that was built with the connector development kit of Vanus: it takes
// the kit's configuration file and environment, delivers what a source sends as CloudEvents over HTTP, and gives a sink what
// it receives as such.
//
// What the kit calls success and failure of an event is what delivery knows as acknowledged and refused. A source's event
// that was attempted as often as send_event_attempts says is refused, and the source's own on-error decides whether that is
// the end (fail, the default) or the event is skipped. A sink's event that the sink cannot process is answered with an error
// and does not end the sink, unless on-error says so.
package vanus

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/host"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/scratch"
)

// window is how many events of a source may be on their way. One request holds one event, and those of a partition go one after
// the other, so that more would only make a stop long.
const window = 128

// Options say what to run and where.
type Options struct {
	Program *connector.Program
	Args    []string            // flags of the connector, which win over the file
	Getenv  func(string) string // the environment that holds the kit's variables
	Env     []string            // the connector's environment; that of this process if nil
	Stdout  *os.File            // gets what a sink prints; dropped if nil
	Stderr  io.Writer           // gets the log, a line at a time

	within time.Duration // until a request for a sink is answered; answerWithin if 0
}

// Run runs the connector until it is done, fails for good, or ctx ends and what is under way is finished. It blocks. The
// error is an *Invalid, or a *connector.Refused, where the configuration is at fault; it is nil after a clean end.
func Run(ctx context.Context, o Options) error {
	direction, err := direction(o.Program)
	if err != nil {
		return err
	}
	s, err := readSettings(o.Getenv, direction, filepath.Base(o.Program.Path))
	if err != nil {
		return err
	}
	out := &connector.Lines{W: o.Stderr}
	log := observe.NewLogger(out, s.logLevel, s.logFormat)
	i, remove, err := configure(ctx, o, s, direction)
	switch {
	case ctx.Err() != nil && err != nil: // it was broken off
		return nil
	case err != nil:
		return err
	}
	defer remove()
	for _, note := range s.notes {
		log.Warn(note)
	}
	i.Log, i.Stderr = log, func(line string) { fmt.Fprintln(out, connector.OneLine(line)) }
	if direction == metadata.Sink {
		return runSink(ctx, i, s, log, cmp.Or(o.within, answerWithin))
	}
	return runSource(ctx, i, s, log)
}

// direction is what the program says of itself, or else what its name says.
func direction(p *connector.Program) (metadata.Direction, error) {
	name := filepath.Base(p.Path)
	switch {
	case p.Direction != "":
		return p.Direction, nil
	case strings.HasSuffix(name, "-source"):
		return metadata.Source, nil
	case strings.HasSuffix(name, "-sink"):
		return metadata.Sink, nil
	}
	return "", fmt.Errorf("%s has no metadata that says whether it is a source or a sink; let its name end in -source or -sink", name)
}

// configure has the connector judge its options, and returns an Instance of it. remove takes its config file away.
func configure(ctx context.Context, o Options, s *settings, direction metadata.Direction) (i host.Instance, remove func(), err error) {
	p := *o.Program
	p.Args = o.Args
	for name, text := range map[string]string{"log-level": s.logLevel, "log-format": s.logFormat} {
		if _, given := s.options[name]; !given && text != "" && p.Offers(name) {
			s.options[name] = text
		}
	}
	i = host.Instance{Program: &p, Args: o.Args, Env: o.Env, Name: s.name, Stdout: o.Stdout}
	switch policy := s.options["on-error"]; {
	case direction == metadata.Sink:
		i.OnError = delivery.DeadLetter // the receiver answers with it
		// Each event is a sender that waits for its answer: to wait for more would only delay it.
		for name, value := range map[string]string{"on-error": string(delivery.DeadLetter), "batch-wait": "0s"} {
			if _, given := s.options[name]; !given && p.Offers(name) {
				s.options[name] = value
			}
		}
	case policy == string(delivery.DeadLetter):
		return i, nil, &Invalid{[]string{"on-error: there is no place for dead letters of a source; write fail or skip"}}
	case policy == string(delivery.Skip):
		i.OnError = delivery.Skip
	}
	folder, err := scratch.New("vanus")
	if err != nil {
		return i, nil, err
	}
	remove = func() { _ = folder.Remove() } // what is left, the next start removes
	if i.Config, err = p.Configure(ctx, o.Env, folder.Path, s.name, s.options); err != nil {
		remove()
		return i, nil, err
	}
	return i, remove, nil
}

func runSource(ctx context.Context, i host.Instance, s *settings, log *slog.Logger) error {
	t, err := newTarget(s.target, s.name, s.attempts, log)
	if err != nil {
		return err
	}
	t.stops = i.OnError != delivery.Skip
	i.Limits.MaxInFlight = window
	defer t.Close() // again, if the run has got so far
	i.Topic = cloudevents.Redact(s.target)
	log.Info("sending events", "target", i.Topic, "attempts", s.attempts, "store", s.store.kind)
	return i.RunSource(ctx, t, &positions{s.store.open(), s.name})
}

func runSink(ctx context.Context, i host.Instance, s *settings, log *slog.Logger, within time.Duration) error {
	r, err := listen(ctx, s.port, within, log)
	if err != nil {
		return err
	}
	defer r.Close() // it has no error
	i.Dead, i.Status = r.refuse, r.status
	i.Topic = r.listener.Addr().String()
	log.Info("receiving events", "address", i.Topic)
	return i.RunSink(ctx, r)
}
