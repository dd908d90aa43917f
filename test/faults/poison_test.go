package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// Of 30 records in batches of ten, poison is the first, one in the middle and the last of the second batch.
var poison = []int{11, 15, 20}

const allNumbers = 30

var policies = []string{"fail", "skip", "dead-letter"}

func TestASinkIsGivenPoison(t *testing.T) {
	for _, policy := range policies {
		t.Run(policy, func(t *testing.T) {
			f := fault{
				name: "sink: poison first, middle and last in a batch, --on-error " + policy, on: []string{onNATS},
				reorders: policy == "fail",
			}
			run(t, f, func(r *rig) outcome { return poisonSink(r, policy) })
		})
	}
}

func poisonSink(r *rig, policy string) outcome {
	r.end(allNumbers)
	r.source("--partitions", "1", "--step", "10").wait(0)
	flags := []string{"--batch-size", "10", "--batch-wait", "2s", "--once"}
	var refuse []string
	for _, n := range poison {
		refuse = append(refuse, fmt.Sprintf(`"n":%d,`, n))
	}
	sink := r.sink(append(append(flags, "--refuse", strings.Join(refuse, ";")), onError(policy)...)...)
	sink.wait(map[string]int{"fail": 1}[policy])
	if n := r.written.read(r.T).count["refused"]; n != len(poison) {
		r.Errorf("the fault did not hit, or again and again: %d records were refused", n)
	}
	if l := r.written; l.count["batch"] != l.times["batch"]["10"] {
		r.Errorf("the batches are not of ten: %v", l.times["batch"])
	}
	if policy == "fail" {
		r.sink(append(flags, onError("fail")...)...).wait(0) // it has been mended, and is given what is left
	}
	return r.poisoned(policy, poison)
}

func TestASourceMeetsPoison(t *testing.T) {
	for _, policy := range policies {
		for name, bad := range map[string]string{"transform fails": `error("poison")`, "too large": `.padding = "x" * 9000000`} {
			f := fault{name: "source: poison (" + name + "), --on-error " + policy}
			if policy == "dead-letter" || name == "too large" {
				f.on = []string{onNATS} // where a topic has room for one and a limit for the other
			}
			t.Run(policy+"/"+name, func(t *testing.T) {
				run(t, f, func(r *rig) outcome { return poisonSource(r, policy, bad) })
			})
		}
	}
}

func poisonSource(r *rig, policy, bad string) outcome {
	poison := poison
	if policy == "fail" { // nothing comes after the first
		poison = poison[r.random.IntN(len(poison)):][:1]
	}
	sink := r.sink()
	r.end(allNumbers)
	flags := []string{"--partitions", "1", "--step", "10"}
	list := strings.ReplaceAll(fmt.Sprint(poison), " ", ",")
	transform := fmt.Sprintf("if .n | IN(%s[]) then %s else . end", list, bad)
	source := r.source(append(append(flags, "--map", transform), onError(policy)...)...)
	source.wait(map[string]int{"fail": 1}[policy])
	if policy == "fail" {
		r.source(flags...).wait(0) // without what is wrong
		r.arrived()
	} else {
		await(r.T, "all others", func() bool { return len(r.written.read(r.T).times["got"]) >= allNumbers-len(poison) })
	}
	r.stop(sink)
	return r.poisoned(policy, poison)
}

func onError(policy string) []string {
	flags := []string{"--on-error", policy}
	if policy == "dead-letter" {
		flags = append(flags, "--dead-letter", "dead")
	}
	return flags
}

// poisoned judges a run in which some records may, by the policy, not be written.
func (r *rig) poisoned(policy string, poison []int) outcome {
	r.Helper()
	o := compare(r.sent.read(r.T), r.written.read(r.T))
	if policy == "fail" {
		return o
	}
	for _, n := range poison {
		if times := r.written.times["got"][fmt.Sprintf("0:%d", n)]; times != 0 {
			r.Errorf("the poison record %d was written %d times", n, times)
		}
	}
	o.Lost -= len(poison) // as asked for
	if policy == "dead-letter" {
		r.deadLetters(poison)
	}
	return o
}

// deadLetters wants the poison on the topic of dead letters, as it was, once each.
func (r *rig) deadLetters(poison []int) {
	r.Helper()
	r.broker().ask(func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := js.Stream(ctx, "dead")
		if err != nil {
			return err
		}
		if n := int(stream.CachedInfo().State.Msgs); n != len(poison) {
			r.Errorf("%d dead letters, want %d", n, len(poison))
		}
		for i, n := range poison {
			msg, err := stream.GetMsg(ctx, uint64(i+1))
			if err != nil {
				return err
			}
			if want := fmt.Sprintf(`{"n":%d,"padding":""}`, n); string(msg.Data) != want {
				r.Errorf("dead letter %d is %.80s, want %s", i+1, msg.Data, want)
			}
		}
		return nil
	})
}
