package kps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/scratch"
)

// lastCalls is how long calls that are under way may take when the service ends.
const lastCalls = time.Second

// Options are what Run needs. Those without a comment of their own are named like the flags of the command.
type Options struct {
	Words  []string // one or two connectors, and flags for them
	Dirs   []string // where connectors are
	Env    []string // the environment of connectors
	State  string   // folder that keeps positions
	Stderr io.Writer

	LogLevel, LogFormat                                string // of this process, and of connectors that are told nothing else
	ConnectorID, Broker, NATSName, PushGateway, Listen string
	ShutdownTimeout                                    time.Duration
}

// A UsageError is wrong usage.
type UsageError struct{ Err error }

// Error says what is wrong.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *UsageError) Unwrap() error { return e.Err }

// Run serves one or two connectors to the platform until ctx ends and what is under way is finished. It blocks. It logs the
// address on which it serves.
func Run(ctx context.Context, o Options) error {
	out := &logs{Lines: connector.Lines{W: o.Stderr}, json: o.LogFormat == "json"}
	log := observe.NewLogger(out, o.LogLevel, o.LogFormat)
	sides, err := find(ctx, o)
	switch {
	case ctx.Err() != nil && err != nil: // it was broken off
		return nil
	case err != nil:
		return &UsageError{err}
	}
	broker, err := coreURL(o.Broker)
	if err != nil {
		return &UsageError{err}
	}
	counts := &counters{}
	var push *pusher
	if o.PushGateway != "" {
		if push, err = newPusher(o.PushGateway, o.ConnectorID, counts, log); err != nil {
			return &UsageError{err}
		}
	}
	folder, err := scratch.New("kps")
	if err != nil {
		return err
	}
	defer folder.Remove() // what is left, the next start removes
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err // names the address
	}
	d := &desired{
		surroundings: surroundings{
			folder: folder.Path, state: statePath(o.State, o.ConnectorID), broker: broker, natsName: o.NATSName,
			shutdownTimeout: o.ShutdownTimeout, log: log, lines: out.of, events: &events{}, counters: counts,
		},
		sides: sides, streams: map[string]*stream{}, ending: map[string]<-chan struct{}{},
	}
	var background sync.WaitGroup
	running, ended := context.WithCancel(context.Background())
	if push != nil {
		background.Go(func() { push.run(running) })
	}
	err = serve(ctx, listener, &service{connectorID: o.ConnectorID, desired: d, discovery: &discovery{desired: d}}, log)
	d.close()
	ended()
	background.Wait()
	return err
}

// serve answers calls until ctx ends.
func serve(ctx context.Context, listener net.Listener, s *service, log *slog.Logger) error {
	server := grpc.NewServer()
	pb.RegisterConnectorServiceServer(server, s)
	log.Info("serving connector.v1.ConnectorService", "address", listener.Addr().String(), "connector", s.connectorID)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	late := time.AfterFunc(lastCalls, server.Stop)
	defer late.Stop()
	server.GracefulStop()
	return <-failed
}

// find finds the connectors, one a direction, and gives them their flags.
func find(ctx context.Context, o Options) (map[pb.StreamDirection]*side, error) {
	var names []string
	flags := o.Words
	for len(flags) > 0 && !strings.HasPrefix(flags[0], "-") {
		names, flags = append(names, flags[0]), flags[1:]
	}
	if len(names) == 0 || len(names) > 2 {
		return nil, errors.New("name one or two connectors after --, before their flags, as in: patchbay kps -- http-source http-sink")
	}
	finder := connector.Finder{Dirs: o.Dirs, Env: o.Env}
	sides := map[pb.StreamDirection]*side{}
	var all []*side
	for _, name := range names {
		program, err := finder.Find(ctx, name)
		if err != nil {
			return nil, err
		}
		s, err := newSide(program, o.Env)
		if err != nil {
			return nil, err
		}
		direction := pb.StreamDirection_STREAM_DIRECTION_EGRESS
		if program.Direction == metadata.Source {
			direction = pb.StreamDirection_STREAM_DIRECTION_INGRESS
		}
		if other := sides[direction]; other != nil {
			return nil, fmt.Errorf("%s and %s are both a %s: of two connectors one is a source and one a sink",
				filepath.Base(other.program.Path), filepath.Base(program.Path), program.Direction)
		}
		sides[direction] = s
		all = append(all, s)
	}
	return sides, fix(all, flags, map[string]any{"log-level": o.LogLevel, "log-format": o.LogFormat})
}
