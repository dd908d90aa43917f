package link

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
)

func TestScanRecordTakesWhatAppendFrameWrites(t *testing.T) {
	tests := []struct {
		name string
		line string
		size int
		ok   bool
	}{
		{"an empty record", `{"record":{}}`, 0, true},
		{"a value", `{"record":{"id":"7","key":"ab","value":"{\"a\":1}"}}`, 2 + len(`{\"a\":1}`), true},
		{"headers", `{"record":{"headers":{"a":"b","c":"de"},"value":"x"}}`, 6, true},
		{"escapes", `{"record":{"value":"\n\u001f\ud83d\ude00/é"}}`, len(`\n\u001f\ud83d\ude00/é`), true},
		{"all members", `{"record":{"id":"1","partition":"p","position":"2","op":"delete","type":"t","subject":"s","time":"2024-01-02T03:04:05Z","value":"v"}}`, 1, true},
		{"an attempt", `{"record":{"value":"a"},"attempt":2}`, 0, false},
		{"another frame", `{"save":{"":"1"}}`, 0, false},
		{"white space", `{"record": {"value":"a"}}`, 0, false},
		{"base64", `{"record":{"value_base64":"YQ=="}}`, 0, false},
		{"an unknown member", `{"record":{"extra":"a"}}`, 0, false},
		{"a wrong op", `{"record":{"op":"drop"}}`, 0, false},
		{"a wrong time", `{"record":{"time":"now"}}`, 0, false},
		{"no UTF-8", "{\"record\":{\"value\":\"\xff\"}}", 0, false},
		{"a control character", "{\"record\":{\"value\":\"a\tb\"}}", 0, false},
		{"half a surrogate pair", `{"record":{"value":"\ud83d"}}`, 0, false},
		{"an unknown escape", `{"record":{"value":"\x"}}`, 0, false},
		{"an end too early", `{"record":{"value":"abcdefgh`, 0, false},
		{"an escape too early", `{"record":{"value":"\`, 0, false},
		{"more than a frame", `{"record":{}}}`, 0, false},
		{"a number", `{"record":{"value":1}}`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			size, ok := ScanRecord([]byte(tt.line))
			if ok != tt.ok || ok && size != tt.size {
				t.Errorf("ScanRecord returned %d, %v, want %d, %v", size, ok, tt.size, tt.ok)
			}
		})
	}
}

// What may be passed on must be a frame to whoever gets it, and what AppendFrame writes may be passed on.
func FuzzScanRecord(f *testing.F) {
	for _, seed := range []string{
		`{"record":{}}`, `{"record":{"value":"a\"b","headers":{"a":"b"}}}`, `{"record":{"value":"\u00e9"},"attempt":3}`, "{\"record\":{\"key\":\"\xff\"}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		frame, err := ParseFrame(line)
		if _, ok := ScanRecord(line); ok && (err != nil || frame.Kind != Rec || frame.Attempt != 1) {
			t.Fatalf("%q is passed on, and is no record frame: %v", line, err)
		}
		if err != nil || frame.Kind != Rec {
			return
		}
		frame.Attempt = 1
		again, err := AppendFrame(nil, &frame)
		if err != nil {
			return
		}
		if _, ok := ScanRecord(again); !ok && !bytes.Contains(again, []byte("_base64")) {
			t.Fatalf("%q is not passed on", again)
		}
	})
}

func TestPlainFindsWhatNeedsAttention(t *testing.T) {
	for _, c := range []byte{'"', '\\', 0, 1, 0x1f} {
		for at := range 40 {
			text := []byte(strings.Repeat("é~", 20))
			text[at] = c
			if got := plain(text); got != at {
				t.Errorf("%q at %d is found at %d", c, at, got)
			}
		}
	}
	if got := plain([]byte(" !#[]\x7f\x80\xff")); got != 8 {
		t.Errorf("plain stops at %d of what is plain", got)
	}
}

func TestWaitingKeepsTheOrderAndForgetsWhatIsSettled(t *testing.T) {
	var w waiting
	var got []int64
	add := func(line int64, kind Kind) {
		w.add(pending{line, kind, func(error) { got = append(got, line) }})
	}
	take := func(first, last int64, want func(Kind) bool) {
		for _, f := range w.take(Range{first, last}, want, nil) {
			f(nil)
		}
	}
	records := func(k Kind) bool { return k == Rec }
	for _, line := range []int64{2, 3, 5, 6, 9} {
		add(line, Rec)
	}
	add(10, Save)
	take(3, 5, records)
	take(1, 4, records)
	take(3, 5, records) // settled already
	if w.oldest() != 6 || w.newest() != 10 {
		t.Errorf("from %d to %d", w.oldest(), w.newest())
	}
	take(1, 99, records)
	for _, f := range w.takeAll() {
		f(nil)
	}
	if diff := cmp.Diff([]int64{3, 5, 2, 6, 9, 10}, got); diff != "" || w.open != 0 {
		t.Errorf("%d open, settled (-want +got):\n%s", w.open, diff)
	}
	add(1, Rec) // stuck
	for line := int64(2); line < 10_000; line++ {
		add(line, Rec)
		take(line, line, records)
	}
	if len(w.frames) > 200 {
		t.Errorf("%d frames are kept for 1 that is pending", len(w.frames))
	}
}

func TestLinesOutliveTheNextRead(t *testing.T) {
	var text strings.Builder
	for i := range 20_000 {
		text.WriteString(strings.Repeat(string(rune('a'+i%26)), i%97) + "\n")
	}
	r := NewLineReader(strings.NewReader(text.String()), 1000)
	var all [][]byte
	for {
		lines, err := r.Next()
		if err != nil {
			break
		}
		for _, l := range lines {
			if l.Number != int64(len(all)+1) {
				t.Fatalf("line %d comes as %d", len(all)+1, l.Number)
			}
			all = append(all, l.Data)
		}
	}
	if got := string(bytes.Join(all, []byte("\n"))) + "\n"; got != text.String() {
		t.Error("lines have changed")
	}
}

func BenchmarkScanRecord(b *testing.B) {
	line, err := AppendFrame(nil, &Frame{Kind: Rec, Record: record.Record{ID: "abcdefghij", Position: "12345", Value: bytes.Repeat([]byte("x"), 256)}})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ScanRecord(line); !ok {
			b.Fatal("no record")
		}
	}
}
