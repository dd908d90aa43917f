package faults_test

import (
	"context"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// inFlight is the --max-in-flight of every source and sink.
const inFlight = 500

// kills is how often a process is killed in one run.
func kills() int {
	if *full {
		return 5
	}
	return 2
}

func TestASourceIsKilledBeforeTheAcknowledgement(t *testing.T) {
	run(t, fault{name: "source killed after publish, before the acknowledgement", on: []string{onNATS}}, func(r *rig) outcome {
		sink := r.sink()
		source := r.source()
		for range kills() {
			r.progress(r.written, "got", r.some())
			acked := r.proxyHoldsBack(source)
			source.kill()
			r.proxy().remove("timeout", back)
			if stored := r.broker().stored(topic); stored <= acked {
				r.Errorf("the fault did not hit: %d records are stored, %d were acknowledged", stored, acked)
			}
			source = r.source()
		}
		return r.finish(source, sink)
	})
}

func TestASourceIsKilledBeforeThePublishArrives(t *testing.T) {
	f := fault{name: "source killed while its records are on their way", duplicates: map[string]int{onHTTP: kills() * inFlight}}
	run(t, f, func(r *rig) outcome {
		where := "file:" + r.path("state")
		sink, source := r.sink(), r.source("--state", where)
		for range kills() {
			r.progress(r.written, "got", r.some())
			r.proxy().add("timeout", forth, map[string]any{"timeout": 0})
			r.blocked() // and positions have had the time to be saved
			source.kill()
			if n := len(r.sent.read(r.T).times["sent"]); n <= len(r.written.read(r.T).times["got"]) {
				r.Errorf("the fault did not hit: all of %d records arrived", n)
			}
			r.proxy().remove("timeout", forth)
			source = r.source("--state", where)
		}
		return r.finish(source, sink)
	})
}

// proxyHoldsBack swallows acknowledgements until there are records that were published and not acknowledged, and returns how
// many were.
func (r *rig) proxyHoldsBack(source *process) int {
	r.Helper()
	r.proxy().add("timeout", back, map[string]any{"timeout": 0})
	await(r.T, "records that are stored and not acknowledged", func() bool {
		return source.running() && r.broker().stored(topic) > len(r.sent.read(r.T).times["acked"])
	})
	return len(r.sent.times["acked"])
}

func TestASourceIsKilledBeforeThePositionIsSaved(t *testing.T) {
	run(t, fault{
		name: "source killed after the acknowledgement, before the save", duplicates: map[string]int{onHTTP: kills() * inFlight},
	}, func(r *rig) outcome {
		sink := r.sink()
		where := "file:" + r.path("state")
		source := r.source("--state", where)
		for hits, tries := 0, 0; hits < kills(); tries++ {
			if tries > 20 {
				r.Fatal("the fault did not hit")
			}
			r.progress(r.sent, "acked", r.some())
			source.kill()
			saved := r.saved()
			for partition, last := range r.sent.read(r.T).highest("acked") {
				if number(saved[partition]) < last {
					hits++
					break
				}
			}
			source = r.source("--state", where)
		}
		return r.finish(source, sink)
	})
}

// saved returns the positions in the state file.
func (r *rig) saved() map[string]string {
	r.Helper()
	s, err := state.NewFile(r.path("state")).Load(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	if s == nil {
		return nil
	}
	return s.Positions
}

func TestASourceIsKilledBeforeItCommits(t *testing.T) {
	run(t, fault{
		name: "source killed after the save, before the system is told", duplicates: map[string]int{onHTTP: kills() * inFlight},
	}, func(r *rig) outcome {
		sink := r.sink()
		flags := []string{"--upstream", r.path("upstream"), "--state", "file:" + r.path("state")}
		source := r.source(append(flags, "--hold")...)
		for range kills() {
			r.progress(r.sent, "saved", 1)
			source.kill()
			held, committed, saved := r.sent.read(r.T).highest("saved"), r.sent.highest("committed"), r.saved()
			if held["0"] <= committed["0"] && held["1"] <= committed["1"] || number(saved["0"]) < held["0"] {
				r.Errorf("the fault did not hit: saved %v, at commit %v, committed %v", saved, held, committed)
			}
			source = r.source(flags...)
			await(r.T, "the next session tells the system of what was saved before", func() bool {
				for partition, position := range saved {
					if r.sent.read(r.T).times["committed"][partition+":"+position] == 0 {
						return false
					}
				}
				return true
			})
			r.progress(r.sent, "acked", r.some())
			source.kill()
			source = r.source(append(flags, "--hold")...)
		}
		r.progress(r.sent, "saved", 1)
		source.kill()
		return r.finish(r.source(flags...), sink)
	})
}

func TestASinkIsKilledBeforeTheAcknowledgement(t *testing.T) {
	for _, idempotent := range []bool{false, true} {
		bound := kills() * inFlight
		f := fault{
			name: "sink killed between write and acknowledgement", duplicates: map[string]int{onNATS: bound, onHTTP: bound},
			reorders: true,
		}
		flags := []string{"--idempotent=false"}
		if idempotent {
			f = fault{name: "idempotent sink killed between write and acknowledgement", reorders: true}
			flags = []string{"--idempotent"}
		}
		t.Run(f.name, func(t *testing.T) {
			run(t, f, func(r *rig) outcome {
				if b, ok := r.between.(*onBroker); ok {
					b.makeGroup(topic, "notes", 2*time.Second, inFlight)
				}
				source := r.source()
				for range kills() {
					sink := r.sink(flags...)
					r.progress(r.written, "got", r.some())
					r.hold()
					sink.kill()
					r.remove("hold")
				}
				return r.finish(source, r.sink(flags...))
			})
		})
	}
}
