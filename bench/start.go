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
	var tasks []task
	for i, name := range append([]string{"hello", "barekong"}, connectors...) {
		program, err := b.installed(name)
		if err != nil {
			return nil, err
		}
		argv := []string{program, "metadata"}
		tasks = append(tasks, task{argv: [][]string{argv[:min(i+1, 2)]}, env: env}) // hello takes no argument
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

// installed copies a program, as an installation does, and returns the path of the copy. What the linker wrote lies in the
// page cache in small pieces, which costs a millisecond at each start until the file is read anew.
func (b *bench) installed(name string) (string, error) {
	text, err := os.ReadFile(b.program(name))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.scratch, "installed")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, text, 0o755)
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
