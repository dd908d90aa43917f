package common

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
	"github.com/patchbay-dev/patchbay/internal/transform"
)

func TestParametersOfModules(t *testing.T) {
	file, err := config.Parse("f.yaml", []byte(`
transforms:
  - uses: a.wasm
    with: {text: b, number: 3, truth: true, list: [1, {a: b}]}
    lookback: {last: 7, age: 1m}
    initial: 12
  - map: b.wasm
    initial: '{"n": "x"}'
  - map: .
`), config.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	for _, s := range file.Transforms {
		steps = append(steps, fileStep(s, "f.yaml"))
	}
	got := bare(withParams(steps, options.Settings{"param": {Value: map[string]any{"text": "a", "more": "x=y;z"}}}))
	want := []transform.Step{
		{
			Kind: "uses", Expr: "a.wasm", LookBack: &smartmodule.LookBack{Last: 7, Age: time.Minute}, Initial: "12",
			Params: map[string]string{"text": "b", "more": "x=y;z", "number": "3", "truth": "true", "list": `[1,{"a":"b"}]`},
		},
		{Kind: "map", Expr: "b.wasm", Initial: `{"n": "x"}`, Params: map[string]string{"text": "a", "more": "x=y;z"}},
		{Kind: "map", Expr: "."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestModuleProblems(t *testing.T) {
	const text = "(module)"
	tests := []struct {
		name string
		set  setting
		want string
	}{
		{
			"a file that is none",
			setting{args: []string{"--topic", "-", "--map", "a.wasm"}, files: map[string]string{"a.wasm": text}},
			"tally-source: --map: a.wasm: the file is not a WebAssembly module, or it is damaged\n",
		},
		{
			"the place in a config file", setting{
				args:  []string{"--config", "c.yaml"},
				files: map[string]string{"a.wasm": text, "c.yaml": "topic: '-'\ntransforms:\n- uses: a.wasm\n"},
			}, "tally-source: c.yaml:3: a.wasm: the file is not a WebAssembly module, or it is damaged\n",
		},
		{
			"a path that comes from a reference", setting{
				args: []string{"--config", "c.yaml"}, env: map[string]string{"X": "hunter2.wasm"},
				files: map[string]string{"c.yaml": "topic: '-'\ntransforms:\n- map: ${env:X}\n"},
			}, "tally-source: --map (c.yaml:3): the file behind the reference cannot be used as a SmartModule here\n",
		},
		{
			"parameters for nothing",
			setting{args: []string{"--topic", "-", "--map", ".", "--param", "a=hunter2"}},
			"tally-source: --param: has no effect without a SmartModule, a transform that ends in .wasm\n",
		},
		{
			"an initial value for nothing",
			setting{args: []string{"--topic", "-", "--map", ".", "--initial", "hunter2"}},
			"tally-source: --initial: has no effect without a SmartModule that aggregates\n",
		},
		{
			"uses without a module", setting{
				args: []string{"--config", "c.yaml"}, files: map[string]string{"c.yaml": "topic: '-'\ntransforms:\n- uses: a/b@0.1\n"},
			}, "tally-source: c.yaml:3: a/b@0.1: uses names the file of a SmartModule, which ends in .wasm\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), counter(), tt.set)
			if got.status != statusUsage || got.stderr != tt.want {
				t.Errorf("status %d, stderr %q, want %q", got.status, got.stderr, tt.want)
			}
		})
	}
}
