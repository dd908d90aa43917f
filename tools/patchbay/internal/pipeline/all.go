package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// Surroundings are where pipelines run.
type Surroundings struct {
	State       string    // folder that keeps positions; it is made
	MetricsAddr string    // where to serve metrics; empty for nowhere
	LogLevel    string    // of what the driver says itself
	LogFormat   string    // text or json
	Stdout      *os.File  // what sinks print; nil for nowhere
	Stderr      io.Writer // logs
}

// Run runs pipelines side by side and blocks until all have ended: by themselves, because they failed, or because ctx has
// ended and what was under way is finished. That one fails does not end the others. The error joins theirs, one line each.
func Run(ctx context.Context, all []*Pipeline, s Surroundings) error {
	l := &logs{Lines: connector.Lines{W: s.Stderr}, json: s.LogFormat == "json"}
	log := observe.NewLogger(l, s.LogLevel, s.LogFormat)
	metrics := make([]*observe.Metrics, len(all))
	for i, p := range all {
		metrics[i] = observe.NewMetrics(observe.Info{
			Name: p.Name, Topic: "-",
			Connector: filepath.Base(p.source.program.Path) + " " + filepath.Base(p.sink.program.Path),
			Version:   p.source.program.Version + " " + p.sink.program.Version,
		})
	}
	if s.MetricsAddr != "" {
		server, err := observe.Serve(context.WithoutCancel(ctx), observe.ServerConfig{Addr: s.MetricsAddr, Metrics: metrics, Log: log})
		if err != nil {
			return err
		}
		defer server.Close()
	}
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for i, p := range all {
		running.Go(func() {
			log := log.With("pipeline", p.Name)
			began := time.Now()
			err := p.run(ctx, s, engine{Limits: p.options.Limits, metrics: metrics[i], log: log}, l)
			if err != nil {
				errs[i] = fmt.Errorf("pipeline %s: %w", p.Name, err)
				metrics[i].Down(observe.Session, err)
				return
			}
			log.Info("the pipeline has ended", "after", time.Since(began))
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// run runs one pipeline. While it does, its folder holds the options of its connectors, readable by their owner only.
func (p *Pipeline) run(ctx context.Context, s Surroundings, e engine, l *logs) error {
	dir := filepath.Join(s.State, p.Name)
	store := state.NewFile(filepath.Join(dir, "position.json"))
	defer store.Close()
	if err := acquire(ctx, store, e); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("lock the saved position: %w", err)
	}
	e.store, e.Once = store, p.options.Once
	if p.letters != "" {
		e.letters = &letterFile{path: p.letters, pipeline: p.Name}
		defer e.letters.close()
	}
	for side, h := range map[string]half{sourceSide: p.source, sinkSide: p.sink} {
		path := filepath.Join(dir, side+".json")
		if err := writePrivate(path, h.config); err != nil {
			return err
		}
		defer os.Remove(path)
		c := link.Command{
			Path: h.program.Path, Name: p.Name, Config: path, Env: p.options.Env, Stderr: l.of(p.Name, side), Stdout: s.Stdout,
		}
		if side == sinkSide && !h.decides {
			c.Args = h.program.Saving(filepath.Join(dir, "aggregates.json"))
		}
		if side == sourceSide {
			e.source = c
		} else {
			e.sink = c
		}
	}
	return e.drive(ctx)
}

// acquire waits until no other process runs the pipeline.
func acquire(ctx context.Context, store state.Leased, e engine) error {
	said := false
	return state.Acquire(ctx, store, e.StartTimeout, nil, func(held *state.HeldError) error {
		if !said {
			said = true
			e.log.Warn("waiting until the pipeline runs nowhere else", "error", held)
		}
		return nil
	})
}

// writePrivate writes a file that only its owner can read, whoever could read one of that name before.
func writePrivate(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
