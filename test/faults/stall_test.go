package faults_test

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// stallTime is how long a target or a broker is stalled.
func stallTime() time.Duration {
	if *full {
		return 60 * time.Second
	}
	return 6 * time.Second
}

// postTimeout is how long a source waits for the answer to what it has posted.
const postTimeout = 30 * time.Second

func TestATargetIsStalled(t *testing.T) {
	f := fault{name: "stalled target", duplicates: map[string]int{onHTTP: int(stallTime()/postTimeout) * inFlight}}
	run(t, f, func(r *rig) outcome {
		b, onBroker := r.between.(*onBroker)
		if onBroker {
			b.makeGroup(topic, "notes", 2*time.Second, inFlight) // far less than the stall: unless it is asked for time, the broker sends again
		}
		r.touch("stall")
		r.touch(lean)
		sink, source := r.sink(), r.source("--pace", "1ms")
		var before *jetstream.ConsumerInfo
		if onBroker {
			await(r.T, "records that wait for the sink", func() bool {
				before = b.group(topic, "notes")
				return before != nil && before.NumPending > 2*inFlight && before.NumAckPending >= inFlight
			})
		} else {
			r.blocked()
		}
		r.flat(map[string]int{"sink": sink.pid(), "source": source.pid()})
		if onBroker {
			if now := b.group(topic, "notes"); now.NumRedelivered > 0 || now.Delivered.Consumer > before.Delivered.Consumer {
				r.Errorf("the broker delivers again and again: %d redelivered, %d deliveries", now.NumRedelivered, now.Delivered.Consumer)
			}
		}
		if n := len(r.written.read(r.T).times["got"]); n > 0 {
			r.Errorf("the fault did not hit: %d records were written", n)
		}
		r.remove("stall")
		return r.finish(source, sink)
	})
}

func TestTheBrokerIsStalled(t *testing.T) {
	// A connection that is silent for too long is given up, and what it had brought the sink comes again behind other records.
	run(t, fault{name: "stalled broker", on: []string{onNATS}, recovery: recoveryBound, reorders: *full}, func(r *rig) outcome {
		r.touch(lean)
		sink, source := r.sink(), r.source("--pace", "1ms")
		r.progress(r.written, "got", r.some())
		r.broker().process.signal(syscall.SIGSTOP)
		r.blocked()
		r.flat(map[string]int{"sink": sink.pid(), "source": source.pid()})
		r.broker().process.signal(syscall.SIGCONT)
		recovery := r.recovery(r.written, "got", time.Now())
		o := r.finish(source, sink)
		o.Recovery = recovery
		return o
	})
}

// flat watches the memory of processes, by their names, for the time of a stall.
func (r *rig) flat(pids map[string]int) {
	r.Helper()
	first, most := map[string]int{}, map[string]int{}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for begun := time.Now(); time.Since(begun) < stallTime(); <-ticker.C {
		for name, pid := range pids {
			now := memory(r.T, pid)
			if time.Since(begun) < stallTime()/6 { // what it grows by at first is what it may hold
				first[name] = max(first[name], now)
			}
			most[name] = max(most[name], now)
		}
	}
	for name := range pids {
		if most[name] > first[name]+first[name]/10+(2<<20) { // a small process breathes a little
			r.Errorf("the memory of the %s grew from %d to %d KiB", name, first[name]>>10, most[name]>>10)
		}
	}
}

func TestTheBrokerDeliversAgain(t *testing.T) {
	run(t, fault{name: "every open record delivered again", on: []string{onNATS}}, func(r *rig) outcome {
		const many = 10 * inFlight // so that the sink asks for more, and is sent what it has again
		r.broker().makeGroup(topic, "notes", time.Second, many)
		sink, source := r.sink("--max-in-flight", strconv.Itoa(many)), r.source("--pace", "20ms")
		for range kills() {
			r.progress(r.written, "got", r.some())
			r.hold()
			sink.signal(syscall.SIGSTOP) // it cannot ask for more time
			await(r.T, "records that are delivered again", func() bool { return r.broker().group(topic, "notes").NumRedelivered > 0 })
			sink.signal(syscall.SIGCONT)
			r.remove("hold")
		}
		return r.finish(source, sink)
	})
}
