package transform

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

func TestMain(m *testing.M) { guests.Main(m) }

// inModules compiles steps in which filter.wasm and so on are the modules of each kind.
func inModules(tb testing.TB, steps ...Step) (*Chain, error) {
	tb.Helper()
	read := func(path string) ([]byte, error) {
		switch kind := strings.TrimSuffix(path, ".wasm"); kind {
		case "filter", "map", "array_map", "aggregate":
			return os.ReadFile(guests.Kind(tb, kind))
		}
		return os.ReadFile(path)
	}
	return Compile(steps, Options{ReadModule: read, Cache: guests.Cache()})
}

func mustOpen(tb testing.TB, steps ...Step) *Chain {
	tb.Helper()
	c, err := inModules(tb, steps...)
	if err == nil {
		err = c.Open(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// brief tells an outcome in a few words: key, id and value of each record, or the error.
func brief(o Outcome) string {
	if o.Err != nil {
		return "!" + o.Err.Error()
	}
	var all []string
	for _, rec := range o.Records {
		all = append(all, rec.Key+" "+rec.ID+" "+string(rec.Value))
	}
	return strings.Join(all, ", ")
}

func TestModulesInChains(t *testing.T) {
	tests := []struct {
		name  string
		steps []Step
		given []string
		want  []string
	}{
		{
			"each alone",
			[]Step{{Kind: Map, Expr: "map.wasm"}},
			[]string{"a", "error no", "rekey x", "b"},
			[]string{"k 0 A", "!map: map.wasm: the module says: no", "x 2 rekey x", "k 3 B"},
		},
		{
			"a filter keeps the bytes",
			[]Step{{Kind: Filter, Expr: "filter.wasm"}},
			[]string{"a", "drop", "\xff"},
			[]string{"k 0 a", "", "k 2 \xff"},
		},
		{
			"between expressions",
			[]Step{
				{Kind: Filter, Expr: `. != "x"`},
				{Kind: Map, Expr: "map.wasm"},
				{Kind: Map, Expr: `. + $key`},
				{Kind: Map, Expr: `. + "!"`},
			},
			[]string{"a", "x", "rekey y", "\xff"},
			[]string{`k 0 "Ak!"`, "", `y 2 "rekey yy!"`, "!filter (step 1 of 4): the payload is not text"},
		},
		{
			"children of an arraymap",
			[]Step{
				{Kind: ArrayMap, Expr: "array_map.wasm"},
				{Kind: Filter, Expr: `. != "b"`},
				{Kind: ArrayMap, Expr: ".,."},
			},
			[]string{"split a b c", "drop", "x", "split b"},
			[]string{`k 0.0.0 "a", k 0.0.1 "a", k 0.2.0 "c", k 0.2.1 "c"`, "", `k 2.0 "X", k 2.1 "X"`, ""},
		},
		{
			"a record fails as a whole with one of its children",
			[]Step{
				{Kind: ArrayMap, Expr: "array_map.wasm"},
				{Kind: Map, Expr: "map.wasm"},
			},
			[]string{"split a error b", "split c d"},
			[]string{"!map (step 2 of 2): map.wasm: the module reports an error without a text", "k 1.0 C, k 1.1 D"},
		},
		{
			"uses takes any kind",
			[]Step{{Kind: Uses, Expr: "filter.wasm"}, {Kind: Uses, Expr: "map.wasm", Params: map[string]string{"greet": "hi"}}},
			[]string{"drop", "greet", "panic"},
			[]string{"", "k 1 hi", "!uses (step 1 of 2): filter.wasm: the module failed: "},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mustOpen(t, tt.steps...)
			recs := make([]record.Record, len(tt.given))
			for i, value := range tt.given {
				recs[i] = record.Record{ID: string(rune('0' + i)), Key: "k", Value: []byte(value), Settled: func(error) {}}
			}
			for i, outcome := range c.ApplyAll(t.Context(), recs) {
				if got := brief(outcome); got != tt.want[i] && (!strings.HasPrefix(got, tt.want[i]) || tt.want[i][0] != '!') {
					t.Errorf("record %d: got %q, want %q", i, got, tt.want[i])
				}
			}
			// One by one it is the same.
			for i, rec := range recs {
				out, err := c.Apply(t.Context(), rec)
				if got := brief(Outcome{out, err}); got != tt.want[i] && (!strings.HasPrefix(got, tt.want[i]) || tt.want[i][0] != '!') {
					t.Errorf("record %d alone: got %q, want %q", i, got, tt.want[i])
				}
			}
		})
	}
}

func TestAModuleKeepsTheRestOfARecord(t *testing.T) {
	in := record.Record{
		ID: "1", Key: "k", Partition: "p", Position: "5", Op: record.Delete, Time: time.UnixMilli(5), Type: "t", Subject: "s",
		Headers: map[string]string{"h": "v"}, Value: []byte("a"), Settled: func(error) {},
	}
	out := mustOpen(t, Step{Kind: Map, Expr: "map.wasm"}).ApplyAll(t.Context(), []record.Record{in})
	want := in
	want.Value, want.Settled = []byte("A"), nil
	if diff := cmp.Diff([]record.Record{want}, out[0].Records); diff != "" || out[0].Err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, out[0].Err)
	}
}

func TestModuleErrors(t *testing.T) {
	tests := []struct {
		name string
		step Step
		want string
	}{
		{"a map for a filter", Step{Kind: Filter, Expr: "map.wasm"}, "--filter: map.wasm: the module exports map, which goes with --map"},
		{"a filter for a map", Step{Kind: Map, Expr: "filter.wasm"}, "--map: filter.wasm: the module exports filter, which goes with --filter"},
		{"an array_map for a map", Step{Kind: Map, Expr: "array_map.wasm"}, "--map: array_map.wasm: the module exports array_map, which goes with --arraymap"},
		{"a map for an arraymap", Step{Kind: ArrayMap, Expr: "@map.wasm"}, "--arraymap: map.wasm: the module exports map, which goes with --map"},
		{"no such file", Step{Kind: Map, Expr: "none.wasm"}, "--map: none.wasm: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := inModules(t, tt.step); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	t.Run("an init that fails", func(t *testing.T) {
		c, err := inModules(t, Step{Kind: Map, Expr: "."}, Step{Kind: Map, Expr: "map.wasm", Params: map[string]string{"greet": "error"}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		want := "map (step 2 of 2): map.wasm: init: the module says: that is no greeting"
		if err := c.Open(t.Context()); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestAStopIsNoFaultOfTheRecords(t *testing.T) {
	c := mustOpen(t, Step{Kind: Map, Expr: "map.wasm"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, outcome := range c.ApplyAll(ctx, []record.Record{{Value: []byte("a")}, {Value: []byte("loop")}}) {
		var fault *StepError
		if !errors.Is(outcome.Err, context.DeadlineExceeded) || errors.As(outcome.Err, &fault) || outcome.Records != nil {
			t.Errorf("got %v", outcome)
		}
	}
}

func TestConcurrentUseOfAModule(t *testing.T) {
	c := mustOpen(t, Step{Kind: Map, Expr: "map.wasm"}, Step{Kind: Map, Expr: "."})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if out, err := c.Apply(t.Context(), record.Record{Value: []byte("a")}); err != nil || string(out[0].Value) != `"A"` {
					t.Error(out, err)
				}
			}
		})
	}
	group.Wait()
}

func TestLookBack(t *testing.T) {
	c := mustOpen(t, Step{Kind: Filter, Expr: "filter.wasm"}, Step{Kind: Uses, Expr: "map.wasm", LookBack: &smartmodule.LookBack{Last: 2}})
	if n := c.LooksBack(); n != 2 {
		t.Errorf("it wants %d records", n)
	}
	recs := []record.Record{{Value: []byte("a")}, {Value: []byte("b")}, {Value: []byte("c")}}
	if err := c.LookBack(t.Context(), recs); err != nil {
		t.Fatal(err)
	}
	out, err := c.Apply(t.Context(), record.Record{Value: []byte("looked")})
	if err != nil || string(out[0].Value) != "b@0,c@1" {
		t.Fatal(out, err)
	}
	want := "uses (step 2 of 2): map.wasm: look_back: the module says: never heard of it"
	if err := c.LookBack(t.Context(), []record.Record{{Value: []byte("forget me")}}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestStateOfAggregates(t *testing.T) {
	step := Step{Kind: Map, Expr: "aggregate.wasm"}
	c := mustOpen(t, step, Step{Kind: Filter, Expr: "true"}, step)
	out, err := c.Apply(t.Context(), record.Record{Value: []byte("a")})
	if err != nil || string(out[0].Value) != "A" {
		t.Fatal(out, err)
	}
	first := c.State()
	if _, err := c.Apply(t.Context(), record.Record{Value: []byte("b")}); err != nil {
		t.Fatal(err)
	}
	if notes := c.Restore(first); len(first) != 2 || notes != nil {
		t.Errorf("the state of two steps is %q, %q", first, notes)
	}
	out, err = c.Apply(t.Context(), record.Record{Value: []byte("c")})
	if err != nil || string(out[0].Value) != "AAC" { // A, then AC appended
		t.Error(out, err)
	}
	// Another module has another name, and so has one with other parameters.
	other := mustOpen(t, Step{Kind: Map, Expr: "aggregate.wasm", Params: map[string]string{"greet": "x"}})
	if notes := other.Restore(first); len(notes) != 2 || other.State() != nil {
		t.Errorf("notes %q, state %q", notes, other.State())
	}
}

func TestAggregatesBeginWithTheirInitialValue(t *testing.T) {
	apply := func(c *Chain, value, want string) {
		t.Helper()
		if out, err := c.Apply(t.Context(), record.Record{Value: []byte(value)}); err != nil || string(out[0].Value) != want {
			t.Errorf("%s became %v, %v, not %s", value, out, err, want)
		}
	}
	step := Step{Kind: Map, Expr: "aggregate.wasm", Initial: "x"}
	c := mustOpen(t, step)
	begun := c.State()
	apply(c, "a", "xA")
	apply(c, "b", "xAB")
	saved := c.State()

	// What is saved wins, whatever the initial value is by then.
	step.Initial = "y"
	again := mustOpen(t, step)
	for _, tt := range []struct {
		saved map[string]string
		want  string
	}{{saved, "xABC"}, {begun, "xC"}, {nil, "yC"}, {map[string]string{"another": "z"}, "yC"}} {
		again.Restore(tt.saved)
		apply(again, "c", tt.want)
	}
	// So does what has become empty.
	for name := range saved {
		saved[name] = ""
	}
	again.Restore(saved)
	if diff := cmp.Diff(saved, again.State()); diff != "" {
		t.Error(diff)
	}
	apply(again, "c", "C")
}

func TestInitialValueOfTheChain(t *testing.T) {
	aggregate := guests.Kind(t, "aggregate")
	c, err := Compile([]Step{{Kind: Map, Expr: aggregate}, {Kind: Uses, Expr: aggregate, Initial: "y"}, {Kind: Uses, Expr: guests.Kind(t, "filter")}},
		Options{Cache: guests.Cache(), Initial: "x"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Apply(t.Context(), record.Record{Value: []byte("a")})
	if err != nil || string(out[0].Value) != "yXA" {
		t.Error(out, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestOnlyAggregatesTakeAnInitialValue(t *testing.T) {
	_, err := inModules(t, Step{Kind: Uses, Expr: "filter.wasm", Initial: "x"}, Step{Kind: Map, Expr: "map.wasm", Initial: "x"})
	for _, want := range []string{
		"filter.wasm: it takes no initial value: it exports filter, and only an aggregate begins with one", "map.wasm: it takes no initial value: it exports map,",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
