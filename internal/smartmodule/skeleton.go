package smartmodule

import "encoding/binary"

// hollow is a function without local variables whose code is unreachable: valid whatever its type, 3 bytes long.
var hollow = []byte{3, 0, opUnreachable, opEnd}

// skeleton returns the binary that meter makes, without the code: what the engine has to read of a module whose machine code
// it has already. A section of its own tells skeletons apart by the module's digest and by meterVersion.
func (l *layout) skeleton(digest [32]byte) ([]byte, error) {
	out, err := l.rebuild(hollowCode)
	if err != nil {
		return nil, err
	}
	const name = "module"
	mark := append([]byte{byte(len(name))}, name...)
	mark = append(mark, digest[:]...)
	return appendSection(out, sectionCustom, append(mark, meterVersion)), nil
}

// hollowCode replaces all functions of a code section.
func hollowCode(section []byte) ([]byte, error) {
	r := reader{b: section}
	n := r.u32()
	if r.bad || uint64(n) > uint64(len(r.b)) { // a function has two bytes at least
		return nil, errMalformed
	}
	out := binary.AppendUvarint(make([]byte, 0, 5+int(n)*len(hollow)), uint64(n))
	for range n {
		out = append(out, hollow...)
	}
	return out, nil
}
