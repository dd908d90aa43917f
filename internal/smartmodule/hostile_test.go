package smartmodule

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestParseErrors is about files that are refused before anything runs.
func TestParseErrors(t *testing.T) {
	good := answering(Map, 0, nil)
	with := func(change func(a *assembly)) []byte {
		a := good
		change(&a)
		return a.binary()
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "the file is not a WebAssembly module, or it is damaged"},
		{"text", []byte("map(.)"), "the file is not a WebAssembly module, or it is damaged"},
		{"half a module", good.binary()[:60], "the file is not a WebAssembly module, or it is damaged"},
		{"a module without sections", header, "it is no SmartModule: it does not import env.copy_records"},
		{"no copy_records", with(func(a *assembly) { a.noCopy = true }), "it is no SmartModule: it does not import env.copy_records"},
		{"another import", with(func(a *assembly) { a.imports = []string{"env.now"} }), "it imports env.now, which is not part of the SmartModule interface"},
		{"no memory", with(func(a *assembly) { a.noMemory = true }), "it is no SmartModule: it does not export its memory"},
		{"no alloc", with(func(a *assembly) { a.functions = a.functions[1:] }), "it is no SmartModule: it does not export alloc"},
		{"no transform", with(func(a *assembly) { a.functions = a.functions[:1] }), "it is no SmartModule: it exports none of filter, map, filter_map, array_map, aggregate"},
		{
			"a transform of another type",
			with(func(a *assembly) { a.functions = []function{alloc, {"map", allocType, constant(0)}} }),
			"it exports map with another type than that of the SmartModule interface",
		},
		{
			"an init of another type",
			with(func(a *assembly) { a.functions = append(a.functions, function{"init", "-", nil}) }),
			"it exports init with another type than that of the SmartModule interface",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.file); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestTheFirstExportDecides(t *testing.T) {
	a := answering(Map, 0, nil)
	a.functions = append(a.functions, transform(ArrayMap, constant(0)), transform(Filter, constant(0)))
	m, err := Parse(a.binary())
	if err != nil || m.Kind() != Filter {
		t.Errorf("kind %q, %v", m.Kind(), err)
	}
}

// TestStartErrors is about modules that cannot be compiled or started.
func TestStartErrors(t *testing.T) {
	loop := op(opLoop, blockEmpty, 0x0c, 0, opEnd)
	with := func(f function, start int) assembly {
		a := answering(Map, 0, nil)
		a.functions, a.start = append(a.functions, f), start
		return a
	}
	tests := []struct {
		name string
		a    assembly
		want string
	}{
		{"code that is not valid", with(function{"", "-", op(opI32Sub)}, 0), "invalid function"},
		{"an instruction that is not supported", with(function{"", "-", op(0x08, 0)}, 0), "function 2: instruction 0x08 is not supported"},
		{"an endless loop at the start", with(function{"", "-", loop}, 3), "the module does not start: the module did not end in time and was stopped"},
		{"a trap at the start", with(function{"", "-", op(0)}, 3), "the module does not start: the module failed: unreachable"},
		{"more memory than a module gets", assembly{pages: 4096, functions: answering(Map, 0, nil).functions}, "min 4096 pages (256 Mi) over limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Parse(tt.a.binary())
			if err != nil {
				t.Fatal(err)
			}
			r, err := m.Start(t.Context(), Options{Limits: Limits{Call: 100 * time.Millisecond}})
			if err == nil {
				t.Fatal(r.Close(), "started")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// TestHostileAnswers is about modules that break the interface once they run. Each is tried twice: a fault leaves a module
// that works as well, or as badly, as before. And it is bounded just as well when its code comes from the cache.
func TestHostileAnswers(t *testing.T) {
	loop := op(opLoop, blockEmpty, 0x0c, 0, opEnd)
	one := made{value: []byte("x")}
	claims := binary.BigEndian.AppendUint32(nil, 0xffffffff)
	hand := func(pointer, length uint32) assembly {
		return assembly{functions: []function{alloc, transform(Map, constant(pointer), constant(length), call(0), constant(1))}}
	}
	// 28 functions that each call the next one 8 times: no loop, no recursion, and no end.
	bomb := assembly{functions: []function{alloc, transform(Map, call(3), constant(0))}}
	for i := range 28 {
		var code []byte
		for range 8 {
			code = append(code, call(i+4)...)
		}
		bomb.functions = append(bomb.functions, function{"", "-", code})
	}
	bomb.functions = append(bomb.functions, function{"", "-", nil})
	tests := []struct {
		name string
		a    assembly
		want string
	}{
		{"alloc far outside", assembly{functions: []function{{exportAlloc, allocType, constant(0xfffffff0)}, transform(Map, constant(0))}}, "!the module's alloc gave memory"},
		{"alloc at the very end", assembly{functions: []function{{exportAlloc, allocType, constant(page - 4)}, transform(Map, constant(0))}}, "!the module's alloc gave memory"},
		{"alloc that traps", assembly{functions: []function{{exportAlloc, allocType, op(0)}, transform(Map, constant(0))}}, "!the module failed: unreachable"},
		{"an answer outside", hand(0xfffffff0, 32), "!the module's answer lies outside its memory"},
		{"an answer across the end", hand(page-4, 8), "!the module's answer lies outside its memory"},
		{"an answer of 2 GiB", hand(0, 1<<31), "!the module's answer is too large"},
		{"an answer whose end overflows", hand(0xffffffff, 1<<20), "!the module's answer lies outside its memory"},
		{"no answer", assembly{functions: []function{alloc, transform(Map, constant(0))}}, "!the module ended without an answer"},
		{
			"two answers",
			assembly{functions: []function{alloc, transform(Map, constant(0), constant(5), call(0), constant(0), constant(5), call(0), constant(0))}},
			"!the module handed back more than one answer",
		},
		{"an empty answer", answering(Map, 0, nil), "!the answer cannot be decoded"},
		{"four billion records that are not there", answering(Map, 1, claims), "!the answer cannot be decoded"},
		{"a record that is longer than the answer", answering(Map, 1, cat(claims[:3], op(1, 0x80, 0x80, 0x80, 0x80, 1))), "!the answer cannot be decoded"},
		{"a record of a negative length", answering(Map, 1, op(0, 0, 0, 1, 1, 0)), "!the answer cannot be decoded"},
		{"neither an error nor none", answering(Map, 0, op(0, 0, 0, 0, 7)), "!the answer cannot be decoded"},
		{"a record that it was not given", answering(Map, 1, reply([]made{{number: 2}}, nil, nil)), "!the module hands back a record that belongs to none"},
		{"a negative record", answering(Map, 1, reply([]made{{number: -1}}, nil, nil)), "!the module hands back a record that belongs to none"},
		{"the same record twice", answering(Map, 1, reply([]made{one, one}, nil, nil)), "!the module hands back a record that belongs to none"},
		{"nothing of a map", answering(Map, 0, reply(nil, nil, nil)), "!the module made nothing of the record"},
		{"an error for another record", answering(Map, 0, reply(nil, &failure{"x", 99}, nil)), "!the module reports an error for a record that it was not given"},
		{"an error before the first record", answering(Map, 0, reply(nil, &failure{"x", -1}, nil)), "!the module reports an error for a record that it was not given"},
		{"no accumulator", answering(Aggregate, 1, reply([]made{one}, nil, nil)), "!the answer cannot be decoded"},
		{"a code", answering(Map, -11, nil), "!the module returned -11: it cannot read its input"},
		{"a code that nobody knows", answering(Map, -7, nil), "!the module returned -7"},
		{"a trap", assembly{functions: []function{alloc, transform(Map, op(0))}}, "!the module failed: unreachable"},
		{"a division by zero", assembly{functions: []function{alloc, transform(Map, constant(1), constant(0), op(0x6d))}}, "!the module failed: integer divide by zero"},
		{"an endless loop", assembly{functions: []function{alloc, transform(Map, loop, constant(0))}}, "!the module did not end in time"},
		{"an endless loop in alloc", assembly{functions: []function{{exportAlloc, allocType, cat(loop, constant(0))}, transform(Map, constant(0))}}, "!the module did not end in time"},
		{
			"an endless loop in dealloc",
			assembly{
				functions: []function{alloc, transform(Map, constant(1024), constant(5), call(0), constant(0)), {exportDealloc, deallocType, loop}},
				data:      reply(nil, nil, nil),
			},
			"!the module did not end in time",
		},
		{"a recursion without end", assembly{functions: []function{alloc, transform(Map, constant(0), constant(0), constant(0), call(2))}}, "!the module "},
		{
			"tail calls by the table without end",
			assembly{functions: []function{alloc, transform(Map, loop[:2], constant(0), constant(0), constant(0), constant(2), op(opCallIndirect, 1, 0, 0x1a, 0x0c, 0, opEnd), constant(0))}},
			"!the module ",
		},
		{"calls without end, loop or recursion", bomb, "!the module did not end in time"},
		{
			"memory without end", // a loop that ends when there is no more, then a trap
			assembly{functions: []function{alloc, transform(Map, op(opLoop, blockEmpty, opI32Const, 1, 0x40, 0, opI32Const, 0x7f, 0x47, 0x0d, 0, opEnd, 0), constant(0))}},
			"!the module failed: unreachable",
		},
		{"ticks of its own", assembly{functions: []function{alloc, transform(Map, constant(tick), constant(tick), call(0), constant(0))}}, "!the module ended without an answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Limits: Limits{Call: 100 * time.Millisecond, Memory: 1 << 20}, Cache: filepath.Join(t.TempDir(), "cache")}
			r := begin(t, tt.a.binary(), o)
			for range 2 {
				same(t, run(t, r, "a", "b"), []string{tt.want, tt.want})
			}
			same(t, run(t, begin(t, tt.a.binary(), o), "a"), []string{tt.want})
		})
	}
}

func TestOversizedAnswers(t *testing.T) {
	many := make([]made, 100)
	r := begin(t, answering(ArrayMap, 0, reply(many, nil, nil)).binary(), Options{Limits: Limits{Records: 99}})
	same(t, run(t, r, "a"), []string{"!the answer holds too many records"})
	r = begin(t, answering(ArrayMap, 0, reply(many, nil, nil)).binary(), Options{Limits: Limits{Answer: 99}})
	same(t, run(t, r, "a"), []string{"!the module's answer is too large"})
	r = begin(t, answering(ArrayMap, 0, reply(many, nil, nil)).binary(), Options{Limits: Limits{Records: 100}})
	if got := run(t, r, "a"); strings.Count(got[0], "+") != 99 {
		t.Errorf("got %q", got)
	}
}

// TestOutputsThatAreNotNumbered is about modules that lose the numbers of their records: they work, one record at a time.
func TestOutputsThatAreNotNumbered(t *testing.T) {
	r := begin(t, answering(FilterMap, 1, reply([]made{{value: []byte("x")}, {value: []byte("y")}}, nil, nil)).binary(), Options{})
	same(t, run(t, r, "a", "b"), []string{"!the module hands back a record", "!the module hands back a record"})
	if !r.unnumbered {
		t.Error("it is given batches still")
	}
}
