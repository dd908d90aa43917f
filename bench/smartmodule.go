package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// guestFactor is how much CPU a record may take in a SmartModule, over what the module's own code takes.
const guestFactor = 1.3

// guests are the SmartModules of examples/smartmodules that are measured: the one looks at bytes, the other reads JSON.
var guests = []string{"contains", "mask"}

// measureSmartModule runs the benchmarks of internal/smartmodule: records of 300 bytes in batches of 100, beside the guest alone,
// whose input was encoded before, whose answer nobody reads, and which nothing bounds; and a start from the cache.
func measureSmartModule(ctx context.Context, _ *bench) ([]Figure, error) {
	output, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Run|BareGuest|WarmStart)$",
		"-benchtime", "300ms", "-count", "3", "./internal/smartmodule").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench: %w: %s", err, lastLine(string(output)))
	}
	times := benchCPU(string(output))
	var figures []Figure
	for _, guest := range guests {
		ours, bare, start := times["Run/"+guest], times["BareGuest/"+guest], times["WarmStart/"+guest]
		if len(ours) == 0 || len(bare) == 0 || len(start) == 0 {
			return nil, fmt.Errorf("go test -bench: no times of %s", guest)
		}
		alone := Figure{Name: guest + ", the guest alone", Value: median(bare), Unit: Seconds, Note: "CPU a record, batches of 100"}
		f := Figure{Name: guest + ", batched by 100", Value: median(ours), Unit: Seconds, Note: alone.Note}
		warm := Figure{Name: guest + ", warm start", Value: median(start), Unit: Seconds, Note: "CPU, from compiled code in the cache"}
		figures = append(figures, f.judge(Goal{Most: guestFactor * alone.Value, Why: "1.3 times the guest"}), alone, warm.judge(Goal{Most: 0.05}))
	}
	return figures, nil
}

var cpuLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s.*?([0-9.]+) cpu-(ns|ms)/`)

// benchCPU reads CPU times in the output of go test -bench: in seconds, by the benchmark's name.
func benchCPU(output string) map[string][]float64 {
	units := map[string]float64{"ns": 1e-9, "ms": 1e-3}
	times := map[string][]float64{}
	for _, m := range cpuLine.FindAllStringSubmatch(output, -1) {
		if t, err := strconv.ParseFloat(m[2], 64); err == nil {
			times[m[1]] = append(times[m[1]], t*units[m[3]])
		}
	}
	return times
}
