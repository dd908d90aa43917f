package smartmodule

import (
	"encoding/binary"
	"fmt"
	"math"
)

// turns is how many turns of loops and calls lie between two looks at the clock: some 0.1 ms of work, so that looking costs
// nothing that can be measured, and nobody waits long for the garbage collector.
const turns = 1 << 16

// tick is what both arguments of copy_records are when the code's counter has run out. No answer is at the last byte of the
// address space and 4 GiB long, so a tick is not mistaken for one; and a guest that ticks by itself is only looked at sooner.
const tick = math.MaxUint32

// meterVersion stands for what meter does, in the names of compiled code: raise it with every change.
const meterVersion = 1

// meter returns the binary with the counter in it. It adds a global, and at the head of every loop and of every function
// that calls another:
//
//	counter = counter - 1
//	if counter == 0 { copy_records(tick, tick); counter = turns }
//
// A call of copy_records, which every module imports, spares an import of our own, by which all functions would change their
// numbers. What lies between two counts is a straight line of code, so it ends.
func (l *layout) meter(copyRecords uint32) ([]byte, error) {
	count := l.countdown(copyRecords)
	return l.rebuild(func(code []byte) ([]byte, error) { return meterCode(code, count) })
}

// rebuild returns the binary with a global for the counter, other code, and its data in few pieces. Custom sections are left out.
func (l *layout) rebuild(code func(section []byte) ([]byte, error)) ([]byte, error) {
	out := append([]byte(nil), header...)
	added := false
	for _, s := range l.sections {
		if s.id >= sectionGlobal && !added { // globals stand behind the memory, before everything else
			added = true
			if s.id == sectionGlobal {
				out = appendSection(out, sectionGlobal, addGlobal(s.body))
				continue
			}
			out = appendSection(out, sectionGlobal, addGlobal([]byte{0}))
		}
		body, err := s.body, error(nil)
		switch s.id {
		case sectionCode:
			body, err = code(s.body)
		case sectionData:
			body = l.joinData(s.body)
		}
		if err != nil {
			return nil, err
		}
		out = appendSection(out, s.id, body)
	}
	return out, nil
}

func appendSection(out []byte, id byte, body []byte) []byte {
	out = append(out, id)
	out = binary.AppendUvarint(out, uint64(len(body)))
	return append(out, body...)
}

// addGlobal adds the counter, a variable i32, behind the globals of a section.
func addGlobal(body []byte) []byte {
	r := reader{b: body}
	out := binary.AppendUvarint(nil, uint64(r.u32())+1)
	out = append(out, r.b...)
	out = append(out, typeI32, 1, opI32Const)
	out = appendVarint32(out, turns)
	return append(out, opEnd)
}

// countdown is the code that is put in.
func (l *layout) countdown(copyRecords uint32) []byte {
	global := func(out []byte, op byte) []byte { return binary.AppendUvarint(append(out, op), uint64(l.globals)) }
	c := global(nil, opGlobalGet)
	c = append(c, opI32Const, 1, opI32Sub)
	c = global(c, opGlobalSet)
	c = global(c, opGlobalGet)
	c = append(c, opI32Eqz, opIf, blockEmpty, opI32Const, 0x7f, opI32Const, 0x7f) // twice -1, which is tick
	c = binary.AppendUvarint(append(c, opCall), uint64(copyRecords))
	c = appendVarint32(append(c, opI32Const), turns)
	return append(global(c, opGlobalSet), opEnd)
}

// appendVarint32 appends a signed LEB128 number.
func appendVarint32(out []byte, n int32) []byte {
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// meterCode puts the countdown into every function of a code section.
func meterCode(section, count []byte) ([]byte, error) {
	r := reader{b: section}
	n := r.u32()
	out := make([]byte, 0, len(section)+len(section)/2)
	out = binary.AppendUvarint(out, uint64(n))
	var body []byte
	for i := range n {
		function := r.take(r.u32())
		if r.bad {
			return nil, errMalformed
		}
		var err error
		if body, err = meterFunction(body[:0], function, count); err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	if len(r.b) > 0 {
		return nil, errMalformed
	}
	return out, nil
}

// meterFunction appends one function with the countdown in it to out.
func meterFunction(out, function, count []byte) ([]byte, error) {
	r := reader{b: function}
	r.vector(func() { // local variables
		r.u32()
		r.byte()
	})
	if r.bad {
		return nil, errMalformed
	}
	start := len(function) - len(r.b)
	loops, calls := []int(nil), false
	for i := start; i < len(function); {
		next, err := skip(function, i)
		switch {
		case err != nil:
			return nil, err
		case next > len(function):
			return nil, errMalformed
		}
		switch function[i] {
		case opLoop:
			loops = append(loops, next)
		case opCall, opCallIndirect, opReturnCall, opReturnCallIndirect:
			calls = true
		}
		i = next
	}
	out = append(out, function[:start]...)
	if calls {
		out = append(out, count...)
	}
	for _, at := range loops {
		out = append(out, function[start:at]...)
		out = append(out, count...)
		start = at
	}
	return append(out, function[start:]...), nil
}
