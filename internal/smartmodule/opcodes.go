package smartmodule

import "fmt"

// Instructions that are put in or looked for (WebAssembly core specification 2.0, section 5.4).
const (
	opUnreachable        = 0x00
	opLoop               = 0x03
	opIf                 = 0x04
	opEnd                = 0x0b
	opBranchTable        = 0x0e
	opCall               = 0x10
	opCallIndirect       = 0x11
	opReturnCall         = 0x12
	opReturnCallIndirect = 0x13
	opSelectTyped        = 0x1c
	opGlobalGet          = 0x23
	opGlobalSet          = 0x24
	opI32Const           = 0x41
	opF32Const           = 0x43
	opF64Const           = 0x44
	opI32Eqz             = 0x45
	opI32Sub             = 0x6b
	opBulk               = 0xfc // conversions that saturate, and work on whole tables and memories
	opVector             = 0xfd // vectors of 128 bits

	blockEmpty = 0x40
)

// unknown marks an instruction that no module may use here (threads, exceptions), so that none is ever misread.
const unknown = 0xff

// numbers holds how many LEB128 numbers belong to an instruction, where that is all that does. Those without are 0, as are
// those that skip knows.
var numbers = func() (n [256]byte) {
	for op := range n {
		switch {
		case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, op == 0xd1, op >= 0x45 && op <= 0xc4:
		case op == opBranchTable, op == opSelectTyped, op == opF32Const, op == opF64Const, op == opBulk, op == opVector:
		case op >= 0x02 && op <= 0x04, op == 0x41, op == 0x42: // a block's type; a constant
			n[op] = 1
		case op == 0x0c, op == 0x0d, op == 0x10, op == 0x12, op >= 0x20 && op <= 0x26, op == 0x3f, op == 0x40, op == 0xd0, op == 0xd2:
			n[op] = 1 // a label, function, variable, table, memory or type
		case op == 0x11, op == 0x13, op >= 0x28 && op <= 0x3e: // a type and a table; alignment and offset
			n[op] = 2
		default:
			n[op] = unknown
		}
	}
	return n
}()

// skip returns the place behind the instruction at i. It may lie beyond the end of code, which is malformed then. Numbers
// are not judged: the compiler does that, and reads the same bytes.
func skip(code []byte, i int) (int, error) {
	op := code[i]
	i++
	switch n := numbers[op]; n {
	case 0:
	case unknown:
		return 0, fmt.Errorf("instruction 0x%02x is not supported", op)
	default:
		return skipNumbers(code, i, int(n)), nil
	}
	switch op {
	case opF32Const:
		i += 4
	case opF64Const:
		i += 8
	case opBranchTable: // labels, and the one for all other cases
		n, i := number(code, i)
		return skipNumbers(code, i, n+1), nil
	case opSelectTyped:
		n, i := number(code, i)
		return i + n, nil
	case opBulk:
		return skipBulk(code, i)
	case opVector:
		return skipVector(code, i)
	}
	return i, nil
}

func skipNumbers(code []byte, i, n int) int {
	for ; n > 0 && i <= len(code); n-- {
		for i < len(code) && code[i] >= 0x80 {
			i++
		}
		i++
	}
	return i
}

// number reads a number. Where there is none, the place behind it lies beyond the end of code.
func number(code []byte, i int) (n, next int) {
	r := reader{b: code[min(i, len(code)):]}
	n = int(r.u32())
	if r.bad {
		return 0, len(code) + 1
	}
	return n, len(code) - len(r.b)
}

func skipBulk(code []byte, i int) (int, error) {
	op, i := number(code, i)
	switch {
	case op <= 7: // conversions
		return i, nil
	case op == 9, op == 11, op == 13, op >= 15 && op <= 17:
		return skipNumbers(code, i, 1), nil
	case op == 8, op == 10, op == 12, op == 14:
		return skipNumbers(code, i, 2), nil
	}
	return 0, fmt.Errorf("instruction 0xfc %d is not supported", op)
}

func skipVector(code []byte, i int) (int, error) {
	op, i := number(code, i)
	switch {
	case op <= 11, op == 92, op == 93: // alignment and offset
		return skipNumbers(code, i, 2), nil
	case op == 12, op == 13:
		return i + 16, nil
	case op >= 21 && op <= 34: // a lane
		return i + 1, nil
	case op >= 84 && op <= 91:
		return skipNumbers(code, i, 2) + 1, nil
	case op <= 255:
		return i, nil
	}
	return 0, fmt.Errorf("instruction 0xfd %d is not supported", op)
}
