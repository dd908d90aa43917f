package smartmodule

import (
	"context"
	"errors"
	"strings"
)

// freeing is how a module is given the memory of an answer back.
type freeing int

const (
	// byLength is what the interface says: a module frees as many bytes as it handed back.
	byLength freeing = iota
	// byChunk is for modules in Rust for wasm32-unknown-unknown. What they hand back is a vector with room for more than its
	// length, and their allocator, dlmalloc, ends the program when a piece is freed as one that is much smaller (so it is with
	// Rust 1.85; years before it was not). It is given the size that stands before the piece.
	byChunk
	// never is for modules whose dealloc fails all the same. Their memory grows until it is all used up, which costs the instance.
	never
)

// free gives the memory of an answer back. A module that traps in its dealloc has done its work, and refuses before it has
// changed anything: it is asked in another way, now and for ever.
func (i *instance) free(pointer, length uint32) error {
	for {
		size := length
		switch i.host.freeing {
		case byChunk:
			var ok bool
			if size, ok = i.chunk(pointer, length); !ok {
				return nil
			}
		case never:
			return nil
		}
		i.stack[0], i.stack[1] = uint64(pointer), uint64(size)
		err := i.dealloc.CallWithStack(context.Background(), i.stack[:])
		switch {
		case err == nil:
			return nil
		case !trapped(err) || i.module.IsClosed():
			return i.host.explain(err)
		}
		i.host.freeing++
	}
}

// chunk returns the size of a piece of memory as dlmalloc notes it: before each piece, in a word whose last three bits are
// flags, 2 for one that is in use; the word of the next piece has 1 then. The size includes the word. False is for what does
// not look so.
func (i *instance) chunk(pointer, length uint32) (uint32, bool) {
	const (
		word       = 4
		flags      = 7
		inUse      = 2
		beforeUsed = 1
	)
	if pointer < word {
		return 0, false
	}
	head, ok := i.memory.ReadUint32Le(pointer - word)
	size := head &^ flags
	if !ok || head&inUse == 0 || size < word || size-word < length {
		return 0, false
	}
	next, ok := i.memory.ReadUint32Le(pointer + size - word)
	return size - word, ok && next&beforeUsed != 0
}

// trapped tells that the module ended by itself, as by a panic, and was not stopped.
func trapped(err error) bool {
	return !errors.Is(err, errOverdue) && strings.Contains(err.Error(), "wasm error: unreachable")
}
