package smartmodule

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

// begin starts a module, with the cache of guests if options name none, and ends it with the test.
func begin(tb testing.TB, file []byte, o Options) *Runner {
	tb.Helper()
	m, err := Parse(file)
	if err != nil {
		tb.Fatal(err)
	}
	if o.Cache == "" {
		o.Cache = guests.Cache()
	}
	r, err := m.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// run gives values to a module and tells what becomes of each: outputs joined by +, or the error after a !.
func run(tb testing.TB, r *Runner, values ...string) []string {
	tb.Helper()
	in := make([]Input, len(values))
	for i, v := range values {
		in[i] = Input{Key: "k", Value: []byte(v)}
	}
	results, err := r.Run(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return tell(results)
}

func tell(results []Result) []string {
	told := make([]string, len(results))
	for i, result := range results {
		if result.Err != nil {
			told[i] = "!" + result.Err.Error()
			if len(result.Out) > 0 {
				told[i] = "both an error and outputs"
			}
			continue
		}
		var outs []string
		for _, out := range result.Out {
			text := string(out.Value)
			if out.Key != "k" {
				text = out.Key + ":" + text
			}
			outs = append(outs, text)
		}
		told[i] = strings.Join(outs, "+")
	}
	return told
}

func TestKinds(t *testing.T) {
	tests := []struct {
		kind  Kind
		name  string
		given []string
		want  []string
	}{
		{Filter, "keeps and drops", []string{"a", "drop", "b"}, []string{"a", "", "b"}},
		{Filter, "drops all", []string{"drop", "drop"}, []string{"", ""}},
		{
			Filter, "goes on behind an error",
			[]string{"a", "error no good", "drop", "error neither", "b"},
			[]string{"a", "!the module says: no good", "", "!the module says: neither", "b"},
		},
		{Map, "makes one of each", []string{"a", "b"}, []string{"A", "B"}},
		{Map, "changes and removes keys", []string{"rekey x", "unkey"}, []string{"x:rekey x", ":unkey"}},
		{Map, "takes an empty value", []string{"", "a"}, []string{"", "A"}},
		{Map, "goes on behind the first, and the last", []string{"error x", "a", "error y"}, []string{"!the module says: x", "A", "!the module says: y"}},
		{FilterMap, "changes and drops", []string{"a", "drop", "b"}, []string{"A", "", "B"}},
		{FilterMap, "goes on behind an error", []string{"drop", "error x", "b"}, []string{"", "!the module says: x", "B"}},
		{ArrayMap, "makes many, one and none", []string{"split a b c", "x", "drop", "split"}, []string{"a+b+c", "X", "", ""}},
		{ArrayMap, "goes on behind an error", []string{"split a b", "error x", "y"}, []string{"a+b", "!the module says: x", "Y"}},
		{Aggregate, "adds up", []string{"a", "b", "c"}, []string{"A", "AB", "ABC"}},
		{Aggregate, "leaves out what fails", []string{"error x", "a", "error y", "b"}, []string{"!the module says: x", "A", "!the module says: y", "AB"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind)+" "+tt.name, func(t *testing.T) {
			same(t, run(t, begin(t, kindGuest(t, tt.kind), Options{}), tt.given...), tt.want)
		})
	}
}

func same(tb testing.TB, got, want []string) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) || !strings.HasPrefix(want[i], "!") && got[i] != want[i] {
			tb.Errorf("record %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func TestAFaultCostsTheInstanceAndOneRecord(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"a panic, which is quoted", "panic", "!the module failed: "},
		{"an exit", "exit", "!the module failed: module closed with exit_code(3)"},
		{"an endless loop", "loop", "!the module did not end in time and was stopped"},
		{"a recursion that takes for ever", "recurse", "!the module did not end in time and was stopped"},
		{"more memory than there is", "hoard", "!the module "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := begin(t, kindGuest(t, Map), Options{Params: map[string]string{"greet": "hello"}, Limits: Limits{Call: time.Second}})
			same(t, run(t, r, "a", "b"), []string{"A", "B"})
			// The batch is tried at first, then its records one by one: an instance for "c", and another behind the fault.
			same(t, run(t, r, "c", "seen", tt.value, "seen", "greet"), []string{"C", "2", tt.want, "1", "hello"})
			same(t, run(t, r, "seen"), []string{"3"})
			if tt.value == "panic" {
				if got := run(t, r, "panic"); !strings.Contains(got[0], "panic: boom") {
					t.Errorf("%q does not say boom", got[0])
				}
			}
		})
	}
}

func TestAFilterKeepsRecordsAsTheyWere(t *testing.T) {
	r := begin(t, answering(Filter, 1, reply([]made{{number: 1, key: []byte("other"), value: []byte("changed")}}, nil, nil)).binary(), Options{})
	same(t, run(t, r, "a", "b"), []string{"", "b"})
}

func TestAnAccumulatorOutlivesTheInstance(t *testing.T) {
	r := begin(t, kindGuest(t, Aggregate), Options{})
	got := run(t, r, "a", "b", "panic", "c")
	same(t, got, []string{"A", "AB", "!the module failed", "ABC"})
}

func TestInit(t *testing.T) {
	file := kindGuest(t, Map)
	r := begin(t, file, Options{Params: map[string]string{"greet": "hello", "other": "x"}})
	same(t, run(t, r, "greet"), []string{"hello"})
	tests := []struct {
		name, want string
		options    Options
	}{
		{"an error of the user's", "init: the module says: that is no greeting", Options{Params: map[string]string{"greet": "error"}}},
		{"a panic", "the module failed: ", Options{Params: map[string]string{"greet": "panic"}}},
		{
			"an endless loop", "the module did not end in time and was stopped",
			Options{Params: map[string]string{"greet": "loop"}, Limits: Limits{Call: time.Second}},
		},
		{"a parameter that is too long", "a parameter is longer than 65535 bytes", Options{Params: map[string]string{"x": strings.Repeat("x", 65536)}}},
		{"too little memory", "the module does not start", Options{Limits: Limits{Memory: page}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Parse(file)
			if err != nil {
				t.Fatal(err)
			}
			tt.options.Cache = guests.Cache()
			r, err := m.Start(t.Context(), tt.options)
			if err == nil {
				t.Fatal(r.Close(), "started")
			}
			if !strings.HasPrefix(err.Error(), tt.want) && !strings.Contains(err.Error(), "memory") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

func TestBatches(t *testing.T) {
	r := begin(t, kindGuest(t, Map), Options{})
	in := make([]Input, 250)
	for i := range in {
		in[i].Value = []byte("offset")
	}
	for round := range 2 {
		results, err := r.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for i, result := range results {
			if want := strconv.Itoa(round*len(in) + i); string(result.Out[0].Value) != want {
				t.Fatalf("record %d: got %s, want %s", i, result.Out[0].Value, want)
			}
		}
	}
	if got := len(in[:r.cut(in)]); got != batchRecords {
		t.Errorf("a call has %d records, want %d", got, batchRecords)
	}
	large := []Input{{Value: make([]byte, batchBytes)}, {Value: []byte("x")}}
	if got := r.cut(large); got != 1 {
		t.Errorf("a large record goes with %d others", got-1)
	}
}

func TestTimes(t *testing.T) {
	r := begin(t, kindGuest(t, Map), Options{})
	at := time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)
	times := []time.Time{at, at.Add(time.Hour), at.Add(-time.Minute), {}, at.AddDate(-1, 0, 0), {}}
	in := make([]Input, len(times))
	for i := range in {
		in[i] = Input{Value: []byte("time"), Time: times[i]}
	}
	results, err := r.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range results {
		if want := strconv.FormatInt(in[i].milliseconds(), 10); string(result.Out[0].Value) != want {
			t.Errorf("record %d: got %s, want %s", i, result.Out[0].Value, want)
		}
	}
}

func TestLookBack(t *testing.T) {
	r := begin(t, kindGuest(t, Map), Options{LookBack: &LookBack{Last: 2}})
	same(t, run(t, r, "a", "b", "c"), []string{"A", "B", "C"})
	same(t, run(t, r, "panic"), []string{"!the module failed"})
	same(t, run(t, r, "looked"), []string{"c@2,panic@3"})
	t.Run("on what came before the first record", func(t *testing.T) {
		r := begin(t, kindGuest(t, Map), Options{LookBack: &LookBack{Last: 2}})
		if err := r.LookBack(t.Context(), []Input{{Value: []byte("x")}, {Value: []byte("y")}, {Value: []byte("z")}}); err != nil {
			t.Fatal(err)
		}
		same(t, run(t, r, "looked", "offset"), []string{"y@0,z@1", "3"})
		if err := r.LookBack(t.Context(), []Input{{Value: []byte("forget me")}}); err == nil || !strings.Contains(err.Error(), "never heard of it") {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("that fails is the error of the next records", func(t *testing.T) {
		r := begin(t, kindGuest(t, Map), Options{LookBack: &LookBack{Last: 2}})
		same(t, run(t, r, "forget me"), []string{"FORGET ME"})
		same(t, run(t, r, "panic"), []string{"!the module failed"})
		same(t, run(t, r, "x"), []string{"!look_back: the module says: never heard of it"})
		same(t, run(t, r, "looked"), []string{"panic@1,x@2"})
	})
	t.Run("by age", func(t *testing.T) {
		r := begin(t, kindGuest(t, Map), Options{LookBack: &LookBack{Last: 10, Age: time.Hour}})
		in := []Input{{Value: []byte("old"), Time: time.Now().Add(-2 * time.Hour)}, {Value: []byte("new"), Time: time.Now()}}
		if _, err := r.Run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		run(t, r, "panic")
		same(t, run(t, r, "looked"), []string{"new@1,panic@2"})
	})
	t.Run("without the export", func(t *testing.T) {
		m, err := Parse(guests.Bytes(t, guests.Contains))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Start(t.Context(), Options{LookBack: &LookBack{Last: 1}}); err == nil {
			t.Error("started")
		}
	})
}

func TestAStopEndsAnEndlessLoop(t *testing.T) {
	r := begin(t, kindGuest(t, Map), Options{Limits: Limits{Call: time.Hour}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Run(ctx, []Input{{Value: []byte("loop")}}); err == nil || ctx.Err() == nil {
		t.Errorf("err = %v", err)
	}
	same(t, run(t, r, "seen"), []string{"1"})
}

func TestExamples(t *testing.T) {
	r := begin(t, guests.Bytes(t, guests.Contains), Options{Params: map[string]string{"text": "ada"}})
	same(t, run(t, r, "ada", "bob", `{"name":"ada"}`, ""), []string{"ada", "", `{"name":"ada"}`, ""})
	r = begin(t, guests.Bytes(t, guests.Mask), Options{Params: map[string]string{"fields": "email,phone"}})
	same(t, run(t, r, `{"email":"a@b","n":1}`, `[1]`, `{"n":1}`),
		[]string{`{"email":"***","n":1}`, "!the module says: the record is not a JSON object", `{"n":1}`})
}
