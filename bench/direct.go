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
	growthRecords = 10 * directRecords
	growthMost    = 1.1 // times the peak for a tenth of the records
)

// measureDirect measures records a second through a direct pipeline: a source, the driver and a sink, three processes, each
// record acknowledged to the source after the sink had it. The time is that of patchbay run, from its start to its end. Then
// it measures whether memory grows with the number of records.
func measureDirect(ctx context.Context, b *bench) ([]Figure, error) {
	home, err := os.MkdirTemp(b.scratch, "direct-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env := append(cleanEnv(home), "XDG_STATE_HOME="+home)
	pipeline := 0
	run := func(records int, out string) task {
		pipeline++ // under a name of its own each, so that it starts from the beginning
		file := b.pipelineFile(home, pipeline, records)
		return task{argv: [][]string{{b.program("patchbay"), "run", "--log-level", "warn", file}}, env: env, out: out}
	}
	const name = "memory-source to stdout-sink, " + pipeSize
	direct, err := throughput(ctx, name, directRecords, func(int) task { return run(directRecords, filepath.Join(home, "out")) })
	if err != nil {
		return nil, err
	}
	few, err := run(directRecords, "").run(ctx)
	if err != nil {
		return nil, err
	}
	many, err := run(growthRecords, "").run(ctx)
	if err != nil {
		return nil, err
	}
	return []Figure{
		direct.judge(Goal{Least: directRate}),
		Figure{
			Name: name + ", memory", Value: float64(many.peak), Unit: Bytes,
			Note: fmt.Sprintf("peak of the largest of the three processes after %d records", growthRecords),
		}.judge(Goal{Most: growthMost * float64(few.peak), Why: fmt.Sprintf("1.1 times that after %d", directRecords)}),
	}, nil
}

// pipelineFile writes a pipeline and returns its path. An error shows when it is read.
func (b *bench) pipelineFile(dir string, number, records int) string {
	type side struct {
		Type       string         `json:"type"`
		Parameters map[string]any `json:"parameters,omitempty"`
	}
	text, _ := json.Marshal(map[string]any{ // of values that can be written
		"source": side{b.program("memory-source"), map[string]any{"count": records, "size": pipeSize}},
		"sink":   side{Type: b.program("stdout-sink")},
	})
	path := filepath.Join(dir, fmt.Sprintf("direct-%d.json", number))
	_ = os.WriteFile(path, text, 0o600)
	return path
}
