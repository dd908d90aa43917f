package smartmodule

import (
	"encoding/binary"
	"maps"
	"math"
	"math/bits"
	"slices"
	"time"
)

// version is that of the encoding, and what the module's functions are told. At 22 an input has all the fields there are.
const version = 22

// An Input is a record for a module.
type Input struct {
	Key   string // none if empty
	Value []byte
	Time  time.Time // zero if unknown
}

// maxDelta bounds the distance of two times in one input: encoders of the interface lose larger ones.
const maxDelta = math.MaxInt32

// noTime is the base time of an input whose records have none.
const noTime = -1

func (in *Input) milliseconds() int64 {
	if in.Time.IsZero() {
		return noTime
	}
	return in.Time.UnixMilli()
}

// fits reports whether another record can stand in the same input as first: times are relative to that of the first.
func (in *Input) fits(first *Input) bool {
	if in.Time.IsZero() || first.Time.IsZero() {
		return in.Time.IsZero() == first.Time.IsZero()
	}
	delta := in.milliseconds() - first.milliseconds()
	return -maxDelta < delta && delta < maxDelta
}

func appendBytes(b, bytes []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(bytes)))
	return append(b, bytes...)
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// appendInput appends the input of a transform: records, of which the first has the number base. The rest of the input is
// what newer modules read elsewhere: no parameters, no look-back, no record to join.
func appendInput(b []byte, base int64, records []Input) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(base))
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, 0) // the length of what follows, filled in below
	b = binary.BigEndian.AppendUint32(b, uint32(len(records)))
	first := records[0].milliseconds()
	for i := range records {
		b = appendRecord(b, &records[i], int64(i), first)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	b = append(b, 0, 0)       // parameters: a map of none
	b = append(b, 0)          // look-back
	b = append(b, 0, 0, 0, 0) // the record to join
	return binary.BigEndian.AppendUint64(b, uint64(first))
}

// appendRecord appends one record with its length before it.
func appendRecord(b []byte, in *Input, number, base int64) []byte {
	delta := in.milliseconds() - base
	size := 1 + varintSize(delta) + varintSize(number) + 1 + varintSize(int64(len(in.Value))) + len(in.Value) + 1
	if in.Key != "" {
		size += varintSize(int64(len(in.Key))) + len(in.Key)
	}
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0) // attributes
	b = binary.AppendVarint(b, delta)
	b = binary.AppendVarint(b, number)
	if in.Key == "" {
		b = append(b, 0)
	} else {
		b = append(b, 1)
		b = binary.AppendVarint(b, int64(len(in.Key)))
		b = append(b, in.Key...)
	}
	b = binary.AppendVarint(b, int64(len(in.Value)))
	b = append(b, in.Value...)
	return append(b, 0) // headers
}

// varintSize is how many bytes a varint takes: one for each 7 bits of the number in zig-zag.
func varintSize(n int64) int {
	return (bits.Len64(uint64(n<<1)^uint64(n>>63)|1) + 6) / 7
}

// appendParams appends the input of init.
func appendParams(b []byte, params map[string]string, back *LookBack) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(params)))
	for _, key := range slices.Sorted(maps.Keys(params)) {
		b = appendString(b, key)
		b = appendString(b, params[key])
	}
	if back == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, uint64(back.Last))
	if back.Age == 0 {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, uint64(back.Age/time.Second))
	return binary.BigEndian.AppendUint32(b, uint32(back.Age%time.Second))
}
