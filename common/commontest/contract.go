package commontest

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
)

// A Promise says how a connector is tried by Contract.
type Promise struct {
	// Args are the connector's options.
	Args []string
	// Resumes says that a source goes on after what was delivered when it is started again, as Info.Resumes does.
	Resumes bool
	// More lets a source have n more records than it has. nil is for one that makes them itself, without end.
	More func(n int)
	// NoOnce says that a source has no end with --once either.
	NoOnce bool
	// Records are what a sink is given; at least two. None means ten numbers.
	Records []common.Record
	// Written returns how many records the target of a sink has got since the test began, repeats counted. nil leaves that
	// unlooked at.
	Written func() int
	// Block keeps the target of a sink from taking anything until release is called. nil leaves out what it is for.
	Block func() (release func())
}

// Contract tries what every connector promises, on the engine that runs it in production; T is its options struct. A
// connector calls it once, from a test of its own:
//
//	func TestContract(t *testing.T) {
//		commontest.Contract[Poll](t, commontest.Promise{Args: []string{"--endpoint", server.URL}, Resumes: true})
//	}
//
// A source: a stop ends it without an error; while nothing is acknowledged it is held back, a stop ends it all the same, and
// what was not acknowledged is what it begins with next, if it resumes; with --once it comes to its end; started again it sends nothing again that was delivered, if it resumes. A sink: what it is
// given it writes and acknowledges, and then it ends; a stop ends it without an error; what is delivered again is written
// again, and no failure; nothing is acknowledged before the target has it. Both leave no goroutine behind. It fails the test
// for each promise that is broken, and panics if T is no connector.
func Contract[T any](t *testing.T, p Promise) {
	t.Helper()
	Options[T](t, p.Args...) // so that wrong options fail here
	fresh := func() any { return Options[T](t, p.Args...) }
	var promises map[string]func(t *testing.T)
	switch any(new(T)).(type) {
	case common.Source:
		promises = sourcePromises(p, func() common.Source { return fresh().(common.Source) })
	case common.Sink:
		promises = sinkPromises(p, func() common.Sink { return fresh().(common.Sink) })
	default:
		panic(fmt.Sprintf("%T is neither a source nor a sink", new(T)))
	}
	for name, keep := range promises {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Run("kept", keep) // its cleanup ends whatever runs
			if err := goleak.Find(before); err != nil {
				t.Errorf("it leaves goroutines behind: %v", err)
			}
		})
	}
}

// few is how many records a source is asked for.
const few = 3

func sourcePromises(p Promise, fresh func() common.Source) map[string]func(t *testing.T) {
	more := func(n int) {
		if p.More != nil {
			p.More(n)
		}
	}
	promises := map[string]func(t *testing.T){
		"a stop ends it without an error": func(t *testing.T) {
			more(few)
			run := startSource(t, Config{}, fresh)
			run.Next()
			if err := run.Stop(); err != nil {
				t.Errorf("stopped with %v", err)
			}
		},
		"a stop ends it while it is held back": func(t *testing.T) {
			more(few)
			run := startSource(t, Config{held: true, ShutdownTimeout: time.Second}, fresh)
			lost := run.Next()
			begun := time.Now()
			_ = run.Stop() // it tells that records are left
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("it took %v to stop", took)
			}
			if n := len(run.Records()); n > maxInFlight {
				t.Errorf("%d records are on their way, %d may be", n, maxInFlight)
			}
			if !p.Resumes {
				return
			}
			again := startSource(t, Config{Positions: run.Positions()}, fresh)
			if rec := again.Next(); string(rec.Value) != string(lost.Value) {
				t.Errorf("%q was not acknowledged, and the next run begins with %q", lost.Value, rec.Value)
			}
		},
	}
	if !p.NoOnce {
		promises["with --once it comes to its end"] = func(t *testing.T) {
			more(few)
			run := startSource(t, Config{Once: true}, fresh)
			if err := run.Wait(); err != nil {
				t.Errorf("ended with %v", err)
			}
			if len(run.Records()) == 0 {
				t.Error("it sent nothing")
			}
		}
	}
	if p.Resumes {
		promises["a restart goes on after what was delivered"] = func(t *testing.T) {
			more(few)
			first := startSource(t, Config{}, fresh)
			delivered := map[string]bool{}
			for range few {
				first.Next()
			}
			if err := first.Stop(); err != nil {
				t.Fatal(err)
			}
			for _, rec := range first.Records() {
				delivered[string(rec.Value)] = true
			}
			more(1)
			second := startSource(t, Config{Positions: first.Positions()}, fresh)
			if rec := second.Next(); delivered[string(rec.Value)] {
				t.Errorf("the record %q came again", rec.Value)
			}
		}
	}
	return promises
}

func sinkPromises(p Promise, fresh func() common.Sink) map[string]func(t *testing.T) {
	records := p.Records
	if records == nil {
		for n := range 10 {
			records = append(records, common.Record{ID: fmt.Sprint("id-", n), Value: fmt.Append(nil, n)})
		}
	}
	written := func() int {
		if p.Written == nil {
			return 0
		}
		return p.Written()
	}
	promises := map[string]func(t *testing.T){
		"what it is given is written, acknowledged, and then it ends": func(t *testing.T) {
			before := written()
			run := startSink(t, Config{}, records, fresh)
			if err := run.Wait(); err != nil {
				t.Errorf("ended with %v", err)
			}
			if n := len(run.Acknowledged()); n != len(records) {
				t.Errorf("%d of %d records are acknowledged", n, len(records))
			}
			if n := written() - before; p.Written != nil && n != len(records) {
				t.Errorf("%d of %d records are written", n, len(records))
			}
		},
		"a stop ends it without an error": func(t *testing.T) {
			run := startSink(t, Config{open: true}, records, fresh)
			run.acknowledges(len(records))
			if err := run.Stop(); err != nil {
				t.Errorf("stopped with %v", err)
			}
		},
		"what is delivered again is no failure": func(t *testing.T) {
			run := startSink(t, Config{}, append(records[:len(records):len(records)], records...), fresh)
			if err := run.Wait(); err != nil {
				t.Errorf("ended with %v", err)
			}
			if n := len(run.Acknowledged()); n != 2*len(records) {
				t.Errorf("%d of %d records are acknowledged", n, 2*len(records))
			}
		},
	}
	if p.Block != nil {
		promises["nothing is acknowledged before the target has it"] = func(t *testing.T) {
			release := p.Block()
			run := startSink(t, Config{open: true, BatchSize: 1}, records, fresh)
			early := run.topic.awaitAcknowledged(1, 100*time.Millisecond)
			release()
			if early {
				t.Error("a record is acknowledged that the target has not taken")
			}
			run.acknowledges(len(records))
			if err := run.Stop(); err != nil {
				t.Errorf("stopped with %v", err)
			}
		}
	}
	return promises
}

// acknowledges waits until n records are acknowledged.
func (r *SinkRun) acknowledges(n int) {
	r.t.Helper()
	if !r.topic.awaitAcknowledged(n, Patience) {
		r.t.Fatalf("%d of %d records are acknowledged within %s", len(r.Acknowledged()), n, Patience)
	}
}
