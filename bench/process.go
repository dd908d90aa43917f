package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A task is a program to run, or several joined by pipes.
type task struct {
	argv  [][]string // each a program and its arguments
	dir   string     // empty for the caller's
	env   []string   // the whole environment
	stdin string     // file that the first reads; empty for nothing
	out   string     // file that the last writes; empty for nowhere
	// starter says that the programs only start what is measured: their own memory does not count.
	starter bool
}

// A cost is what a task took, from the start of its first program to the end of its last.
type cost struct {
	wall time.Duration
	cpu  time.Duration // of all programs, in user mode and in the kernel
	peak int64         // bytes of memory that the largest program had at once, those that they started included
	all  int64         // the sum of the peaks of those that ran at one time
}

// waitDelay is how long a program that was asked to end may take to do so.
const waitDelay = 5 * time.Second

// run runs a task to its end. A status other than 0 is an error, which holds the end of what the program said on standard
// error.
func (t task) run(ctx context.Context) (cost, error) {
	var files []*os.File // ours, to be closed as soon as the programs have theirs
	defer func() {
		for _, f := range files {
			_ = f.Close() // read from, or closed by the program that wrote to it before
		}
	}()
	open := func(name string, flag int) (*os.File, error) {
		if name == "" {
			name = os.DevNull
		}
		f, err := os.OpenFile(name, flag, 0o600)
		files = append(files, f)
		return f, err
	}
	in, err := open(t.stdin, os.O_RDONLY)
	if err != nil {
		return cost{}, err
	}
	out, err := open(t.out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return cost{}, err
	}
	programs := make([]*exec.Cmd, len(t.argv))
	said := make([]bytes.Buffer, len(t.argv))
	for i, argv := range t.argv {
		p := exec.CommandContext(ctx, argv[0], argv[1:]...)
		p.Dir, p.Env, p.Stdin, p.Stderr, p.WaitDelay = t.dir, t.env, in, &said[i], waitDelay
		p.Cancel = func() error { return p.Process.Signal(os.Interrupt) }
		if p.Stdout = out; i < len(t.argv)-1 {
			r, w, err := os.Pipe()
			if err != nil {
				return cost{}, err
			}
			files = append(files, r, w)
			p.Stdout, in = w, r
		}
		programs[i] = p
	}
	return t.finish(programs, said, &files)
}

// finish starts the programs and waits for all of them.
func (t task) finish(programs []*exec.Cmd, said []bytes.Buffer, files *[]*os.File) (cost, error) {
	var c cost
	var errs []error
	began := time.Now()
	for i, p := range programs {
		if err := p.Start(); err != nil {
			errs = append(errs, err)
			programs = programs[:i]
			break
		}
	}
	for _, f := range *files { // else a reader would wait for us to write
		_ = f.Close()
	}
	*files = nil
	peaks := make([]func() (largest, together int64), len(programs))
	for i, p := range programs {
		peaks[i] = watchPeaks(p.Process.Pid, t.starter)
	}
	for i, p := range programs {
		if err := p.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: %s", filepath.Base(p.Path), err, lastLine(said[i].String())))
		}
		c.cpu += p.ProcessState.UserTime() + p.ProcessState.SystemTime()
		largest, together := peaks[i]()
		c.peak, c.all = max(c.peak, largest), c.all+together
	}
	c.wall = time.Since(began)
	return c, errors.Join(errs...)
}

// peakEvery is how often the peak of a program's memory is read. It only grows, so that little is missed at the end.
const peakEvery = 20 * time.Millisecond

// watchPeaks reads the peak of the memory of a program, unless it is a starter, and of those it starts and they start, until the
// returned function is called. That returns the highest and the highest sum of those that run at one time, 0 where the
// system does not tell. What getrusage(2) says of a child would not do: it counts the memory of whoever started it.
func watchPeaks(pid int, starter bool) func() (largest, together int64) {
	var largest, together int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(peakEvery)
		defer ticker.Stop()
		for {
			var sum int64
			for i, process := range family(strconv.Itoa(pid)) {
				if i > 0 || !starter {
					peak := peakOf(process)
					largest, sum = max(largest, peak), sum+peak
				}
			}
			together = max(together, sum)
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	}()
	return func() (int64, int64) {
		close(stop)
		<-stopped
		return largest, together
	}
}

// family is a process and all that it and those have started, which run now.
func family(pid string) []string {
	all := []string{pid}
	tasks, _ := filepath.Glob("/proc/" + pid + "/task/*/children") // none once it has ended; each thread has its own
	for _, task := range tasks {
		started, _ := os.ReadFile(task)
		for _, child := range strings.Fields(string(started)) {
			all = append(all, family(child)...)
		}
	}
	return all
}

// peakOf returns the peak of a process's memory so far, 0 where there is none.
func peakOf(pid string) int64 {
	text, _ := os.ReadFile("/proc/" + pid + "/status")
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib int64
	_, _ = fmt.Sscan(rest, &kib) // nothing where there is nothing
	return kib << 10
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// alternate runs the tasks in turn, as many rounds as are wanted, so that what else the machine does hits all alike. It
// returns the median of each.
func alternate(ctx context.Context, rounds int, tasks ...task) ([]cost, error) {
	costs := make([][]cost, len(tasks))
	for range rounds {
		for i, t := range tasks {
			c, err := t.run(ctx)
			if err != nil {
				return nil, err
			}
			costs[i] = append(costs[i], c)
		}
	}
	medians := make([]cost, len(tasks))
	for i, c := range costs {
		medians[i] = medianCost(c)
	}
	return medians, nil
}

// medianCost returns the medians of both times, and the highest peaks.
func medianCost(costs []cost) cost {
	var wall, cpu []time.Duration
	var peak, all int64
	for _, c := range costs {
		wall, cpu, peak, all = append(wall, c.wall), append(cpu, c.cpu), max(peak, c.peak), max(all, c.all)
	}
	return cost{median(wall), median(cpu), peak, all}
}

// median returns the middle of the values, the upper one of two.
func median[T time.Duration | float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// cleanEnv is an environment in which a connector finds nothing of the user's. Everything it writes goes below home.
func cleanEnv(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home, "LANG=C.UTF-8"}
}
