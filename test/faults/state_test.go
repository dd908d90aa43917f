package faults_test

import (
	"os"
	"testing"
)

func TestTheStateFileIsDamaged(t *testing.T) {
	run(t, fault{name: "saved position damaged"}, func(r *rig) outcome {
		flags := []string{"--state", "file:" + r.path("state")}
		sink, source := r.sink(), r.source(flags...)
		r.progress(r.sent, "committed", 1)
		r.stop(source)
		whole, err := os.ReadFile(r.path("state"))
		if err != nil {
			r.Fatal(err)
		}
		for range kills() {
			damaged := append([]byte(nil), whole...)
			damaged[r.random.IntN(len(damaged))] ^= byte(1 + r.random.IntN(255))
			r.write("state", damaged)
			before := r.sent.read(r.T).count["resumed"]
			source = r.source(flags...)
			source.wait(1)
			if source.said(r.path("state")) == 0 || source.said("state reset") == 0 {
				r.Errorf("the message does not help: %s", source.output.String())
			}
			if r.sent.read(r.T).count["resumed"] > before {
				r.Error("the source began all the same")
			}
		}
		r.write("state", whole)
		return r.finish(r.source(flags...), sink)
	})
}

func (r *rig) write(name string, data []byte) {
	r.Helper()
	if err := os.WriteFile(r.path(name), data, 0o600); err != nil {
		r.Fatal(err)
	}
}
