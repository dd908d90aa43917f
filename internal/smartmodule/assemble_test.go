package smartmodule

import (
	"bytes"
	"encoding/binary"
)

// A function is one of an assembled module.
type function struct {
	name string // of the export; empty for none
	typ  string
	code []byte
}

// An assembly is a module that is put together byte by byte, for what no compiler would write. Its function 0 is
// env.copy_records, functions are numbered from 1. It has a global, 0, a variable i32 that begins at 4096, and a table with
// all functions.
type assembly struct {
	imports   []string // "module.name" beside env.copy_records; of its type
	noCopy    bool
	noMemory  bool
	pages     int // of memory at first
	functions []function
	start     int    // number of the function that runs at the start; 0 for none
	data      []byte // at address 1024
}

func uleb(n int) []byte   { return binary.AppendUvarint(nil, uint64(n)) }
func sleb(n int32) []byte { return appendVarint32(nil, n) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func vec(items ...[]byte) []byte { return append(uleb(len(items)), cat(items...)...) }

func name(s string) []byte { return append(uleb(len(s)), s...) }

func op(b ...byte) []byte { return b }

// constant pushes an i32.
func constant(n uint32) []byte { return append(op(opI32Const), sleb(int32(n))...) }

// call calls a function by its number.
func call(n int) []byte { return append(op(opCall), uleb(n)...) }

func (a assembly) binary() []byte {
	types := []string{"\x7f\x7f-", transformType, allocType, deallocType, "-"}
	number := func(typ string) []byte {
		for i, t := range types {
			if t == typ {
				return uleb(i)
			}
		}
		panic("no such type")
	}
	var typeItems, importItems, functionItems, exportItems, codeItems, all [][]byte
	for _, t := range types {
		parameters, results, _ := bytes.Cut([]byte(t), []byte("-"))
		typeItems = append(typeItems, cat(op(0x60), name(string(parameters)), name(string(results))))
	}
	if !a.noCopy {
		importItems = append(importItems, cat(name("env"), name("copy_records"), op(0, 0)))
	}
	for _, i := range a.imports {
		module, field, _ := bytes.Cut([]byte(i), []byte("."))
		importItems = append(importItems, cat(name(string(module)), name(string(field)), op(0, 0)))
	}
	if !a.noMemory {
		exportItems = append(exportItems, cat(name("memory"), op(externMemory, 0)))
	}
	for i, f := range a.functions {
		functionItems = append(functionItems, number(f.typ))
		if f.name != "" {
			exportItems = append(exportItems, cat(name(f.name), op(externFunction), uleb(len(importItems)+i)))
		}
		body := cat(op(0), f.code, op(opEnd))
		codeItems = append(codeItems, append(uleb(len(body)), body...))
	}
	for i := range len(importItems) + len(a.functions) {
		all = append(all, uleb(i))
	}
	out := append([]byte(nil), header...)
	section := func(id byte, body []byte) { out = appendSection(out, id, body) }
	section(sectionType, vec(typeItems...))
	section(sectionImport, vec(importItems...))
	section(sectionFunction, vec(functionItems...))
	section(4, vec(cat(op(0x70, 0), uleb(len(all)))))
	section(sectionMemory, vec(cat(op(0), uleb(max(a.pages, 1)))))
	section(sectionGlobal, vec(cat(op(typeI32, 1), constant(4096), op(opEnd))))
	section(sectionExport, vec(exportItems...))
	if a.start > 0 {
		section(8, uleb(a.start))
	}
	section(9, vec(cat(op(0), constant(0), op(opEnd), vec(all...))))
	section(sectionCode, vec(codeItems...))
	if a.data != nil {
		section(sectionData, vec(cat(op(0), constant(1024), op(opEnd), name(string(a.data)))))
	}
	return out
}

// alloc always gives the same place: an input is read before the next one comes.
var alloc = function{exportAlloc, allocType, constant(8192)}

// transform is an export of the type of all transforms.
func transform(kind Kind, code ...[]byte) function {
	return function{string(kind), transformType, cat(code...)}
}

// answering makes a module, for wasm32-unknown-unknown, that hands back the same answer for every input.
func answering(kind Kind, code int32, answer []byte) assembly {
	return assembly{
		functions: []function{alloc, transform(kind, constant(1024), constant(uint32(len(answer))), call(0), constant(uint32(code)))},
		data:      answer,
	}
}

// echoing makes a module that hands back all records as they are, from the memory of its input, and does next to nothing else. Its alloc
// takes memory behind all that it took before, and dealloc gives back the last: a host that forgets it makes the memory grow.
func echoing(kind Kind) assembly {
	const opLocalGet, local0, local1, add, sub = 0x20, 0, 1, 0x6a, opI32Sub
	ask := cat(
		op(opGlobalGet, 0), // the result
		op(opGlobalGet, 0, opLocalGet, local0, add, opGlobalSet, 0),
		op(opGlobalGet, 0, opI32Const, 16, 0x76, 0x3f, 0, 0x4f, opIf, blockEmpty), // if global>>16 >= memory.size
		op(opI32Const, 1, 0x40, 0, 0x1a, opEnd),                                   // then grow it by a page
	)
	const before, around = 12, 26 // bytes of an input before its records, and around them; one byte behind them says that there is no error
	give := op(opLocalGet, local0, opI32Const, before, sub, opGlobalSet, 0)
	echo := cat(op(opLocalGet, local0, opI32Const, before, add, opLocalGet, local1, opI32Const, around, sub), call(0), constant(0))
	return assembly{functions: []function{{exportAlloc, allocType, ask}, {exportDealloc, deallocType, give}, transform(kind, echo)}}
}

// reply encodes an answer.
func reply(records []made, f *failure, accumulator []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(records)))
	for _, m := range records {
		r := binary.AppendVarint(op(0, 0), m.number)
		if m.key == nil {
			r = append(r, 0)
		} else {
			r = append(binary.AppendVarint(append(r, 1), int64(len(m.key))), m.key...)
		}
		r = append(binary.AppendVarint(r, int64(len(m.value))), m.value...)
		r = append(r, 0)
		b = append(binary.AppendVarint(b, int64(len(r))), r...)
	}
	if f == nil {
		b = append(b, 0)
	} else {
		b = appendString(append(b, 1), f.hint)
		b = binary.BigEndian.AppendUint64(b, uint64(f.offset))
		b = append(b, 1, 0, 0) // kind, no key, no bytes
	}
	if accumulator != nil {
		b = appendBytes(b, accumulator)
	}
	return b
}
