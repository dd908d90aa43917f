package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	jqRecords = 100_000
	jqRounds  = 3
)

// transforms are what is compared: in the process by a benchmark of that name, and as programs.
var transforms = []struct{ kind, jq, expr string }{
	{"filter", "select(.n % 2 == 0)", ".n % 2 == 0"},
	{"map", "{a: .x, b: .y}", "{a: .x, b: .y}"},
}

// measureJQ measures a filter and a map on records of 300 bytes. In one process: the transforms of connectors beside a bare
// loop over the same library. As programs: a sink beside jq, from a file of records to nowhere.
func measureJQ(ctx context.Context, b *bench) ([]Figure, error) {
	figures, err := jqInProcess(ctx)
	if err != nil {
		return nil, err
	}
	programs, err := jqPrograms(ctx, b)
	return append(figures, programs...), err
}

// jqInProcess runs the benchmarks of internal/transform, which are part of its tests.
func jqInProcess(ctx context.Context) ([]Figure, error) {
	output, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Apply|BareLoop)$",
		"-benchtime", "300ms", "-count", strconv.Itoa(jqRounds), "./internal/transform").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench: %w: %s", err, lastLine(string(output)))
	}
	times := benchTimes(string(output))
	var figures []Figure
	for _, t := range transforms {
		ours, bare := times["Apply/"+t.kind], times["BareLoop/"+t.kind]
		if len(ours) == 0 || len(bare) == 0 {
			return nil, fmt.Errorf("go test -bench: no times of %s", t.kind)
		}
		loop := Figure{Name: t.kind + ", bare gojq loop", Value: median(bare), Unit: Seconds, Note: "a record, in one process"}
		f := Figure{Name: t.kind + ", connectors' own", Value: median(ours), Unit: Seconds, Note: loop.Note}
		figures = append(figures, f.judge(Goal{Most: loop.Value, Why: "bare loop"}), loop)
	}
	return figures, nil
}

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

// benchTimes reads the output of go test -bench: seconds for each operation, by the benchmark's name.
func benchTimes(output string) map[string][]float64 {
	times := map[string][]float64{}
	for _, m := range benchLine.FindAllStringSubmatch(output, -1) {
		if ns, err := strconv.ParseFloat(m[2], 64); err == nil {
			times[m[1]] = append(times[m[1]], ns/1e9)
		}
	}
	return times
}

// jqPrograms runs jq and stdout-sink over the same file.
func jqPrograms(ctx context.Context, b *bench) ([]Figure, error) {
	if _, err := exec.LookPath("jq"); err != nil {
		return []Figure{{Name: "jq", Error: "there is no jq: test/install.sh bats"}}, nil
	}
	version, err := exec.CommandContext(ctx, "jq", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("jq --version: %w", err)
	}
	records := filepath.Join(b.scratch, "records.json")
	if err := writeRecords(records); err != nil {
		return nil, err
	}
	defer os.Remove(records)
	var figures []Figure
	for _, t := range transforms {
		task := task{env: cleanEnv(b.scratch), stdin: records}
		jq, sink := task, task
		jq.argv = [][]string{{"jq", "-c", t.jq}}
		sink.argv = [][]string{{b.program("stdout-sink"), "--topic", "-", "--" + t.kind, t.expr}}
		costs, err := alternate(ctx, jqRounds, jq, sink)
		if err != nil {
			return nil, err
		}
		var each [2]Figure
		for i, c := range costs {
			each[i] = Figure{
				Value: c.cpu.Seconds() / jqRecords, Unit: Seconds,
				Note: fmt.Sprintf("CPU a record, %s by the clock", Seconds.format(c.wall.Seconds()/jqRecords)),
			}
		}
		each[0].Name = t.kind + ", " + strings.TrimSpace(string(version)) + " as a program"
		each[1].Name = t.kind + ", stdout-sink as a program"
		figures = append(figures, each[1].judge(Goal{Most: each[0].Value, Why: "jq"}), each[0])
	}
	return figures, nil
}

// writeRecords writes records of 300 bytes, each with its line feed one more.
func writeRecords(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	for n := range jqRecords {
		head := fmt.Sprintf(`{"n":%d,"x":1234567,"y":"a short string","id":"7f1c2a90-33d1-4c57-9a5e-0d4f2f3b6c11",`+
			`"price":19.95,"active":true,"tags":["red","green","blue"],"at":"2026-03-04T05:06:07.089Z",`+
			`"owner":{"name":"Ada Lovelace","email":"ada@example.com"},"note":"`, n)
		fmt.Fprintf(out, "%s%0*d\"}\n", head, 300-len(head)-2, 0)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}
