package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

const (
	pipeRounds  = 3
	pipeRecords = 200_000
	natsRecords = 100_000
	pipeSize    = "256B"
)

// measurePipe measures records a second of 256 bytes, whole processes from start to end: through a pipe, and out to and in
// from the local broker, which is started for the purpose and keeps its data in the scratch folder.
func measurePipe(ctx context.Context, b *bench) (figures []Figure, err error) {
	home, err := os.MkdirTemp(b.scratch, "pipe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env := append(cleanEnv(home), "XDG_DATA_HOME="+home, "XDG_STATE_HOME="+home, "PATCHBAY_BROKER_IDLE_TIMEOUT=1m")
	out := filepath.Join(home, "out")
	generate := func(topic string, count int) []string {
		return []string{
			b.program("generate-source"), "--topic", topic, "--rate", "0", "--count", strconv.Itoa(count), "--size", pipeSize,
		}
	}
	read := func(topic string, args ...string) []string {
		return append([]string{b.program("stdout-sink"), "--topic", topic}, args...)
	}

	pipe, err := throughput(ctx, "generate-source | stdout-sink", pipeRecords, func(int) task {
		return task{argv: [][]string{generate("-", pipeRecords), read("-")}, env: env, out: out}
	})
	if err != nil {
		return nil, err
	}
	figures = append(figures, pipe)

	// The broker is started by the first who needs it, before anything is measured.
	defer func() {
		stop := exec.Command(b.program("patchbay"), "broker", "stop")
		stop.Env = env
		if text, failed := stop.CombinedOutput(); failed != nil {
			err = errors.Join(err, fmt.Errorf("patchbay broker stop: %w: %s", failed, lastLine(string(text))))
		}
	}()
	if _, err := (task{argv: [][]string{generate("warm", 1)}, env: env}).run(ctx); err != nil {
		return figures, err
	}
	topic := func(round int) string { return "round-" + strconv.Itoa(round) }
	publish, err := throughput(ctx, "generate-source to the local broker", natsRecords, func(round int) task {
		return task{argv: [][]string{generate(topic(round), natsRecords)}, env: env}
	})
	if err != nil {
		return figures, err
	}
	figures = append(figures, publish)
	consume, err := throughput(ctx, "stdout-sink from the local broker", natsRecords, func(round int) task {
		return task{argv: [][]string{read(topic(round), "--once")}, env: env, out: out}
	})
	if err != nil {
		return figures, err
	}
	return append(figures, consume), nil
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
