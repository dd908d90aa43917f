package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
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
	sink := r.sink(append(append(flags, "--refuse", refusal()), onError(policy)...)...)
	sink.wait(map[string]int{"fail": 1}[policy])
	r.receivedPoison()
	if policy == "fail" {
		r.sink(append(flags, onError("fail")...)...).wait(0) // it has been mended, and is given what is left
	}
	return r.poisoned(policy, poison)
}

// refusal makes a sink refuse the poison.
func refusal() string {
	var parts []string
	for _, n := range poison {
		parts = append(parts, fmt.Sprintf(`"n":%d,`, n))
	}
	return strings.Join(parts, ";")
}

// TestAReceiverIsGivenPoison leaves out dead letters, which have nowhere to go there.
func TestAReceiverIsGivenPoison(t *testing.T) {
	for _, policy := range []string{"fail", "skip"} {
		t.Run(policy, func(t *testing.T) {
			f := fault{name: "sink: poison first, middle and last in a batch, --on-error " + policy, on: []string{onHTTP}}
			if policy == "fail" { // the request has no answer, so that all of it comes again
				f.duplicates, f.reorders = map[string]int{onHTTP: 10 - len(poison)}, true
			}
			run(t, f, func(r *rig) outcome { return poisonReceiver(r, policy) })
		})
	}
}

func poisonReceiver(r *rig, policy string) outcome {
	flags := []string{"--batch-size", "10", "--batch-wait", "2s"}
	sink := r.sink(append(append(flags, "--refuse", refusal()), onError(policy)...)...)
	sink.says("listening", 1)
	r.post(1, 10, http.StatusNoContent)
	if policy == "fail" {
		r.post(11, 20, http.StatusServiceUnavailable)
		sink.wait(1)
		r.receivedPoison()
		sink = r.sink(flags...) // it has been mended, and is given what is left
		sink.says("listening", 1)
	}
	r.post(11, 20, http.StatusNoContent) // for one policy, poison is answered as all the others are
	r.post(21, 30, http.StatusNoContent)
	r.stop(sink)
	if policy == "skip" {
		r.receivedPoison()
	}
	return r.withoutPoison(policy, poison)
}

// post sends some numbers to the receiver as one batch of events, so that they are one batch there, and wants a status.
func (r *rig) post(first, last, status int) {
	r.Helper()
	var events []map[string]any
	told := strings.Builder{}
	for n := first; n <= last; n++ {
		events = append(events, map[string]any{
			"specversion": "1.0", "id": strconv.Itoa(n), "source": "/faults", "type": "number",
			"partitionkey": fmt.Sprintf("0:%d", n), "data": map[string]any{"n": n, "padding": ""},
		})
		fmt.Fprintf(&told, "sent 0:%d\n", n)
	}
	ledger, err := openLedger(r.sent.path)
	if err == nil {
		_, err = ledger.WriteString(told.String())
		ledger.Close()
	}
	if err != nil {
		r.Fatal(err)
	}
	body, err := json.Marshal(events)
	if err != nil {
		r.Fatal(err)
	}
	answer, err := http.Post("http://"+r.proxy().address()+"/", "application/cloudevents-batch+json", bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != status {
		text, _ := io.ReadAll(answer.Body)
		r.Errorf("numbers %d to %d are answered with %s, want %d: %s", first, last, answer.Status, status, text)
	}
}

// receivedPoison wants each record of the poison to have been refused once, in full batches.
func (r *rig) receivedPoison() {
	r.Helper()
	l := r.written.read(r.T)
	if l.count["refused"] != len(poison) {
		r.Errorf("the fault did not hit, or again and again: %d records were refused", l.count["refused"])
	}
	if l.count["batch"] != l.times["batch"]["10"] {
		r.Errorf("the batches are not of ten: %v", l.times["batch"])
	}
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
	source := r.source(append(append(flags, "--map", poisonous(poison, bad)), onError(policy)...)...)
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

// poisonous is a transform that does something bad to the poison.
func poisonous(poison []int, bad string) string {
	return fmt.Sprintf("if .n | IN(%s[]) then %s else . end", strings.ReplaceAll(fmt.Sprint(poison), " ", ","), bad)
}

func onError(policy string) []string {
	flags := []string{"--on-error", policy}
	if policy == "dead-letter" {
		flags = append(flags, "--dead-letter", "dead")
	}
	return flags
}

// poisoned judges a run that ended with poison on the topic, or on that of dead letters.
func (r *rig) poisoned(policy string, poison []int) outcome {
	r.Helper()
	if policy == "dead-letter" {
		r.deadLetters(poison)
	}
	return r.withoutPoison(policy, poison)
}

// withoutPoison judges a run in which some records may, by the policy, not be written.
func (r *rig) withoutPoison(policy string, poison []int) outcome {
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
