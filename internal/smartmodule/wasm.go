package smartmodule

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// Sections of a module's binary that are read or changed here (WebAssembly core specification 2.0, section 5.5.2).
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
	sectionLast      = sectionDataCount
)

// Kinds of imports and exports, in the binary's own numbers.
const (
	externFunction = 0
	externTable    = 1
	externMemory   = 2
	externGlobal   = 3
)

const typeI32 = 0x7f

// header begins every module: the magic number and version 1.
var header = []byte("\x00asm\x01\x00\x00\x00")

var errMalformed = errors.New("the file is not a WebAssembly module, or it is damaged")

// A layout is what the host needs to know of a binary before it is compiled. Nothing in it has been validated beyond its
// form: the compiler does that.
type layout struct {
	sections  []section
	types     []string // of functions, as bytes of the binary: parameters, a dash, results
	imports   []imported
	functions []uint32 // types of the functions, imported ones first
	globals   uint32   // imported ones included
	memory    uint64   // pages that the memory begins with
	exports   map[string]exported
}

type section struct {
	id   byte
	body []byte
}

type imported struct{ module, name string } // functions only, in their order

type exported struct {
	kind  byte
	index uint32
}

// signature returns the type of an exported function; false if there is no such function.
func (l *layout) signature(name string) (string, bool) {
	e, ok := l.exports[name]
	if !ok || e.kind != externFunction || int(e.index) >= len(l.functions) || int(l.functions[e.index]) >= len(l.types) {
		return "", false
	}
	return l.types[l.functions[e.index]], true
}

// readLayout takes a binary apart.
func readLayout(code []byte) (*layout, error) {
	rest, ok := bytes.CutPrefix(code, header)
	if !ok {
		return nil, errMalformed
	}
	l := &layout{exports: map[string]exported{}}
	for r := (reader{b: rest}); len(r.b) > 0; {
		id := r.byte()
		body := r.take(r.u32())
		if r.bad || id > sectionLast {
			return nil, errMalformed
		}
		if id == sectionCustom { // names and debug information: the counter shifts what they point at
			continue
		}
		l.sections = append(l.sections, section{id, body})
		if err := l.read(id, &reader{b: body}); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *layout) read(id byte, r *reader) error {
	switch id {
	case sectionType:
		r.vector(func() {
			if r.byte() != 0x60 {
				r.bad = true
				return
			}
			parameters := r.take(r.u32())
			l.types = append(l.types, string(parameters)+"-"+string(r.take(r.u32())))
		})
	case sectionImport:
		r.vector(func() { l.readImport(r) })
	case sectionFunction:
		r.vector(func() { l.functions = append(l.functions, r.u32()) })
	case sectionMemory:
		r.vector(func() { l.memory = r.limits() })
	case sectionGlobal:
		l.globals += r.u32() // the initialisers are the compiler's to read
		return nil
	case sectionExport:
		r.vector(func() {
			name := string(r.take(r.u32()))
			l.exports[name] = exported{r.byte(), r.u32()}
		})
	default:
		return nil
	}
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w (section %d)", errMalformed, id)
	}
	return nil
}

func (l *layout) readImport(r *reader) {
	i := imported{string(r.take(r.u32())), string(r.take(r.u32()))}
	switch r.byte() {
	case externFunction:
		l.imports = append(l.imports, i)
		l.functions = append(l.functions, r.u32())
	case externTable:
		r.byte()
		r.limits()
	case externMemory:
		r.limits()
	case externGlobal:
		r.take(2)
		l.globals++
	default:
		r.bad = true
	}
}

// A reader reads a binary. Once something does not fit, bad is set and everything reads as zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) take(n uint32) []byte {
	if r.bad || uint64(n) > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if n > math.MaxUint32 {
				break
			}
			return uint32(n)
		}
	}
	r.bad, r.b = true, nil
	return 0
}

// limits reads how large a table or memory is at first.
func (r *reader) limits() uint64 {
	flags, first := r.byte(), r.u32()
	switch flags {
	case 0:
	case 1:
		r.u32()
	default:
		r.bad = true
	}
	return uint64(first)
}

// vector calls element as often as a count says, or until something does not fit.
func (r *reader) vector(element func()) {
	for n := r.u32(); n > 0 && !r.bad; n-- {
		element()
	}
}
