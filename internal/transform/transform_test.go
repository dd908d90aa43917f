package transform

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/patchbay-dev/patchbay/common/record"
)

func mustCompile(t testing.TB, steps ...Step) *Chain {
	t.Helper()
	c, err := Compile(steps, Options{Topic: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// values are the payloads of records as strings; nil for none.
func values(recs []record.Record) []string {
	var out []string
	for _, r := range recs {
		out = append(out, string(r.Value))
	}
	return out
}

func TestApply(t *testing.T) {
	tests := []struct {
		name  string
		steps []Step
		in    string
		want  []string
	}{
		{"map replaces the payload", []Step{{Kind: Map, Expr: "{a: .x}"}}, `{"x": 1, "y": 2}`, []string{`{"a":1}`}},
		{
			"map writes compact JSON with sorted keys",
			[]Step{{Kind: Map, Expr: "."}},
			"{\"b\": 1,\n \"a\": [1, 2]}",
			[]string{`{"a":[1,2],"b":1}`},
		},
		{"map leaves a string a JSON string", []Step{{Kind: Map, Expr: ".x"}}, `{"x": "hi"}`, []string{`"hi"`}},
		{"map does not escape for HTML", []Step{{Kind: Map, Expr: "."}}, `"<a&b>\u2028é"`, []string{"\"<a&b>\u2028é\""}},
		{"map writes not-a-number as null", []Step{{Kind: Map, Expr: "nan"}}, `1`, []string{`null`}},
		{"map may give null", []Step{{Kind: Map, Expr: ".x"}}, `{}`, []string{`null`}},
		{"filter keeps what is true", []Step{{Kind: Filter, Expr: ".n > 1"}}, ` {"n" : 2.0} `, []string{` {"n" : 2.0} `}},
		{"filter drops what is false", []Step{{Kind: Filter, Expr: ".n > 1"}}, `{"n":1}`, nil},
		{"filter drops null", []Step{{Kind: Filter, Expr: ".n"}}, `{}`, nil},
		{"filter keeps zero and the empty string", []Step{{Kind: Filter, Expr: "0"}, {Kind: Filter, Expr: `""`}}, `{}`, []string{`{}`}},
		{"filter drops where select gives nothing", []Step{{Kind: Filter, Expr: "select(.n)"}}, `{"n":false}`, nil},
		{"filter keeps where select gives the value", []Step{{Kind: Filter, Expr: "select(.n)"}}, `{"n": 1}`, []string{`{"n": 1}`}},
		{
			"arraymap makes a record of each element",
			[]Step{{Kind: ArrayMap, Expr: ".xs"}},
			`{"xs":[1,"b",{"c":3}]}`,
			[]string{`1`, `"b"`, `{"c":3}`},
		},
		{"arraymap makes a record of each output", []Step{{Kind: ArrayMap, Expr: ".xs[]"}}, `{"xs":[1,2]}`, []string{`1`, `2`}},
		{"arraymap spreads one level", []Step{{Kind: ArrayMap, Expr: ".[]"}}, `[[1,[2]],3]`, []string{`1`, `[2]`, `3`}},
		{"arraymap keeps one value as one record", []Step{{Kind: ArrayMap, Expr: "."}}, `{"a": 1}`, []string{`{"a":1}`}},
		{"arraymap drops a record without outputs", []Step{{Kind: ArrayMap, Expr: "empty"}}, `1`, nil},
		{"arraymap drops the empty array", []Step{{Kind: ArrayMap, Expr: "."}}, `[]`, nil},
		{
			"steps run in the order given",
			[]Step{{Kind: ArrayMap, Expr: "."}, {Kind: Filter, Expr: ". > 1"}, {Kind: Map, Expr: ". * 10"}, {Kind: Filter, Expr: ". < 40"}},
			`[1,2,3,4]`,
			[]string{`20`, `30`},
		},
		{
			"a filter after a map sees the new value",
			[]Step{{Kind: Map, Expr: ".a"}, {Kind: Filter, Expr: ".b"}},
			`{"a": {"b": true}}`,
			[]string{`{"b":true}`},
		},
		{"text that is no JSON is a string", []Step{{Kind: Map, Expr: "length"}}, `hello`, []string{`5`}},
		{"two JSON values are text", []Step{{Kind: Map, Expr: "."}}, `1 2`, []string{`"1 2"`}},
		{"JSON with a tail is text", []Step{{Kind: Map, Expr: "."}}, `{"a":1}x`, []string{`"{\"a\":1}x"`}},
		{"truncated JSON is text", []Step{{Kind: Map, Expr: "type"}}, `{"a":`, []string{`"string"`}},
		{"blanks are text", []Step{{Kind: Map, Expr: "."}}, ` `, []string{`" "`}},
		{"blanks around a value are not part of it", []Step{{Kind: Map, Expr: "."}}, "\r\n\t 7 \n", []string{`7`}},
		{"an empty payload is null", []Step{{Kind: Map, Expr: "[.]"}}, ``, []string{`[null]`}},
		{"an empty payload stays empty under a filter", []Step{{Kind: Filter, Expr: ". == null"}}, ``, []string{``}},
		{
			"numbers keep their digits",
			[]Step{{Kind: Map, Expr: "."}},
			`[12345678901234567890,0.1,1.000,1e2,-0,123456789.123456789012345678901234567890,1e1000]`,
			[]string{`[12345678901234567890,0.1,1.000,1e2,-0,123456789.123456789012345678901234567890,1e1000]`},
		},
		{
			"numbers keep their digits when moved",
			[]Step{{Kind: Map, Expr: "{n: .a[0]}"}},
			`{"a":[12345678901234567890]}`,
			[]string{`{"n":12345678901234567890}`},
		},
		{
			"integer arithmetic is exact",
			[]Step{{Kind: Map, Expr: ". + 1"}},
			`12345678901234567890`,
			[]string{`12345678901234567891`},
		},
		{"now is the clock", []Step{{Kind: Map, Expr: "now > 1700000000"}}, `0`, []string{`true`}},
		{"a variable of the user hides ours", []Step{{Kind: Map, Expr: `. as $key | $key`}}, `1`, []string{`1`}},
		{
			"the name of a variable may be text",
			[]Step{{Kind: Map, Expr: `"$headers and $time"`}},
			`1`,
			[]string{`"$headers and $time"`},
		},
		{"an error that is caught is none", []Step{{Kind: Map, Expr: `try error("x") catch .`}}, `1`, []string{`"x"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustCompile(t, tt.steps...).Apply(t.Context(), record.Record{Value: []byte(tt.in)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, values(got)); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	long := `"` + strings.Repeat("é", 5000) + `"`
	tests := []struct {
		name  string
		steps []Step
		in    string
		want  string
	}{
		{
			"map without output",
			[]Step{{Kind: Map, Expr: "empty"}},
			`1`,
			"map: no output, and a map needs one; to drop records use --filter",
		},
		{
			"map with two outputs",
			[]Step{{Kind: Map, Expr: ".[]"}},
			`[1,2]`,
			"map: more than one output; to make several records of one use --arraymap",
		},
		{"map with an error after its output", []Step{{Kind: Map, Expr: `1, error("late")`}}, `1`, "map: error: late"},
		{
			"filter with two outputs",
			[]Step{{Kind: Filter, Expr: ".[]"}},
			`[true,true]`,
			"filter: more than one output, and a filter needs one; combine them with any(…) or all(…)",
		},
		{"filter with an error after its output", []Step{{Kind: Filter, Expr: `true, error("late")`}}, `1`, "filter: error: late"},
		{"arraymap with an error after outputs", []Step{{Kind: ArrayMap, Expr: `1, error("late")`}}, `1`, "arraymap: error: late"},
		{
			"the step is numbered in a longer chain",
			[]Step{{Kind: Filter, Expr: "."}, {Kind: Map, Expr: ".a.b"}},
			`{"a":1}`,
			"map (step 2 of 2): expected an object but got: number (1)",
		},
		{
			"a binary payload",
			[]Step{{Kind: Filter, Expr: "true"}},
			"\xff\xfe",
			"filter: the payload is not text (it holds bytes that are not UTF-8), and jq reads text only",
		},
		{
			"JSON with bytes that are not UTF-8",
			[]Step{{Kind: Map, Expr: "."}},
			"\"\xff\"",
			"map: the payload is not text (it holds bytes that are not UTF-8), and jq reads text only",
		},
		{
			"halt",
			[]Step{{Kind: Filter, Expr: "halt"}},
			`1`,
			"filter: halt is not available: an expression cannot stop the connector",
		},
		{"halt_error", []Step{{Kind: Map, Expr: `"bad" | halt_error`}}, `1`, "map: halt error: bad"},
		{"a message of several lines", []Step{{Kind: Map, Expr: `error("a\nb\u001bc")`}}, `1`, "map: error: a b c"},
		{
			"a message that quotes the payload is cut",
			[]Step{{Kind: Map, Expr: "error"}},
			long,
			"map: error: " + strings.Repeat("é", 96) + "…",
		},
		{"modulemeta has nothing to read", []Step{{Kind: Map, Expr: `"x" | modulemeta`}}, `1`, `map: cannot load module: "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustCompile(t, tt.steps...).Apply(t.Context(), record.Record{Value: []byte(tt.in)})
			if got != nil {
				t.Errorf("records beside the error: %v", values(got))
			}
			step, ok := errors.AsType[*StepError](err)
			if !ok {
				t.Fatalf("error is %T (%v), want *StepError", err, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			last := tt.steps[len(tt.steps)-1]
			if step.Index != len(tt.steps)-1 || step.Kind != last.Kind {
				t.Errorf("step %d %s, want %d %s", step.Index, step.Kind, len(tt.steps)-1, last.Kind)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	at := time.Date(2026, 3, 4, 6, 6, 7, 89_000_001, time.FixedZone("CET", 3600))
	full := record.Record{Key: "k\xff", Time: at, Headers: map[string]string{"a": "1", "b": ""}, Value: []byte("0")}
	tests := []struct {
		name string
		expr string
		rec  record.Record
		want string
	}{
		{"key", "$key[:1]", full, `"k"`},
		{"the key keeps bytes that are not UTF-8", "$key | @base64", full, `"a/8="`},
		{"topic", "$topic", full, `"orders"`},
		{"time is UTC with nanoseconds", "$time", full, `"2026-03-04T05:06:07.089000001Z"`},
		{"headers", "$headers", full, `{"a":"1","b":""}`},
		{
			"all in one, in any order", "[$headers.a, $time[:4], $topic, ($key | length)]", full,
			`["1","2026","orders",2]`,
		},
		{"unknown time is null", "[$time]", record.Record{Value: []byte("0")}, `[null]`},
		{"no key is the empty string", "$key", record.Record{Value: []byte("0")}, `""`},
		{"no headers are an empty object", "$headers", record.Record{Value: []byte("0")}, `{}`},
		{"in a string", `"\($topic)/\($key[:1])"`, full, `"orders/k"`},
		{"as an object shorthand", `{$topic}`, full, `{"topic":"orders"}`},
		{"in a function", `def f: $topic; f`, full, `"orders"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustCompile(t, Step{Kind: Map, Expr: tt.expr}).Apply(t.Context(), tt.rec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.want}, values(got)); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVariablesAreThoseOfTheOriginalRecordInEveryStep(t *testing.T) {
	c := mustCompile(t, Step{Kind: Map, Expr: `{h: ($headers | .a = "changed")}`}, Step{Kind: Map, Expr: "[.h.a, $headers.a, $time]"},
		Step{Kind: Map, Expr: ". + [$time]"})
	rec := record.Record{Headers: map[string]string{"a": "1"}, Time: time.Unix(0, 0), Value: []byte("0")}
	got, err := c.Apply(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`["changed","1","1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]`}
	if diff := cmp.Diff(want, values(got)); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

func TestChildrenAreTheParentButForValueAndID(t *testing.T) {
	parent := record.Record{
		ID: "id", Key: "k", Partition: "p", Position: "7", Op: record.Delete, Time: time.Unix(1, 2),
		Type: "t", Subject: "s", Headers: map[string]string{"h": "v"}, Value: []byte(`[[1,2,3],4]`),
		Settled: func(error) { t.Error("Apply settled the record") },
	}
	with := func(id, value string) record.Record {
		child := parent
		child.ID, child.Value = id, []byte(value)
		return child
	}
	anonymous := parent
	anonymous.ID = ""
	tests := []struct {
		name  string
		steps []Step
		in    record.Record
		want  []record.Record
	}{
		{"no steps", nil, parent, []record.Record{parent}},
		{"filter", []Step{{Kind: Filter, Expr: "true"}}, parent, []record.Record{parent}},
		{"map", []Step{{Kind: Map, Expr: "1"}}, parent, []record.Record{with("id", "1")}},
		{
			"several children are numbered",
			[]Step{{Kind: ArrayMap, Expr: ".[0]"}},
			parent,
			[]record.Record{with("id.0", "1"), with("id.1", "2"), with("id.2", "3")},
		},
		{"an only child keeps the ID", []Step{{Kind: ArrayMap, Expr: ".[1]"}}, parent, []record.Record{with("id", "4")}},
		{
			"children of children are numbered in their families",
			[]Step{{Kind: ArrayMap, Expr: "."}, {Kind: ArrayMap, Expr: "."}},
			parent,
			[]record.Record{with("id.0.0", "1"), with("id.0.1", "2"), with("id.0.2", "3"), with("id.1", "4")},
		},
		{
			"a later filter does not renumber",
			[]Step{{Kind: ArrayMap, Expr: ".[0]"}, {Kind: Filter, Expr: ". > 2"}},
			parent,
			[]record.Record{with("id.2", "3")},
		},
		{"no ID stays none", []Step{{Kind: ArrayMap, Expr: ".[0][:2]"}}, anonymous, []record.Record{with("", "1"), with("", "2")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustCompile(t, tt.steps...).Apply(t.Context(), tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(record.Record{}, "Settled")); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			for i, r := range got {
				if r.Settled != nil {
					t.Errorf("record %d has the Settled of its parent", i)
				}
			}
		})
	}
}

func TestNilChainIsEmpty(t *testing.T) {
	var c *Chain
	got, err := c.Apply(t.Context(), record.Record{Value: []byte("\xff")})
	if err != nil || c.Len() != 0 || len(got) != 1 || string(got[0].Value) != "\xff" {
		t.Errorf("Len %d, records %v, error %v; want the record as it is", c.Len(), got, err)
	}
}

func TestFilterKeepsTheSlice(t *testing.T) {
	in := []byte(`{"b": 1.0, "a": "\u00e9"}`)
	got, err := mustCompile(t, Step{Kind: Filter, Expr: ".b"}, Step{Kind: Filter, Expr: ".a"}).Apply(t.Context(), record.Record{Value: in})
	if err != nil {
		t.Fatal(err)
	}
	if &got[0].Value[0] != &in[0] || len(got[0].Value) != len(in) {
		t.Error("the payload was copied")
	}
}

func TestDeletes(t *testing.T) {
	tests := []struct {
		name string
		step Step
		in   string
		want []string
	}{
		{"a tombstone stays one under map", Step{Kind: Map, Expr: ".id"}, ``, []string{``}},
		{"a tombstone stays one under arraymap", Step{Kind: ArrayMap, Expr: ".items"}, ``, []string{``}},
		{"a tombstone stays one under filter", Step{Kind: Filter, Expr: "true"}, ``, []string{``}},
		{"map may make a tombstone", Step{Kind: Map, Expr: "null"}, `{"id":1}`, []string{``}},
		{"map may fill a tombstone", Step{Kind: Map, Expr: "{id: $key}"}, ``, []string{`{"id":"k"}`}},
		{"map sees the last known state", Step{Kind: Map, Expr: ".id"}, `{"id":1}`, []string{`1`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := record.Record{Key: "k", Op: record.Delete, Value: []byte(tt.in)}
			got, err := mustCompile(t, tt.step).Apply(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, values(got)); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContextEndsAnEndlessExpression(t *testing.T) {
	for _, expr := range []string{
		"last(repeat(1))", "[range(infinite)] | length", "def f: f; f",
		"try last(repeat(1)) catch 1",
	} {
		for _, kind := range []Kind{Map, Filter, ArrayMap} {
			t.Run(string(kind)+" "+expr, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				_, err := mustCompile(t, Step{Kind: kind, Expr: expr}).Apply(ctx, record.Record{})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error is %v, want that of the context", err)
				}
				if _, blamed := errors.AsType[*StepError](err); blamed {
					t.Error("the record is blamed for the end of the context")
				}
			})
		}
	}
}

func TestContextEndsAnEndlessFanOut(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	out, err := mustCompile(t, Step{Kind: ArrayMap, Expr: "repeat(1)"}).Apply(ctx, record.Record{})
	if !errors.Is(err, context.DeadlineExceeded) || out != nil {
		t.Errorf("%d records, error %v; want the error of the context", len(out), err)
	}
}

func TestEnvironmentIsNotReadable(t *testing.T) {
	t.Setenv("PATCHBAY_CANARY", "canary")
	got, err := mustCompile(t, Step{
		Kind: Map,
		Expr: "[env, $ENV, env.PATCHBAY_CANARY, $ENV.PATCHBAY_CANARY]",
	}).Apply(t.Context(), record.Record{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`[{},{},null,null]`}, values(got)); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

// TestEvaluationDoesNotChangeItsInput guards what the sharing of a decoded value between steps relies on.
func TestEvaluationDoesNotChangeItsInput(t *testing.T) {
	const payload = `{"a":{"b":[3,1,2],"c":null},"l":[[1,2],[3]],"n":12345678901234567890,"s":"text"}`
	for _, expr := range []string{
		`.a.b[0] = 9`, `.a.b |= sort`, `del(.a.b[0], .l)`, `.l[0] += [7]`, `.a.b[1:] = []`,
		`.a.b + [4] | .[0] = 5`, `.a.b | sort, reverse`,
		`setpath(["a","b",0]; 1)`, `delpaths([["a"],["l",0]])`, `to_entries | .[0].value = 1`,
		`with_entries(.value |= 1)`,
		`walk(if type == "number" then . + 1 else . end)`, `map_values(empty)`, `.a * {b: {d: 1}}`,
		`.l | add | .[0] = 7`, `[.l[] | .[0] = 8]`,
		`.l | flatten | .[0] = 9`, `reduce .a.b[] as $x (.; .a.b += [$x])`, `.n += 1`,
		`.a | to_entries | from_entries | .b[0] = 1`,
		`.. |= .`, `[paths] | .[0][0] = 1`, `.l | transpose | .[0][0] = 5`, `.a.b | unique | .[0] = 7`,
		`.l | group_by(.) | .[0][0][0] = 9`,
		`.l | min_by(.) | .[0] = 3`, `getpath(["a","b"]) | .[0] = 3`, `limit(1; .l[]) | .[0] = 3`,
		`.l[0] as [$x] | .l[0][1] = $x`,
	} {
		t.Run(expr, func(t *testing.T) {
			v, err := decode([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			c := mustCompile(t, Step{Kind: ArrayMap, Expr: expr})
			if _, err := c.stages[0].(expressions).steps[0].apply(t.Context(), []item{{value: v}}, &variables{}); err != nil {
				t.Fatal(err)
			}
			if got := string(encode(v, record.Upsert)); got != payload {
				t.Errorf("the input became %s", got)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	c := mustCompile(t, Step{Kind: ArrayMap, Expr: `.xs, {fixed: [1, 2]}`}, Step{
		Kind: Map,
		Expr: `(try .fixed[0] catch 0) as $f | [$f, test("a")?, $headers, $time]`,
	})
	rec := record.Record{
		ID: "i", Headers: map[string]string{"h": "v"}, Time: time.Unix(5, 0),
		Value: []byte(`{"xs":["a","b"]}`),
	}
	want, err := c.Apply(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				got, err := c.Apply(t.Context(), rec)
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(values(want), values(got)); diff != "" {
					t.Errorf("payloads (-want +got):\n%s", diff)
				}
			}
		})
	}
	wg.Wait()
}
