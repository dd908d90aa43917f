package faults_test

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// A death is one way for a process of a pipeline to end all of a sudden. How soon records flow again is not measured: most of
// that time a process starts.
type death struct {
	name   string
	strike func(p *pipeline, running *process) *process // kills, and returns the patchbay that runs then
}

var deaths = []death{
	{"source killed under load", func(p *pipeline, running *process) *process {
		p.killConnector(p.sent, sourceSide, running)
		return running
	}},
	{"sink killed between write and acknowledgement", func(p *pipeline, running *process) *process {
		p.hold()
		p.killConnector(p.written, sinkSide, running)
		p.remove("hold")
		return running
	}},
	{"patchbay killed and started again", func(p *pipeline, running *process) *process {
		begun := p.sent.read(p.T).count["runs"]
		running.signal(syscall.SIGKILL) // its connectors may live on for a moment, beside the next ones
		next := p.start()
		await(p.T, "the next source begins", func() bool { return p.sent.read(p.T).count["runs"] > begun })
		running.kill()
		return next
	}},
	{"machine goes down with records on their way", func(p *pipeline, running *process) *process {
		p.stall()
		p.lasts(500 * time.Millisecond) // any position would be saved by then
		for _, pid := range []int{running.pid(), p.connector(p.sent, running), p.connector(p.written, running)} {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) { // it went with patchbay
				p.Fatal(err)
			}
		}
		running.kill()
		p.deserted()
		if o := compare(p.sent.read(p.T), p.written.read(p.T)); o.Lost == 0 {
			p.Error("the fault did not hit: nothing was on its way")
		}
		p.remove("stall")
		return p.start()
	}},
}

// unsaved is how many records may have been delivered since the position was saved last: it is saved five times a second.
const unsaved = 2 * inFlight

// Sides of a pipeline, as patchbay names them.
const (
	sourceSide = "source"
	sinkSide   = "sink"
)

func TestAProcessOfAPipelineIsKilled(t *testing.T) {
	for _, d := range deaths {
		for name, idempotent := range map[string]bool{d.name: false, d.name + ", idempotent sink": true} {
			f := fault{name: name, on: []string{onLink}, duplicates: map[string]int{onLink: kills() * (inFlight + unsaved)}}
			if idempotent {
				f.duplicates = nil
			}
			t.Run(name, func(t *testing.T) {
				run(t, f, func(r *rig) outcome {
					p := r.pipeline()
					p.sink["idempotent"] = idempotent
					running := p.start()
					for range kills() {
						p.progress(p.sent, "acked", r.some())
						running = d.strike(p, running)
					}
					return p.finish(running)
				})
			})
		}
	}
}

func TestAPipelineIsToldToStopUnderLoad(t *testing.T) {
	run(t, fault{name: "SIGTERM to patchbay under load", on: []string{onLink}}, func(r *rig) outcome {
		p := r.pipeline()
		p.source["pace"] = "1ms"
		running := p.start()
		for range 2 * kills() {
			p.progress(p.sent, "acked", r.some())
			if !running.running() {
				r.Fatal("the fault did not hit: the pipeline has ended")
			}
			r.stop(running)
			r.deserted()
			running = p.start()
		}
		return p.finish(running)
	})
}

func TestTwoCopiesOfAPipeline(t *testing.T) {
	f := fault{name: "two copies of a pipeline, one killed", on: []string{onLink}, duplicates: map[string]int{onLink: inFlight + unsaved}}
	run(t, f, func(r *rig) outcome {
		p := r.pipeline()
		first := p.start()
		p.progress(p.sent, "acked", 1)
		second := p.start()
		second.says("waiting until the pipeline runs nowhere else", 1)
		p.progress(p.sent, "acked", r.some())
		if n := p.sent.count["runs"] + p.written.read(r.T).count["runs"]; n != 2 {
			r.Errorf("both copies run: %d connectors have begun", n)
		}
		first.signal(syscall.SIGKILL)
		await(r.T, "the second copy takes over", func() bool { return p.sent.read(r.T).count["runs"] == 2 })
		first.kill()
		p.progress(p.sent, "acked", r.some())
		return p.finish(second)
	})
}

func TestContentThatRepeatsIsNotTakenForADuplicateInAPipeline(t *testing.T) {
	run(t, fault{name: "content A, B, A", on: []string{onLink}}, func(r *rig) outcome {
		p := r.pipeline()
		p.source["letters"], p.sink["idempotent"] = true, true
		running := p.start()
		p.progress(p.sent, "acked", r.some())
		p.killConnector(p.sent, sourceSide, running)
		return p.finish(running)
	})
}
