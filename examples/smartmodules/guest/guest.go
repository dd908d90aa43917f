//go:build wasip1

package guest

import "unsafe"

// A Record is what a transform is given and what it makes. Its bytes may be kept and changed.
type Record struct {
	Key   []byte // nil for none
	Value []byte
	// Offset numbers the records that the module is given. What is made of a record keeps it.
	Offset int64
	// Time is in milliseconds since 1970, or -1 where it is not known. What a transform sets here is not handed back.
	Time int64

	number int64 // in the batch
}

// Codes that the exports return (Fluvio's interface, version 22).
const (
	initUserError     = -2
	initInput         = -10
	input             = -11
	lookBackInput     = -66
	lookBackUserError = -99
)

// Kinds of transforms, as an error names them.
const (
	kindFilter    = 0
	kindMap       = 1
	kindArrayMap  = 2
	kindAggregate = 3
	kindFilterMap = 4
)

// Filter is the body of an export filter: it keeps the records for which f is true. At the first error the rest of the
// batch comes again, without the record at fault.
func Filter(pointer, size uint32, f func(Record) (bool, error)) int32 {
	return transform(pointer, size, kindFilter, func(r Record) ([]Record, error) {
		keep, err := f(r)
		if !keep || err != nil {
			return nil, err
		}
		return []Record{r}, nil
	})
}

// Map is the body of an export map: f makes one record of each.
func Map(pointer, size uint32, f func(Record) (Record, error)) int32 {
	return transform(pointer, size, kindMap, func(r Record) ([]Record, error) {
		made, err := f(r)
		return []Record{made}, err
	})
}

// FilterMap is the body of an export filter_map: f makes one record of each, or none where it returns nil.
func FilterMap(pointer, size uint32, f func(Record) (*Record, error)) int32 {
	return transform(pointer, size, kindFilterMap, func(r Record) ([]Record, error) {
		made, err := f(r)
		if made == nil || err != nil {
			return nil, err
		}
		return []Record{*made}, nil
	})
}

// ArrayMap is the body of an export array_map: f makes any number of records of each.
func ArrayMap(pointer, size uint32, f func(Record) ([]Record, error)) int32 {
	return transform(pointer, size, kindArrayMap, f)
}

// Aggregate is the body of an export aggregate: f is given what it returned for the record before, empty at first, and what
// it returns is the value of the record that is made.
func Aggregate(pointer, size uint32, f func(accumulator []byte, r Record) ([]byte, error)) int32 {
	in, ok := decodeInput(take(pointer, size), true)
	if !ok {
		return input
	}
	out, accumulator := newOutput(), in.accumulator
	for _, r := range in.records {
		next, err := f(accumulator, r)
		if err != nil {
			out.fail(kindAggregate, r, err)
			break
		}
		accumulator, r.Value = next, next
		out.add(r)
	}
	return out.finish(appendBytes(nil, accumulator))
}

// Init is the body of an export init: f is given the parameters, before any record. Its error is that of the whole module.
func Init(pointer, size uint32, f func(params map[string]string) error) int32 {
	d := decoder{b: take(pointer, size)}
	params := d.params()
	if d.bad {
		return initInput
	}
	if err := f(params); err != nil {
		return say(appendString(nil, err.Error()), initUserError)
	}
	return 0
}

// LookBack is the body of an export look_back: f is given records that went through the module before, after init.
func LookBack(pointer, size uint32, f func(Record) error) int32 {
	in, ok := decodeInput(take(pointer, size), false)
	if !ok {
		return lookBackInput
	}
	for _, r := range in.records {
		if err := f(r); err != nil {
			detail := appendUint64(appendString(nil, err.Error()), uint64(r.Offset))
			return say(appendVarbytes(appendKey(detail, r.Key), r.Value), lookBackUserError)
		}
	}
	return 0
}

func transform(pointer, size uint32, kind byte, f func(Record) ([]Record, error)) int32 {
	in, ok := decodeInput(take(pointer, size), false)
	if !ok {
		return input
	}
	out := newOutput()
	for _, r := range in.records {
		made, err := f(r)
		if err != nil {
			out.fail(kind, r, err)
			break
		}
		for _, m := range made {
			m.number = r.number
			if kind == kindArrayMap {
				m.number = 0
			}
			out.add(m)
		}
	}
	return out.finish(nil)
}

// held keeps what the host knows by its address from the garbage collector.
var held = map[uint32][]byte{}

func hold(b []byte) uint32 {
	pointer := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	held[pointer] = b
	return pointer
}

// alloc makes room for an input, which whoever takes it owns.
//
//go:wasmexport alloc
func alloc(size uint32) uint32 { return hold(make([]byte, size, size+1)) }

// dealloc frees an answer that the host has read.
//
//go:wasmexport dealloc
func dealloc(pointer, _ uint32) { delete(held, pointer) }

func take(pointer, size uint32) []byte {
	b := held[pointer]
	delete(held, pointer)
	return b[:min(int(size), len(b))]
}

//go:wasmimport env copy_records
func copyRecords(pointer, size uint32)

// say hands b to the host.
func say(b []byte, code int32) int32 {
	copyRecords(hold(b), uint32(len(b)))
	return code
}
