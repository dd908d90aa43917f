package faults_test

import (
	"syscall"
	"testing"
	"time"
)

func TestASourceIsToldToStopUnderLoad(t *testing.T) {
	run(t, fault{name: "SIGTERM to a source under load"}, func(r *rig) outcome {
		sink, source := r.sink(), r.source("--pace", "1ms")
		for range kills() {
			r.progress(r.sent, "acked", r.some())
			before := len(r.sent.times["sent"])
			r.stop(source)
			if len(r.sent.read(r.T).times["sent"]) < before {
				r.Error("the fault did not hit: nothing was sent")
			}
			source = r.source("--pace", "1ms")
		}
		return r.finish(source, sink)
	})
}

func TestASinkIsToldToStopUnderLoad(t *testing.T) {
	run(t, fault{name: "SIGTERM to a sink under load", reorders: true}, func(r *rig) outcome {
		sink, source := r.sink(), r.source()
		for range kills() {
			r.progress(r.written, "got", r.some())
			if !source.running() {
				r.Fatal("the fault did not hit: the source has ended")
			}
			r.stop(sink)
			sink = r.sink()
		}
		return r.finish(source, sink)
	})
}

// blockedGrace is the grace time of what cannot finish.
const blockedGrace = 2 * time.Second

func TestAStopWhileTheOtherSideIsAway(t *testing.T) {
	run(t, fault{
		name: "SIGTERM while the broker is away and the queue is full", on: []string{onNATS}, reorders: true,
		duplicates: map[string]int{onNATS: inFlight}, // of the sink, whose acknowledgements nobody heard
	}, func(r *rig) outcome {
		r.grace = blockedGrace
		sink, source := r.sink(), r.source()
		r.progress(r.written, "got", r.some())
		r.broker().kill()
		r.blocked()
		source.stop(1, r.grace) // it says that records are left, which will be sent again
		if source.said("not acknowledged within the shutdown timeout") == 0 {
			r.Errorf("the source does not say what is left: %s", source.output.String())
		}
		sink.signal(syscall.SIGTERM)
		await(r.T, "the sink ends", func() bool { return !sink.running() })
		r.broker().start()
		return r.finish(r.source(), r.sink())
	})
}

// blocked waits until the source can send no more.
func (r *rig) blocked() {
	r.Helper()
	const still = 500 * time.Millisecond
	await(r.T, "a source that is held back", func() bool {
		l := r.sent.read(r.T)
		return len(l.times["sent"]) > len(l.times["acked"]) && time.Since(l.moved["sent"]) > still
	})
}
