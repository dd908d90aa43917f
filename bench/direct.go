package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const (
	directRecords = 1_000_000
	directRate    = 150_000 // records a second
)

// measureDirect measures records a second through a direct pipeline: a source, the driver and a sink, three processes, each
// record acknowledged to the source after the sink had it. The time is that of patchbay run, from its start to its end.
func measureDirect(ctx context.Context, b *bench) ([]Figure, error) {
	home, err := os.MkdirTemp(b.scratch, "direct-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env := append(cleanEnv(home), "XDG_STATE_HOME="+home)
	out := filepath.Join(home, "out")
	round := 0
	direct, err := throughput(ctx, "memory-source to stdout-sink, "+pipeSize, directRecords, func(int) task {
		round++ // under a name of its own each, so that it starts from the beginning
		return task{argv: [][]string{{b.program("patchbay"), "run", "--log-level", "warn", b.pipelineFile(home, round)}}, env: env, out: out}
	})
	if err != nil {
		return nil, err
	}
	return []Figure{direct.judge(Goal{Least: directRate})}, nil
}

// pipelineFile writes a pipeline and returns its path. An error shows when it is read.
func (b *bench) pipelineFile(dir string, round int) string {
	type side struct {
		Type       string         `json:"type"`
		Parameters map[string]any `json:"parameters,omitempty"`
	}
	text, _ := json.Marshal(map[string]any{ // of values that can be written
		"source": side{b.program("memory-source"), map[string]any{"count": directRecords, "size": pipeSize}},
		"sink":   side{Type: b.program("stdout-sink")},
	})
	path := filepath.Join(dir, fmt.Sprintf("direct-%d.json", round))
	_ = os.WriteFile(path, text, 0o600)
	return path
}
