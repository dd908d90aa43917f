package smartmodule

import (
	"cmp"
	"encoding/binary"
	"slices"
)

const (
	// nearby is how many zeros between two segments of data are rather written out: Go's linker leaves out such of 32 bytes and
	// more, and so makes tens of thousands of segments, each of which costs the engine as much as a kilobyte.
	nearby = 64
	// mostZeros bounds what is written out in all.
	mostZeros = 16 << 20
)

// A piece is what becomes one segment of data.
type piece struct {
	at    uint64 // its address
	bytes []byte
}

func (p piece) end() uint64 { return p.at + uint64(len(p.bytes)) }

// joinData returns the data section with segments that follow each other, near enough, made one, zeros between: memory is zero before.
// Where that might make a difference the section stays as it is.
func (l *layout) joinData(section []byte) []byte {
	for _, s := range l.sections {
		if s.id == sectionDataCount { // code may name segments by their number
			return section
		}
	}
	var pieces []piece
	r, zeros := reader{b: section}, uint64(0)
	for n := r.u32(); n > 0; n-- {
		next, ok := r.segment()
		if !ok {
			return section
		}
		if len(pieces) > 0 {
			last := &pieces[len(pieces)-1]
			gap := next.at - last.end() // huge where next lies before it
			if gap <= nearby && zeros+gap <= mostZeros {
				zeros += gap
				last.bytes = append(append(last.bytes, make([]byte, gap)...), next.bytes...)
				continue
			}
		}
		next.bytes = slices.Clip(next.bytes) // what is joined to it goes elsewhere, not into the file
		pieces = append(pieces, next)
	}
	if r.bad || len(r.b) > 0 || overlap(pieces) {
		return section
	}
	out := binary.AppendUvarint(nil, uint64(len(pieces)))
	for _, p := range pieces {
		out = append(out, 0, opI32Const)
		out = append(appendVarint32(out, int32(p.at)), opEnd)
		out = append(binary.AppendUvarint(out, uint64(len(p.bytes))), p.bytes...)
	}
	return out
}

// overlap reports whether two pieces share an address: the zeros of one might hide bytes of the other.
func overlap(pieces []piece) bool {
	sorted := slices.SortedFunc(slices.Values(pieces), func(a, b piece) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].at < sorted[i-1].end() {
			return true
		}
	}
	return false
}

// segment reads a segment of data, which is ok if its address is a constant in the one memory, below 2 GiB.
func (r *reader) segment() (p piece, ok bool) {
	flag, op, address, end := r.byte(), r.byte(), r.i32(), r.byte()
	p = piece{uint64(uint32(address)), r.take(r.u32())}
	return p, !r.bad && flag == 0 && op == opI32Const && address >= 0 && end == opEnd
}

// i32 reads a signed LEB128 number of at most 32 bits.
func (r *reader) i32() int32 {
	var n int64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		n |= int64(b&0x7f) << shift
		if b < 0x80 {
			if shift += 7; b&0x40 != 0 {
				n -= 1 << shift
			}
			if int64(int32(n)) != n {
				break
			}
			return int32(n)
		}
	}
	r.bad, r.b = true, nil
	return 0
}
