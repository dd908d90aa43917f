package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	brokerRounds  = 5
	brokerRecords = 300_000
	// brokerRate and brokerCost bound what delivery may take beside a loop over the same client library.
	brokerRate = 0.9
	brokerCost = 1.2
	// brokerPeak bounds the memory of a connector at full speed.
	brokerPeak = 40 << 20
)

// measureBroker measures records a second out to the local broker and in from it, and what that costs the process in CPU
// time, beside a program that does the same with the client library alone: the same ids, as many in flight, each record
// acknowledged. The broker is started for the purpose and keeps its data in the scratch folder.
func measureBroker(ctx context.Context, b *bench) (figures []Figure, err error) {
	home, err := os.MkdirTemp(b.scratch, "broker-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env, url, stop, err := b.startBroker(ctx, home)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, size := range []int{256, 1024} {
		figs, err := b.beside(ctx, env, url, filepath.Join(home, "out"), size)
		if err != nil {
			return figures, err
		}
		figures = append(figures, figs...)
	}
	return figures, nil
}

// startBroker starts a local broker that keeps its data in home. It returns the environment in which programs find it, its
// address, and how to stop it.
func (b *bench) startBroker(ctx context.Context, home string) (env []string, url string, stop func() error, err error) {
	env = append(cleanEnv(home), "XDG_DATA_HOME="+home, "XDG_STATE_HOME="+home, "PATCHBAY_BROKER_IDLE_TIMEOUT=1m",
		"PATCHBAY_BIN="+b.program("patchbay"), "PATCHBAY_LOG_LEVEL=warn")
	start := task{argv: [][]string{{b.program("generate-source"), "--topic", "warm", "--count", "1"}}, env: env}
	if _, err := start.run(ctx); err != nil {
		return nil, "", nil, err
	}
	stop = func() error {
		stop := exec.Command(b.program("patchbay"), "broker", "stop")
		stop.Env = env
		if text, err := stop.CombinedOutput(); err != nil {
			return fmt.Errorf("patchbay broker stop: %w: %s", err, lastLine(string(text)))
		}
		return nil
	}
	status := exec.CommandContext(ctx, b.program("patchbay"), "broker", "status")
	status.Env = env
	text, err := status.Output()
	if err != nil {
		return nil, "", nil, errors.Join(fmt.Errorf("patchbay broker status: %w", err), stop())
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return env, strings.TrimSpace(strings.TrimPrefix(first, "url")), stop, nil
}

// beside measures records of one size. The programs take turns, so that what else the machine does hits all alike.
func (b *bench) beside(ctx context.Context, env []string, url, out string, size int) ([]Figure, error) {
	count := strconv.Itoa(brokerRecords)
	var costs [4][]cost
	for round := range brokerRounds {
		bare, ours := fmt.Sprintf("bare-%d-%d", size, round), fmt.Sprintf("ours-%d-%d", size, round)
		tasks := [4]task{
			{argv: [][]string{{b.program("bareloop"), "--broker", url, "--topic", bare, "--count", count, "--size", strconv.Itoa(size)}}},
			{argv: [][]string{{b.program("memory-source"), "--broker", url, "--topic", ours, "--count", count, "--size", fmt.Sprintf("%dB", size)}}},
			{argv: [][]string{{b.program("bareloop"), "--broker", url, "--topic", bare, "--count", count, "--read"}}, out: out},
			{argv: [][]string{{b.program("stdout-sink"), "--broker", url, "--topic", ours, "--once"}}, out: out},
		}
		for i, t := range tasks {
			t.env = env
			c, err := t.run(ctx)
			if err != nil {
				return nil, err
			}
			costs[i] = append(costs[i], c)
			if t.out == "" {
				continue
			}
			if n, err := countLines(out); err != nil || n != brokerRecords {
				return nil, errors.Join(err, fmt.Errorf("%s: %d records of %d arrived", filepath.Base(t.argv[0][0]), n, brokerRecords))
			}
		}
	}
	var figures []Figure
	for i, way := range []string{"out to the local broker", "in from the local broker, to a file"} {
		bare, ours := medianCost(costs[2*i]), medianCost(costs[2*i+1])
		rate := func(c cost) float64 { return brokerRecords / c.wall.Seconds() }
		each := func(c cost) float64 { return c.cpu.Seconds() / brokerRecords }
		name := fmt.Sprintf("%s, %d B", way, size)
		figures = append(figures,
			Figure{Name: name, Value: rate(ours), Unit: Rate, Note: fmt.Sprintf("%d records", brokerRecords)}.
				judge(Goal{Least: brokerRate * rate(bare), Why: "90 % of the bare loop"}),
			Figure{Name: name + ", CPU a record", Value: each(ours), Unit: Seconds}.
				judge(Goal{Most: brokerCost * each(bare), Why: "1.2 times the bare loop"}),
			Figure{Name: name + ", memory", Value: float64(ours.peak), Unit: Bytes, Note: "peak"}.
				judge(Goal{Most: brokerPeak}))
	}
	return figures, nil
}
