package faults_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

var (
	table = flag.String("faults.table", "", "write the results to this `file`, as a table in Markdown")
	runs  = flag.Int("faults.runs", 1, "how often each fault is tried")
	full  = flag.Bool("faults.full", false, "let faults last as long as they may in practice")
	logs  = flag.Bool("faults.logs", false, "show what the processes say, also where all is well")
)

// seedVariable names the seed of a run to be repeated.
const seedVariable = "PATCHBAY_FAULT_SEED"

// A rig is a source, a sink and what is between them, which a test breaks.
type rig struct {
	*testing.T
	random  *rand.Rand
	between topology
	dir     string
	grace   time.Duration // the shutdown timeout of sources and sinks

	sent    *ledger // of all sources
	written *ledger // of all sinks
}

// A fault is what a row of the table tells about.
type fault struct {
	name       string
	on         []string       // topologies; empty means all between a source and a sink that are started by the test
	duplicates map[string]int // the most that may be written, by topology; 0 where there is none
	recovery   time.Duration  // the longest it may take until records flow again; 0 where that is not measured
	reorders   bool           // a publish may be tried again, and arrive after younger ones
}

// run tries a fault on every topology it applies to, as often as asked for. break runs with everything set up and nothing
// started, and returns the outcome.
func run(t *testing.T, f fault, try func(r *rig) outcome) {
	t.Parallel()
	for _, between := range topologies() {
		if !slices.Contains(f.on, between) && (len(f.on) > 0 || between == onLink) {
			continue
		}
		t.Run(between, func(t *testing.T) {
			t.Parallel()
			if *runs == 1 {
				f.once(t, between, try)
				return
			}
			for i := range *runs {
				t.Run(strconv.Itoa(i+1), func(t *testing.T) { f.once(t, between, try) })
			}
		})
	}
}

func (f fault) once(t *testing.T, between string, try func(r *rig) outcome) {
	seed := seed()
	t.Logf("%s=%d repeats it", seedVariable, seed)
	r := newRig(t, between, seed)
	o := try(r)
	t.Log(o)
	f.judge(t, between, o)
	report(f, between, o)
}

func (f fault) judge(t *testing.T, between string, o outcome) {
	t.Helper()
	if o.Lost > 0 {
		t.Errorf("%d records are lost", o.Lost)
	}
	if bound := f.duplicates[between]; o.Duplicates > bound {
		t.Errorf("%d duplicates, %d at most are allowed", o.Duplicates, bound)
	}
	if o.Reordered > 0 && !f.reorders {
		t.Errorf("%d records overtook others", o.Reordered)
	}
	if f.recovery > 0 && o.Recovery > f.recovery {
		t.Errorf("it took %v until records flowed again, %v at most are allowed", o.Recovery, f.recovery)
	}
}

// seed returns the seed of a run: that of the environment, else a new one.
func seed() uint64 {
	if text := os.Getenv(seedVariable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", seedVariable, err))
		}
		return n
	}
	return rand.Uint64N(1e9)
}

func newRig(t *testing.T, between string, seed uint64) *rig {
	r := &rig{T: t, random: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), grace: 10 * time.Second}
	r.sent, r.written = newLedger(r.path("sent")), newLedger(r.path("written"))
	r.between = build(r, between)
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// touch makes a file that tells a source or a sink something.
func (r *rig) touch(name string) {
	r.Helper()
	if err := os.WriteFile(r.path(name), nil, 0o600); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) remove(name string) {
	r.Helper()
	if err := os.Remove(r.path(name)); err != nil {
		r.Fatal(err)
	}
}

// source starts a source with some more flags.
func (r *rig) source(flags ...string) *process { return r.sourceAs("source", flags...) }

func (r *rig) sourceAs(part string, flags ...string) *process {
	r.Helper()
	args := append(r.between.source(), "--name", "numbers", "--ledger", r.sent.path, "--until", r.path("until"),
		"--shutdown-timeout", r.grace.String(), "--max-in-flight", strconv.Itoa(inFlight))
	return start(r.T, r.dir, part, append(args, flags...)...)
}

// sink starts a sink with some more flags.
func (r *rig) sink(flags ...string) *process {
	r.Helper()
	args := append(r.between.sink(), "--name", "notes", "--ledger", r.written.path, "--hold", r.path("hold"), "--stall",
		r.path("stall"), "--shutdown-timeout", r.grace.String(), "--max-in-flight", strconv.Itoa(inFlight))
	return start(r.T, r.dir, "sink", append(args, flags...)...)
}

// progress waits for n more lines with a word in a ledger.
func (r *rig) progress(l *ledger, word string, n int) {
	r.Helper()
	goal := l.read(r.T).count[word] + n
	await(r.T, fmt.Sprintf("%d lines %q, have %d", goal, word, l.count[word]), func() bool { return l.read(r.T).count[word] >= goal })
}

// hold keeps what sinks write from being acknowledged, and returns once there is such a thing.
func (r *rig) hold() { r.shut("hold", "holding") }

// stall keeps sinks from writing what they have, and returns once there is such a thing.
func (r *rig) stall() { r.shut("stall", "stalled") }

func (r *rig) shut(file, word string) {
	r.Helper()
	before := r.written.read(r.T).count[word]
	r.touch(file)
	await(r.T, "a sink that is "+word, func() bool { return r.written.read(r.T).count[word] > before })
}

// some is a random number of records that may pass before the next fault.
func (r *rig) some() int { return 50 + r.random.IntN(400) }

// finish lets the source come to its end, waits for the sink to have everything, stops it, and judges.
func (r *rig) finish(source, sink *process) outcome {
	r.Helper()
	last := 0
	for _, n := range r.sent.read(r.T).highest("sent") {
		last = max(last, n)
	}
	r.end(last + 100)
	source.wait(0)
	r.arrived()
	r.stop(sink)
	return compare(r.sent.read(r.T), r.written.read(r.T))
}

// end says which is the last number of each partition.
func (r *rig) end(last int) {
	r.Helper()
	if err := os.WriteFile(r.path("until"), []byte(strconv.Itoa(last)), 0o600); err != nil {
		r.Fatal(err)
	}
}

// arrived waits until everything that was sent is written, or it is clear that it never will be.
func (r *rig) arrived() {
	r.Helper()
	awaitFor(patience, func() bool { return compare(r.sent.read(r.T), r.written.read(r.T)).Lost == 0 })
}

// stop asks a source or a sink to end, and wants a clean end within the grace time.
func (r *rig) stop(p *process) {
	r.Helper()
	p.stop(0, r.grace)
}

// lasts lets a fault last for some time. It is no wait for anything.
func (r *rig) lasts(d time.Duration) {
	r.Helper()
	<-time.After(d)
}

// recovery returns how long after from the next line with a word came.
func (r *rig) recovery(l *ledger, word string, from time.Time) time.Duration {
	r.Helper()
	r.progress(l, word, 1)
	return max(0, l.moved[word].Sub(from))
}
