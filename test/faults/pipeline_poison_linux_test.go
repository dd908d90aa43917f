package faults_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

func TestAPipelineMeetsPoison(t *testing.T) {
	for _, side := range []string{sourceSide, sinkSide} {
		for _, policy := range policies {
			t.Run(side+"/"+policy, func(t *testing.T) {
				f := fault{name: side + ": poison first, middle and last in a batch, --on-error " + policy, on: []string{onLink}}
				if policy == "fail" { // what the batch held beside them is written, and comes again
					f.duplicates, f.reorders = map[string]int{onLink: inFlight}, side == sinkSide
				}
				run(t, f, func(r *rig) outcome { return poisonPipeline(r, side, policy) })
			})
		}
	}
}

func poisonPipeline(r *rig, side, policy string) outcome {
	p := r.pipeline()
	r.end(allNumbers)
	p.source = p.source.with(parameters{"partitions": 1, "step": 10})
	if side == sinkSide {
		p.sink = p.sink.with(parameters{"batch-size": 10, "batch-wait": "2s"})
	}
	sound := *p
	poison, says := poison, ""
	if side == sinkSide {
		p.sink = p.sink.with(parameters{"on-error": policy, "refuse": refusal()})
		says = "pipeline numbers: the sink failed"
	} else {
		if policy == "fail" { // nothing comes after the first
			poison = poison[r.random.IntN(len(poison)):][:1]
		}
		p.source = p.source.with(parameters{"on-error": policy})
		p.transforms = []map[string]string{{"map": poisonous(poison, `error("poison")`)}}
		says = "pipeline numbers: the source failed"
	}
	running := p.start()
	running.wait(map[string]int{"fail": 1}[policy])
	if side == sinkSide {
		r.receivedPoison()
	} else if running.said("poison") == 0 && policy == "fail" {
		r.Errorf("the fault did not hit: %s", running.output.String())
	}
	if policy == "fail" {
		if running.said(says) != 1 || running.said("starting it again") > 0 {
			r.Errorf("the pipeline does not end with the failure: %s", running.output.String())
		}
		sound.start().wait(0) // what is wrong has been mended, and what is left is sent
	}
	o := r.withoutPoison(policy, poison)
	want := 0
	if policy == "dead-letter" {
		want = len(poison)
	}
	r.letters(side, poison[:want])
	return o
}

// letters wants the poison in the file of dead letters, as it was, once each.
func (r *rig) letters(side string, poison []int) {
	r.Helper()
	text, err := os.ReadFile(r.path("dead"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(text) == 0 {
		lines = nil
	}
	if len(lines) != len(poison) {
		r.Fatalf("%d dead letters, want %d", len(lines), len(poison))
	}
	for i, n := range poison {
		var letter struct {
			Side string
			Dead struct{ Value string }
		}
		if err := json.Unmarshal([]byte(lines[i]), &letter); err != nil {
			r.Fatal(err)
		}
		if want := fmt.Sprintf(`{"n":%d,"padding":""}`, n); letter.Side != side || letter.Dead.Value != want {
			r.Errorf("dead letter %d is %.80s of the %s, want %s of the %s", i+1, letter.Dead.Value, letter.Side, want, side)
		}
	}
}
