package faults_test

import (
	"os"
	"testing"
)

func TestTheTargetOfAPipelineIsStalled(t *testing.T) {
	run(t, fault{name: "stalled target", on: []string{onLink}}, func(r *rig) outcome {
		p := r.pipeline()
		p.source = p.source.with(parameters{"pace": "1ms", "padding": 1000, "max-in-flight": 100 * inFlight}) // patchbay holds it back
		r.touch("stall")
		r.touch(lean)
		running := p.start()
		await(r.T, "a sink that is stalled", func() bool { return p.written.read(r.T).count["stalled"] > 0 })
		r.blocked()
		r.flat(map[string]int{
			"patchbay": running.pid(), sourceSide: p.connector(p.sent, running), sinkSide: p.connector(p.written, running),
		})
		if n := len(p.written.read(r.T).times["got"]); n > 0 {
			r.Errorf("the fault did not hit: %d records were written", n)
		}
		if n := len(p.sent.read(r.T).times["sent"]); n > 2*inFlight {
			r.Errorf("%d records are on their way, where %d may be", n, inFlight)
		}
		r.remove("stall")
		return p.finish(running)
	})
}

func TestTheDiskUnderThePositionsOfAPipelineIsFull(t *testing.T) {
	// Whatever is delivered while no position can be saved comes again after a kill.
	f := fault{name: "disk under the saved position full", on: []string{onLink}, duplicates: map[string]int{onLink: 10 * inFlight}}
	run(t, f, func(r *rig) outcome {
		r.mount("disk")
		p := r.pipeline()
		p.folder = r.path("disk")
		running := p.start()
		p.progress(p.sent, "committed", 1)
		r.fill("disk/ballast")
		running.says("position not saved, trying again", 1)
		running.says("no space left on device", 1)
		told := p.sent.read(r.T).count["committed"]
		p.progress(p.written, "got", r.some()) // records flow; the system is told nothing
		if n := p.sent.read(r.T).count["committed"]; n > told {
			r.Errorf("%d positions were committed that are not saved", n-told)
		}
		running.kill() // what was saved before is what counts
		r.remove("disk/ballast")
		running = p.start()
		p.progress(p.sent, "committed", 2)
		r.fill("disk/ballast")
		running.says("position not saved, trying again", 1)
		r.remove("disk/ballast")
		p.progress(p.sent, "committed", 2)
		return p.finish(running)
	})
}

func TestThePositionsOfAPipelineAreDamaged(t *testing.T) {
	run(t, fault{name: "saved position damaged", on: []string{onLink}}, func(r *rig) outcome {
		p := r.pipeline()
		running := p.start()
		p.progress(p.sent, "committed", 1)
		r.stop(running)
		const file = "positions/numbers/position.json"
		whole, err := os.ReadFile(r.path(file))
		if err != nil {
			r.Fatal(err)
		}
		for range kills() {
			damaged := append([]byte(nil), whole...)
			damaged[r.random.IntN(len(damaged))] ^= byte(1 + r.random.IntN(255))
			r.write(file, damaged)
			before := p.sent.read(r.T).count["resumed"]
			running = p.start()
			running.wait(1)
			if running.said(r.path(file)) == 0 {
				r.Errorf("the message does not help: %s", running.output.String())
			}
			if p.sent.read(r.T).count["resumed"] > before {
				r.Error("the source began all the same")
			}
		}
		r.write(file, whole)
		return p.finish(p.start())
	})
}
