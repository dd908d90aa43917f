package common

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/patchbay-dev/patchbay/internal/observe"
)

// observing gives the flags that say who may watch.
func observing(flags shared) *observeFlags {
	switch f := flags.(type) {
	case *sourceFlags:
		return &f.Observe
	case *sinkFlags:
		return &f.Observe
	}
	return &observeFlags{}
}

// A watch makes a run visible: by its log, and by metrics and a progress line where they are wanted.
type watch struct {
	log     *slog.Logger
	metrics *observe.Metrics // nil when nobody wants them
	server  *observe.Server  // nil likewise
	stop    context.CancelFunc
	line    sync.WaitGroup
}

// watch begins to make a run visible, before anything else is opened. What it serves is served until close: requests are
// answered while the run ends, too.
func (p *program) watch(ctx context.Context, w world, flags shared, name string) (*watch, error) {
	t, _, _, _, l := flags.parts()
	o := observing(flags)
	line := progressWanted(w, flags)
	seen := &watch{}
	if o.MetricsAddr != "" || line {
		seen.metrics = observe.NewMetrics(observe.Info{
			Name: name, Connector: p.info.Name, Version: p.info.Version, Direction: string(p.direction), Topic: t.Topic,
		})
	}
	var progress *observe.Progress
	if line {
		progress = observe.NewProgress(w.stderr.(*os.File), seen.metrics)
	}
	seen.log = observe.NewLogger(progress.Wrap(w.stderr), l.LogLevel, l.LogFormat).With("connector", name)
	ctx, seen.stop = context.WithCancel(context.WithoutCancel(ctx))
	if o.MetricsAddr != "" {
		var err error
		seen.server, err = observe.Serve(ctx, observe.ServerConfig{
			Addr: o.MetricsAddr, Metrics: []*observe.Metrics{seen.metrics}, Profiles: o.Pprof, Log: seen.log,
		})
		if err != nil {
			seen.stop()
			return nil, err
		}
	}
	seen.line.Go(func() { progress.Run(ctx) })
	return seen, nil
}

// close ends what the watch serves and shows.
func (s *watch) close() {
	s.server.Close()
	s.stop()
	s.line.Wait()
}

// progressWanted reports whether a progress line helps. What the connector writes to standard output may come to the same
// terminal, by way of a pipe too: a line would be in between.
func progressWanted(w world, flags shared) bool {
	t, _, _, _, l := flags.parts()
	_, isSink := flags.(*sinkFlags)
	if (t.Topic == "-" || isSink) && mayBeShown(w.stdout) {
		return false
	}
	return observe.ProgressWanted(w.stderr, l.LogLevel, l.LogFormat)
}

// mayBeShown reports whether what is written to w may come to a terminal: it is one, or another program reads it.
func mayBeShown(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return true
	}
	info, err := f.Stat()
	return err != nil || observe.IsTerminal(f) || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// brokerStatus tells the metrics whether the broker can be reached; it is nil where there are none.
func brokerStatus(m *observe.Metrics) func(err error) {
	if m == nil {
		return nil
	}
	return func(err error) {
		if err != nil {
			m.Down(observe.Broker, err)
			return
		}
		m.Up(observe.Broker)
	}
}
