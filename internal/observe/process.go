package observe

import (
	"bytes"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// ticks is how many units of CPU time Linux counts in a second, whatever the machine.
const ticks = 100

// A reading is what the process says of itself. A value that the system does not tell is NaN.
type reading struct {
	cpu, started, resident, virtual, files, maxFiles float64
	goroutines, heap, allocated, system              float64
}

// processFamilies are the metrics of the process, under the names that every Go program gives them.
var processFamilies = []struct {
	name       string
	kind       kind
	unit, help string
	value      func(r *reading) float64
}{
	{
		"process_cpu_seconds_total", counter, "seconds", "CPU time that the process used.",
		func(r *reading) float64 { return r.cpu },
	},
	{
		"process_start_time_seconds", gauge, "seconds", "When the process started, since 1970.",
		func(r *reading) float64 { return r.started },
	},
	{
		"process_resident_memory_bytes", gauge, "bytes", "Memory that the process holds.",
		func(r *reading) float64 { return r.resident },
	},
	{
		"process_virtual_memory_bytes", gauge, "bytes", "Address space of the process.",
		func(r *reading) float64 { return r.virtual },
	},
	{
		"process_open_fds", gauge, "files", "Open files and connections.",
		func(r *reading) float64 { return r.files },
	},
	{
		"process_max_fds", gauge, "files", "Most open files and connections.",
		func(r *reading) float64 { return r.maxFiles },
	},
	{
		"go_goroutines", gauge, "goroutines", "Goroutines that exist.",
		func(r *reading) float64 { return r.goroutines },
	},
	{
		"go_memstats_heap_alloc_bytes", gauge, "bytes", "Memory in live and not yet collected objects.",
		func(r *reading) float64 { return r.heap },
	},
	{
		"go_memstats_sys_bytes", gauge, "bytes", "Memory that the Go runtime took from the system.",
		func(r *reading) float64 { return r.system },
	},
	{
		"go_memstats_alloc_bytes_total", counter, "bytes", "Memory that was ever allocated for objects.",
		func(r *reading) float64 { return r.allocated },
	},
}

func (e *exposition) process(r *reading) {
	for i := range processFamilies {
		f := &processFamilies[i]
		e.family(f.name, f.kind, f.help, func() {
			if v := f.value(r); !math.IsNaN(v) {
				e.sample("", v)
			}
		})
	}
}

// readProcess asks the runtime, and the system where it has /proc as Linux does.
func readProcess() *reading {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	unknown := math.NaN()
	r := &reading{
		cpu: unknown, started: unknown, resident: unknown, virtual: unknown, files: unknown, maxFiles: unknown,
		goroutines: float64(runtime.NumGoroutine()),
		heap:       float64(mem.HeapAlloc), allocated: float64(mem.TotalAlloc), system: float64(mem.Sys),
	}
	if fields := statFields(); len(fields) > 21 {
		r.cpu = (number(fields[11]) + number(fields[12])) / ticks
		r.started = bootTime() + number(fields[19])/ticks
		r.virtual = number(fields[20])
		r.resident = number(fields[21]) * float64(os.Getpagesize())
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		r.files = float64(len(open) - 1) // one is the folder's own
	}
	r.maxFiles = number(word("/proc/self/limits", "Max open files"))
	return r
}

// statFields returns what /proc/self/stat says after the program's name, which may hold anything.
func statFields() []string {
	text, _ := os.ReadFile("/proc/self/stat")
	_, rest, _ := bytes.Cut(text, []byte(") "))
	return strings.Fields(string(rest))
}

func bootTime() float64 { return number(word("/proc/stat", "btime")) }

// word returns the first word after a prefix in a file of lines; nothing if there is none.
func word(path, prefix string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			if words := strings.Fields(rest); len(words) > 0 {
				return words[0]
			}
		}
	}
	return ""
}

// number is NaN where the text is no number.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}
