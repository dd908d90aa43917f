package smartmodule

import (
	"encoding/binary"
	"errors"
)

// An answer is what a transform hands back beside records. Its bytes are those of the encoded answer.
type answer struct {
	failure     *failure
	accumulator []byte
}

// made is a record that a module made. Its bytes are those of the encoded answer.
type made struct {
	number int64 // of the record that it was made of, relative to the first of the input
	key    []byte
	value  []byte
}

// failure is the error that a module reports for one record; those behind it were not processed.
type failure struct {
	hint   string
	offset int64
}

// smallest is the fewest bytes that a record takes.
const smallest = 7

var (
	errShort = errors.New("the answer cannot be decoded")
	errMany  = errors.New("the answer holds too many records")
)

// decodeAnswer reads the answer of a transform, of which nothing is believed: b comes from the module. Each is called with one record
// after the other; its error ends that, and is returned. No count in b makes it allocate anything.
func decodeAnswer(b []byte, aggregate bool, most int, each func(made) error) (answer, error) {
	d := decoder{b: b}
	n := d.u32()
	if int64(n) > int64(most) && int64(len(b)/smallest) > int64(most) {
		return answer{}, errMany
	}
	for ; n > 0; n-- {
		m := d.record()
		if d.bad {
			return answer{}, errShort
		}
		if err := each(m); err != nil {
			return answer{}, err
		}
	}
	var a answer
	if d.option() {
		a.failure = &failure{hint: d.string(), offset: int64(d.u64())}
		d.take(1) // kind
		if d.option() {
			d.varbytes()
		}
		d.varbytes() // the record itself
	}
	if aggregate {
		a.accumulator = d.take(uint64(d.u32()))
	}
	if d.bad {
		return answer{}, errShort
	}
	return a, nil
}

// decodeHint reads the text of an error of init or look_back, which begins with it.
func decodeHint(b []byte) (string, error) {
	d := decoder{b: b}
	if hint := d.string(); !d.bad {
		return hint, nil
	}
	return "", errShort
}

// A decoder reads an answer. Once something does not fit, bad is set and everything reads as zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	taken := d.b[:n:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) string() string {
	b := d.take(2)
	if b == nil {
		return ""
	}
	return string(d.take(uint64(binary.BigEndian.Uint16(b))))
}

// option reads whether something follows.
func (d *decoder) option() bool {
	b := d.take(1)
	if b != nil && b[0] > 1 {
		d.bad, d.b = true, nil
	}
	return b != nil && b[0] == 1
}

func (d *decoder) varint() int64 {
	if len(d.b) > 0 && d.b[0] < 0x80 { // the usual case, quick
		n := d.b[0]
		d.b = d.b[1:]
		return int64(n>>1) ^ -int64(n&1)
	}
	return d.longVarint()
}

func (d *decoder) longVarint() int64 {
	n, size := binary.Varint(d.b)
	if d.bad || size <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return n
}

// varbytes reads bytes with a varint of their length before them.
func (d *decoder) varbytes() []byte {
	n := d.varint()
	if n < 0 {
		d.bad, d.b = true, nil
		return nil
	}
	return d.take(uint64(n))
}

// record reads a record. What stands behind the headers is not known here, and passed over.
func (d *decoder) record() (m made) {
	r := decoder{b: d.varbytes(), bad: d.bad}
	r.take(1)  // attributes
	r.varint() // time
	m.number = r.varint()
	if r.option() {
		m.key = r.varbytes()
	}
	m.value = r.varbytes()
	r.varint() // headers
	d.bad = d.bad || r.bad
	return m
}
