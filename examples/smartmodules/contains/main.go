//go:build wasip1

// Command contains is a SmartModule on the bare interface, without a package between: a filter that keeps the records whose
// value holds the text given by the parameter text. It reads and writes every byte of the interface by itself, and is
// here to show how little that is; package guest spares you the trouble.
package main

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// text is what to look for.
var text []byte

// memory keeps what the host knows by its address from the garbage collector.
var memory = map[uint32][]byte{}

func keep(b []byte) uint32 {
	pointer := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	memory[pointer] = b
	return pointer
}

//go:wasmexport alloc
func alloc(size uint32) uint32 { return keep(make([]byte, size, size+1)) }

//go:wasmexport dealloc
func dealloc(pointer, _ uint32) { delete(memory, pointer) }

//go:wasmimport env copy_records
func copyRecords(pointer, size uint32)

// initialise reads the parameters: a count of 2 bytes, then keys and values, each with its length in 2 bytes before it.
//
//go:wasmexport init
func initialise(pointer, _, _ uint32) int32 {
	in := memory[pointer]
	delete(memory, pointer)
	count := binary.BigEndian.Uint16(in)
	in = in[2:]
	word := func() []byte {
		size := 2 + int(binary.BigEndian.Uint16(in))
		w := in[2:size]
		in = in[size:]
		return w
	}
	for range count {
		if key, value := word(), word(); string(key) == "text" {
			text = bytes.Clone(value)
		}
	}
	return 0
}

// filter answers with the records that it keeps, byte for byte as they came. Its input is the number of the first record in
// 8 bytes, the length of the records in 4, their count in 4, and the records, each with its length before it.
//
//go:wasmexport filter
func filter(pointer, _, _ uint32) int32 {
	in := memory[pointer]
	delete(memory, pointer)
	count := binary.BigEndian.Uint32(in[12:])
	in = in[16:]
	out := make([]byte, 4, len(in))
	kept := uint32(0)
	for range count {
		length, size := binary.Varint(in)
		record := in[:size+int(length)]
		in = in[len(record):]
		if bytes.Contains(value(record[size:]), text) {
			out = append(out, record...)
			kept++
		}
	}
	binary.BigEndian.PutUint32(out, kept)
	out = append(out, 0) // no error
	copyRecords(keep(out), uint32(len(out)))
	return int32(kept)
}

// value finds the value of a record: behind a byte of attributes, two numbers, and a key if a byte says 1.
func value(record []byte) []byte {
	record = record[1:]
	number := func() int {
		n, size := binary.Varint(record)
		record = record[size:]
		return int(n)
	}
	number()
	number()
	hasKey := record[0] == 1
	record = record[1:]
	if hasKey {
		size := number()
		record = record[size:]
	}
	size := number()
	return record[:size]
}

func main() {}
