package smartmodule

import (
	"bytes"
	"testing"
)

// segment is one of a data section: bytes at an address.
func segment(at uint32, bytes string) []byte {
	return cat(op(0), constant(at), op(opEnd), name(bytes))
}

func TestJoinData(t *testing.T) {
	zeros := func(n int) string { return string(make([]byte, n)) }
	passive := cat(op(1), name("x"))
	tests := []struct {
		name     string
		in, want [][]byte // nil: as it is
	}{
		{"none", [][]byte{}, nil},
		{"one", [][]byte{segment(1024, "a")}, nil},
		{"neighbours", [][]byte{segment(8, "ab"), segment(10, "c"), segment(11, "")}, [][]byte{segment(8, "abc")}},
		{"a gap of zeros", [][]byte{segment(1024, "a"), segment(1024+1+nearby, "b")}, [][]byte{segment(1024, "a"+zeros(nearby)+"b")}},
		{"too wide a gap", [][]byte{segment(1024, "a"), segment(1024+2+nearby, "b")}, nil},
		{
			"pieces in falling order",
			[][]byte{segment(4096, "c"), segment(4097, "d"), segment(0, "a"), segment(2, "b")},
			[][]byte{segment(4096, "cd"), segment(0, "a\x00b")},
		},
		{"one over another", [][]byte{segment(8, "abc"), segment(9, "x"), segment(10, "y")}, nil},
		{"zeros over another", [][]byte{segment(10, "x"), segment(8, "a"), segment(12, "b")}, nil},
		{"the upper half of the addresses", [][]byte{segment(1<<31, "a"), segment(1<<31+1, "b")}, nil},
		{"one that code copies", [][]byte{segment(8, "a"), segment(9, "b"), passive}, nil},
		{"an address that is no constant", [][]byte{segment(8, "a"), cat(op(0, opGlobalGet, 0, opEnd), name("b"))}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, want := vec(tt.in...), vec(tt.want...)
			if tt.want == nil {
				want = in
			}
			before := bytes.Clone(in)
			if got := (&layout{}).joinData(in); !bytes.Equal(got, want) {
				t.Errorf("got % x, want % x", got, want)
			}
			if !bytes.Equal(in, before) {
				t.Error("the file has changed")
			}
		})
	}
	t.Run("segments that have numbers", func(t *testing.T) {
		in := vec(segment(8, "a"), segment(9, "b"))
		l := &layout{sections: []section{{id: sectionDataCount}}}
		if got := l.joinData(in); !bytes.Equal(got, in) {
			t.Errorf("got % x", got)
		}
	})
	t.Run("sections that end early", func(t *testing.T) {
		in := vec(segment(8, "abc"), segment(300, "d"))
		for n := range in {
			if got := (&layout{}).joinData(in[:n]); !bytes.Equal(got, in[:n]) {
				t.Errorf("%d bytes became % x", n, got)
			}
		}
		in = append(in, 0)
		if got := (&layout{}).joinData(in); !bytes.Equal(got, in) {
			t.Errorf("what is too much is lost: % x", got)
		}
	})
}
