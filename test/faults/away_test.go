package faults_test

import (
	"testing"
	"time"
)

// recoveryBound is how soon records must flow again after the return of what was away for less than shortAbsence.
const (
	recoveryBound = time.Second
	shortAbsence  = 5 * time.Second
)

// absence is a random time that something is away.
func (r *rig) absence() time.Duration {
	longest := shortAbsence - 500*time.Millisecond
	if !*full {
		longest = 3 * time.Second
	}
	return time.Duration(r.random.Int64N(int64(longest)))
}

func TestTheBrokerIsKilled(t *testing.T) {
	run(t, fault{
		name: "broker killed and started again", on: []string{onNATS}, recovery: recoveryBound, reorders: true,
		duplicates: map[string]int{onNATS: kills() * inFlight}, // acknowledgements that the broker had not written down
	}, func(r *rig) outcome {
		sink, source := r.sink(), r.source()
		var slowest time.Duration
		for range kills() {
			r.progress(r.written, "got", r.some())
			lost := [2]int{source.said("connection is lost"), sink.said("connection is lost")}
			r.broker().kill()
			source.says("connection is lost", lost[0]+1)
			sink.says("connection is lost", lost[1]+1)
			r.lasts(r.absence())
			r.broker().start()
			returned := time.Now()
			slowest = max(slowest, r.recovery(r.sent, "acked", returned), r.recovery(r.written, "got", returned))
		}
		o := r.finish(source, sink)
		o.Recovery = slowest
		return o
	})
}

func TestTheReceiverIsKilled(t *testing.T) {
	f := fault{
		name: "receiver killed and started again", on: []string{onHTTP}, recovery: recoveryBound,
		duplicates: map[string]int{onHTTP: kills() * inFlight},
	}
	run(t, f, func(r *rig) outcome {
		sink, source := r.sink(), r.source()
		var slowest time.Duration
		for range kills() {
			r.progress(r.written, "got", r.some())
			failed := source.said("publish failed")
			sink.kill()
			source.says("publish failed", failed+1)
			r.lasts(r.absence())
			sink = r.sink()
			sink.says("listening", 1)
			slowest = max(slowest, r.recovery(r.written, "got", time.Now()))
		}
		o := r.finish(source, sink)
		o.Recovery = slowest
		return o
	})
}
