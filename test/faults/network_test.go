package faults_test

import (
	"testing"
	"time"
)

// A disturbance is something that a network does.
type disturbance struct {
	name       string
	toxic      string
	direction  string
	attributes func(r *rig) map[string]any
	fails      bool // publishing fails, so that a record is published again
}

var disturbances = []disturbance{
	{"connections reset", "reset_peer", forth, func(*rig) map[string]any { return map[string]any{"timeout": 0} }, true},
	{"answers swallowed, then connections closed", "timeout", back, func(*rig) map[string]any { return map[string]any{"timeout": 300} }, true},
	{"requests swallowed, then connections closed", "timeout", forth, func(*rig) map[string]any { return map[string]any{"timeout": 300} }, true},
	{"connections cut in the middle of a frame", "limit_data", forth, func(r *rig) map[string]any {
		return map[string]any{"bytes": 100 + r.random.IntN(2000)}
	}, true},
	{"packets in slices of some bytes", "slicer", forth, func(*rig) map[string]any {
		return map[string]any{"average_size": 40, "size_variation": 20, "delay": 100}
	}, false},
}

func TestTheNetworkOfASourceFails(t *testing.T) {
	for _, d := range disturbances {
		t.Run(d.name, func(t *testing.T) {
			f := fault{
				name: "source: " + d.name, duplicates: map[string]int{onHTTP: kills() * inFlight}, recovery: recoveryBound, reorders: d.fails,
			}
			run(t, f, func(r *rig) outcome {
				sink, source := r.sink(), r.source()
				return d.strike(r, r.proxy(), source, sink)
			})
		})
	}
}

func TestTheNetworkOfASinkFails(t *testing.T) {
	for _, d := range disturbances {
		t.Run(d.name, func(t *testing.T) {
			// The source keeps running; what the sink acknowledged on a dead connection may come again.
			f := fault{
				name: "sink: " + d.name, on: []string{onNATS}, duplicates: map[string]int{onNATS: kills() * inFlight},
				recovery: recoveryBound, reorders: d.fails,
			}
			const patience = 2 * time.Second
			if d.direction == back { // what is lost on its way to the sink comes again when the broker loses patience
				f.recovery += patience
			}
			run(t, f, func(r *rig) outcome {
				r.broker().makeGroup(topic, "notes", patience, inFlight)
				sink, source := r.sink(), r.source()
				return d.strike(r, r.broker().far, source, sink)
			})
		})
	}
}

// strike disturbs what goes through a proxy, again and again.
func (d disturbance) strike(r *rig, p *proxy, source, sink *process) outcome {
	var slowest time.Duration
	for range kills() {
		r.progress(r.written, "got", r.some())
		before := p.connections()
		p.add(d.toxic, d.direction, d.attributes(r))
		if d.fails {
			await(r.T, "another connection", func() bool { return p.connections() > before })
		} else {
			r.progress(r.written, "got", 50)
		}
		p.remove(d.toxic, d.direction)
		slowest = max(slowest, r.recovery(r.written, "got", time.Now()))
	}
	o := r.finish(source, sink)
	o.Recovery = slowest
	return o
}

// noticed is what is promised for a peer that is silent: two intervals of 20 s. A receiver of CloudEvents has 30 s to answer.
const noticed = 40 * time.Second

func TestAConnectionIsHalfOpen(t *testing.T) {
	run(t, fault{name: "half-open connection, noticed within 40 s", reorders: true, duplicates: map[string]int{onHTTP: inFlight}}, func(r *rig) outcome {
		sink, source := r.sink(), r.source()
		r.progress(r.written, "got", r.some())
		failed := source.said("publish failed")
		begun := time.Now()
		r.proxy().add("timeout", forth, map[string]any{"timeout": 0})
		r.proxy().add("timeout", back, map[string]any{"timeout": 0})
		if !awaitFor(noticed, func() bool { return source.said("publish failed") > failed }) {
			r.Errorf("a connection that is dead is not noticed within %v", noticed)
		}
		r.Logf("noticed after %v", time.Since(begun))
		r.proxy().remove("timeout", forth)
		r.proxy().remove("timeout", back)
		return r.finish(source, sink)
	})
}

func TestTheConnectionOfASinkIsHalfOpen(t *testing.T) {
	f := fault{name: "sink: half-open connection, noticed within 40 s", on: []string{onNATS}, duplicates: map[string]int{onNATS: inFlight}, reorders: true}
	run(t, f, func(r *rig) outcome {
		sink, source := r.sink(), r.source("--pace", "50ms")
		r.progress(r.written, "got", r.some())
		far := r.broker().far
		far.add("timeout", forth, map[string]any{"timeout": 0})
		far.add("timeout", back, map[string]any{"timeout": 0})
		if !awaitFor(noticed+time.Second, func() bool { return sink.said("connection is lost") > 0 }) {
			r.Errorf("a connection that is dead is not noticed within %v", noticed)
		}
		far.remove("timeout", forth)
		far.remove("timeout", back)
		return r.finish(source, sink)
	})
}
