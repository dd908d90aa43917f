package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	startRounds = 60
	startGoal   = 6e-3 // seconds that a connector may take longer than a program with kong alone
)

// measureStart measures how long `metadata` takes, from the start of the process to its end, beside the least that a Go
// program takes and the least that one with kong takes.
func measureStart(ctx context.Context, b *bench) ([]Figure, error) {
	connectors, err := b.connectors()
	if err != nil {
		return nil, err
	}
	env := cleanEnv(b.scratch)
	tasks := []task{
		{argv: [][]string{{b.program("hello")}}, env: env},
		{argv: [][]string{{b.program("barekong"), "metadata"}}, env: env},
	}
	for _, name := range connectors {
		tasks = append(tasks, task{argv: [][]string{{b.program(name), "metadata"}}, env: env})
	}
	costs, err := alternate(ctx, startRounds, tasks...)
	if err != nil {
		return nil, err
	}
	bare := costs[1].wall.Seconds()
	figures := make([]Figure, 0, len(costs))
	for i, c := range costs {
		f := Figure{Value: c.wall.Seconds(), Unit: Seconds, Note: Seconds.format(c.cpu.Seconds()) + " CPU"}
		switch i {
		case 0:
			f.Name = "a hello-world program"
		case 1:
			f.Name = "a bare kong program"
		default:
			f.Name = connectors[i-2] + " metadata"
			f = f.judge(Goal{Most: bare + startGoal, Why: "bare kong + 6 ms"})
		}
		figures = append(figures, f)
	}
	figures[0].Note += fmt.Sprintf("; medians of %d alternated runs", startRounds)
	return figures, nil
}

// connectors lists the connectors that are built, generate-source first and the others by name.
func (b *bench) connectors() ([]string, error) {
	entries, err := os.ReadDir(b.bin)
	if err != nil {
		return nil, err
	}
	const first = "generate-source"
	names := []string{first}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, "-source") || strings.HasSuffix(name, "-sink") {
			if isProgram(filepath.Join(b.bin, name)) && name != first {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names[1:])
	return names, nil
}
