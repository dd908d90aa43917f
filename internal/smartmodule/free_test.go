package smartmodule

import (
	"encoding/binary"
	"testing"
)

// TestAnswersAreFreedAsTheModuleTakesThemBack tries modules whose allocator asks for the size that it noted itself.
func TestAnswersAreFreedAsTheModuleTakesThemBack(t *testing.T) {
	const (
		opLocalGet, local1, opNe = 0x20, 1, 0x47
		opStore, aligned         = 0x36, 2
		room                     = 60       // bytes that the piece of the answer can hold
		at                       = 1024 + 8 // where it lies
		mark                     = 2048     // where dealloc writes a 1 when it is content
	)
	answer := reply([]made{{value: []byte("x")}}, nil, nil)
	// demanding makes a module whose dealloc traps unless it is called with a length, and whose memory is as dlmalloc leaves it.
	demanding := func(length, head, next uint32) assembly {
		data := binary.LittleEndian.AppendUint32(make([]byte, 4), head)
		data = append(data, answer...)
		data = append(data, make([]byte, 8+room-len(data))...)
		return assembly{
			functions: []function{
				alloc,
				transform(Map, constant(at), constant(uint32(len(answer))), call(0), constant(1)),
				{exportDealloc, deallocType, cat(
					op(opLocalGet, local1), constant(length), op(opNe, opIf, blockEmpty, opUnreachable, opEnd),
					constant(mark), constant(1), op(opStore, aligned, 0),
				)},
			},
			data: binary.LittleEndian.AppendUint32(data, next),
		}
	}
	const head = (room + 4) | 3
	tests := []struct {
		name string
		a    assembly
		want freeing
		done bool // freed at last
	}{
		{"by the length", demanding(uint32(len(answer)), head, 3), byLength, true},
		{"by the noted size", demanding(room, head, 3), byChunk, true},
		{"by no size", demanding(0, head, 3), never, false},
		{"not where nothing is noted", demanding(room, 0, 3), byChunk, false},
		{"not where the size is too small", demanding(room, 8|3, 3), byChunk, false},
		{"not where the size leads outside", demanding(room, 1<<31|3, 3), byChunk, false},
		{"not where the next piece does not know of this one", demanding(room, head, 2), byChunk, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := begin(t, tt.a.binary(), Options{})
			for range 3 {
				same(t, run(t, r, "a"), []string{":x"})
			}
			if r.host.freeing != tt.want {
				t.Errorf("freeing = %d, want %d", r.host.freeing, tt.want)
			}
			if b, _ := r.instance.memory.ReadByte(mark); (b == 1) != tt.done {
				t.Errorf("freed = %v, want %v", b == 1, tt.done)
			}
		})
	}
}
