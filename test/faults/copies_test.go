package faults_test

import (
	"strconv"
	"testing"
	"time"
)

func TestTwoCopiesOfASink(t *testing.T) {
	f := fault{
		name: "two copies of a sink, one killed", on: []string{onNATS}, duplicates: map[string]int{onNATS: inFlight}, reorders: true,
	}
	run(t, f, func(r *rig) outcome {
		r.broker().makeGroup(topic, "notes", 2*time.Second, 2*inFlight)
		first, second := r.sink(), r.sink()
		source := r.source()
		pids := []string{strconv.Itoa(first.pid()), strconv.Itoa(second.pid())}
		await(r.T, "both get records", func() bool {
			by := r.written.read(r.T).times["by"]
			return by[pids[0]] > 0 && by[pids[1]] > 0
		})
		r.progress(r.written, "got", r.some())
		if d := compare(r.sent.read(r.T), r.written.read(r.T)).Duplicates; d > 0 {
			r.Errorf("%d records were written by both", d)
		}
		first.kill()
		return r.finish(source, second)
	})
}

func TestTwoCopiesOfASource(t *testing.T) {
	f := fault{name: "two copies of a source, one killed", duplicates: map[string]int{onHTTP: inFlight}}
	run(t, f, func(r *rig) outcome {
		sink, first := r.sink(), r.source()
		r.progress(r.sent, "acked", 1)
		second := r.source()
		second.says("another process uses the same saved position", 1)
		r.progress(r.sent, "acked", r.some())
		if n := r.sent.count["resumed"]; n != 2 { // one of each partition
			r.Errorf("both copies read: %d partitions were begun", n)
		}
		first.kill()
		await(r.T, "the second copy takes over", func() bool { return r.sent.read(r.T).count["resumed"] == 4 })
		r.progress(r.sent, "acked", r.some())
		return r.finish(second, sink)
	})
}

func TestContentThatRepeatsIsNotTakenForADuplicate(t *testing.T) {
	run(t, fault{name: "content A, B, A within the window of de-duplication"}, func(r *rig) outcome {
		sink, source := r.sink("--idempotent"), r.source("--letters")
		r.progress(r.written, "got", r.some())
		source.kill()
		return r.finish(r.source("--letters"), sink)
	})
}

func TestASourceWithoutLastingIDsIsKilled(t *testing.T) {
	f := fault{
		name: "source without lasting ids killed", duplicates: map[string]int{onNATS: kills() * inFlight, onHTTP: kills() * inFlight},
	}
	run(t, f, func(r *rig) outcome {
		where := []string{"--state", "file:" + r.path("state")}
		sink, source := r.sink(), r.sourceAs("recurring-source", where...)
		for range kills() {
			r.progress(r.sent, "acked", r.some())
			source.kill()
			source = r.sourceAs("recurring-source", where...)
		}
		return r.finish(source, sink)
	})
}
