//go:build wasip1

package guest

import "encoding/binary"

// batch is the input of a transform.
type batch struct {
	records     []Record
	accumulator []byte
}

// decodeInput reads an input of version 22.
func decodeInput(b []byte, aggregate bool) (in batch, ok bool) {
	d := decoder{b: b}
	base := int64(d.u64())
	records := decoder{b: d.bytes()}
	d.params()
	if d.option() { // look-back
		d.u64()
		if d.option() {
			d.take(12)
		}
	}
	d.bytes() // the record to join
	time := int64(d.u64())
	if aggregate {
		in.accumulator = d.bytes()
	}
	n := records.u32()
	for ; n > 0 && !records.bad; n-- {
		r := decoder{b: records.varbytes()}
		r.take(1) // attributes
		record := Record{Time: time}
		if delta := r.varint(); time >= 0 {
			record.Time += delta
		}
		record.number = r.varint()
		record.Offset = base + record.number
		if r.option() {
			record.Key = r.varbytes()
		}
		record.Value = r.varbytes()
		records.bad = records.bad || r.bad
		in.records = append(in.records, record)
	}
	return in, !d.bad && !records.bad
}

// A decoder reads an input. Once something does not fit, bad is set and everything reads as zero.
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

func (d *decoder) number(size uint64) (n uint64) {
	for _, b := range d.take(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (d *decoder) u32() uint32    { return uint32(d.number(4)) }
func (d *decoder) u64() uint64    { return d.number(8) }
func (d *decoder) option() bool   { return d.number(1) == 1 }
func (d *decoder) bytes() []byte  { return d.take(d.number(4)) }
func (d *decoder) string() string { return string(d.take(d.number(2))) }

func (d *decoder) params() map[string]string {
	params := map[string]string{}
	for n := d.number(2); n > 0 && !d.bad; n-- {
		key := d.string()
		params[key] = d.string()
	}
	return params
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) varbytes() []byte { return d.take(uint64(d.varint())) }

// An output is the answer of a transform while it is made.
type output struct {
	b       []byte
	n       uint32
	scratch []byte
	failed  bool
}

func newOutput() *output { return &output{b: make([]byte, 4, 1024)} }

// add appends a record.
func (o *output) add(r Record) {
	s := append(o.scratch[:0], 0, 0) // attributes, time
	s = binary.AppendVarint(s, r.number)
	s = appendVarbytes(appendKey(s, r.Key), r.Value)
	o.scratch = append(s, 0) // headers
	o.b = appendVarbytes(o.b, o.scratch)
	o.n++
}

// fail ends the answer with an error for a record.
func (o *output) fail(kind byte, r Record, err error) {
	o.b = appendString(append(o.b, 1), err.Error())
	o.b = append(appendUint64(o.b, uint64(r.Offset)), kind)
	o.b = appendVarbytes(appendKey(o.b, r.Key), r.Value)
	o.failed = true
}

// finish hands the answer to the host and returns how many records it holds.
func (o *output) finish(rest []byte) int32 {
	if !o.failed {
		o.b = append(o.b, 0)
	}
	binary.BigEndian.PutUint32(o.b, o.n)
	return say(append(o.b, rest...), int32(o.n))
}

func appendUint64(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func appendBytes(b, bytes []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(bytes))), bytes...)
}

// appendString appends a text, cut to the length that the interface can hold.
func appendString(b []byte, s string) []byte {
	s = s[:min(len(s), 1<<16-1)]
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendVarbytes(b, bytes []byte) []byte {
	return append(binary.AppendVarint(b, int64(len(bytes))), bytes...)
}

func appendKey(b, key []byte) []byte {
	if key == nil {
		return append(b, 0)
	}
	return appendVarbytes(append(b, 1), key)
}
