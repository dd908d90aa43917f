package smartmodule

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"time"
)

// TestInputBytes compares with bytes that were put together by hand from the layout, not by this code.
func TestInputBytes(t *testing.T) {
	got := appendInput(nil, 7, []Input{
		{Value: []byte("a"), Time: time.UnixMilli(1000)},
		{Key: "k", Value: []byte("bc"), Time: time.UnixMilli(999)},
	})
	want := "0000000000000007" + // base offset
		"00000017" + "00000002" + // 23 bytes of records, 2 of them
		"0e" + "00" + "00" + "00" + "00" + "02" + "61" + "00" + // size 7: attributes, time, number, no key, value, headers
		"14" + "00" + "01" + "02" + "01" + "02" + "6b" + "04" + "6263" + "00" + // size 10: time -1, number 1, key k
		"0000" + "00" + "00000000" + // parameters, look-back, join
		"00000000000003e8" // base time
	if hex.EncodeToString(got) != want {
		t.Errorf("got\n%x, want\n%s", got, want)
	}
}

func TestParamBytes(t *testing.T) {
	tests := []struct {
		name   string
		params map[string]string
		back   *LookBack
		want   string
	}{
		{"none", nil, nil, "000000"},
		{"in the order of the keys", map[string]string{"b": "", "a": "xy"}, nil, "0002" + "000161" + "00027879" + "000162" + "0000" + "00"},
		{"look-back", nil, &LookBack{Last: 3}, "0000" + "01" + "0000000000000003" + "00"},
		{"look-back by age", nil, &LookBack{Last: 3, Age: 1500 * time.Millisecond}, "0000" + "01" + "0000000000000003" + "01" + "0000000000000001" + "1dcd6500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(appendParams(nil, tt.params, tt.back)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestVarintSize(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 63, 64, -64, -65, 8191, 8192, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		if got, want := varintSize(n), len(binary.AppendVarint(nil, n)); got != want {
			t.Errorf("%d: got %d, want %d", n, got, want)
		}
	}
}

// decode returns an answer with its records.
func decode(b []byte, aggregate bool, most int) (records []made, a answer, err error) {
	a, err = decodeAnswer(b, aggregate, most, func(m made) error {
		records = append(records, m)
		return nil
	})
	return records, a, err
}

// FuzzDecodeAnswer checks that no answer makes the decoder fail, or find more records than there are, and that what it reads
// is what was written.
func FuzzDecodeAnswer(f *testing.F) {
	f.Add(reply(nil, nil, nil), false)
	f.Add(reply([]made{{number: 3, key: []byte("k"), value: []byte("v")}, {number: math.MaxInt32}}, nil, nil), false)
	f.Add(reply([]made{{value: []byte("v")}}, &failure{"no", 5}, []byte("acc")), true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 2, 0}, true)
	f.Fuzz(func(t *testing.T, b []byte, aggregate bool) {
		records, a, err := decode(b, aggregate, 1000)
		if err != nil {
			return
		}
		if len(records) > len(b)/smallest || len(records) > 1000 {
			t.Fatalf("%d records of %d bytes", len(records), len(b))
		}
		var accumulator []byte
		if aggregate {
			accumulator = append([]byte{}, a.accumulator...)
		}
		againRecords, again, err := decode(reply(records, a.failure, accumulator), aggregate, 1000)
		if err != nil || len(againRecords) != len(records) || !bytes.Equal(again.accumulator, a.accumulator) {
			t.Fatalf("read again: %v", err)
		}
		for i, m := range againRecords {
			if m.number != records[i].number || !bytes.Equal(m.key, records[i].key) || !bytes.Equal(m.value, records[i].value) {
				t.Fatalf("record %d: got %v, want %v", i, m, records[i])
			}
		}
	})
}

// FuzzParse checks that no file makes the reader or the counter fail.
func FuzzParse(f *testing.F) {
	good := answering(Map, 1, reply([]made{{value: []byte("v")}}, nil, nil)).binary()
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Parse(file)
		if err != nil {
			return
		}
		if metered, err := m.layout.meter(m.copyRecords); err == nil && len(metered) < len(header) {
			t.Fatal("nothing is left")
		}
		if skeleton, err := m.layout.skeleton(m.digest()); err == nil && len(skeleton) > 2*len(file)+mostZeros {
			t.Fatalf("the skeleton has %d bytes, the file %d", len(skeleton), len(file))
		}
	})
}
