package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

const (
	pipeRounds  = 3
	pipeRecords = 200_000
	pipeSize    = "256B"
)

// measurePipe measures records a second of 256 bytes through a pipe, whole processes from start to end.
func measurePipe(ctx context.Context, b *bench) ([]Figure, error) {
	home, err := os.MkdirTemp(b.scratch, "pipe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env := cleanEnv(home)
	out := filepath.Join(home, "out")
	generate := []string{
		b.program("generate-source"), "--topic", "-", "--rate", "0", "--count", strconv.Itoa(pipeRecords), "--size", pipeSize,
	}
	print := []string{b.program("stdout-sink"), "--topic", "-"}
	pipe, err := throughput(ctx, "generate-source | stdout-sink", pipeRecords, func(int) task {
		return task{argv: [][]string{generate, print}, env: env, out: out}
	})
	if err != nil {
		return nil, err
	}
	return []Figure{pipe}, nil
}

// throughput runs a task for some rounds and returns the median of records a second. Where the task has an output, every
// record must have arrived there.
func throughput(ctx context.Context, name string, records int, round func(int) task) (Figure, error) {
	var costs []cost
	for i := range pipeRounds {
		t := round(i)
		c, err := t.run(ctx)
		if err != nil {
			return Figure{}, fmt.Errorf("%s: %w", name, err)
		}
		costs = append(costs, c)
		if t.out == "" {
			continue
		}
		if n, err := countLines(t.out); err != nil || n != records {
			return Figure{}, errors.Join(err, fmt.Errorf("%s: %d records of %d arrived", name, n, records))
		}
	}
	c := medianCost(costs)
	return Figure{
		Name: name, Value: float64(records) / c.wall.Seconds(), Unit: Rate,
		Note: fmt.Sprintf("%d records of %s, %s CPU a record", records, pipeSize, Seconds.format(c.cpu.Seconds()/float64(records))),
	}, nil
}

// countLines counts the line feeds of a file.
func countLines(path string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, buf := 0, make([]byte, 1<<16)
	for {
		got, err := file.Read(buf)
		n += bytes.Count(buf[:got], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
