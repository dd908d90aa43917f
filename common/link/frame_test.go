package link_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var when = time.Date(2025, 1, 2, 3, 4, 5, 600, time.UTC)

var frames = []struct {
	name  string
	frame link.Frame
	line  string
}{
	{"link", link.Frame{Kind: link.Link, Version: 1}, `{"link":1}`},
	{
		"record",
		link.Frame{Kind: link.Rec, Attempt: 1, Record: record.Record{Value: []byte(`{"n":1}`)}},
		`{"record":{"value":"{\"n\":1}"}}`,
	},
	{"empty record", link.Frame{Kind: link.Rec, Attempt: 1}, `{"record":{}}`},
	{"record with everything", link.Frame{Kind: link.Rec, Attempt: 3, Record: record.Record{
		ID: "i", Key: "k", Partition: "p", Position: "7", Op: record.Delete, Time: when, Type: "t", Subject: "s",
		Headers: map[string]string{"b": "\t2", "a": "\"1\""}, Value: []byte("v\x00\né 😀"),
	}}, `{"record":{"id":"i","partition":"p","position":"7","op":"delete","type":"t","subject":"s",` +
		`"time":"2025-01-02T03:04:05.0000006Z","headers":{"a":"\"1\"","b":"\t2"},"key":"k",` +
		`"value":"v\u0000\né 😀"},"attempt":3}`},
	{
		"bytes that are no text",
		link.Frame{Kind: link.Rec, Attempt: 1, Record: record.Record{Key: "\xff", Value: []byte("\xfe")}},
		`{"record":{"key_base64":"/w==","value_base64":"/g=="}}`,
	},
	{"dead", link.Frame{Kind: link.Dead, Attempt: 1, Record: record.Record{Value: []byte("x")}}, `{"dead":{"value":"x"}}`},
	{"ack", link.Frame{Kind: link.Ack, Lines: link.Ranges{{1, 5}, {7, 7}}}, `{"ack":"1-5,7"}`},
	{
		"nack",
		link.Frame{Kind: link.Nack, Lines: link.Ranges{{6, 6}}, Error: "no", Delay: 1500 * time.Millisecond, Permanent: true},
		`{"nack":"6","error":"no","delay_ms":1500,"permanent":true}`,
	},
	{"credit", link.Frame{Kind: link.Credit, Credit: 100}, `{"credit":100}`},
	{"stop", link.Frame{Kind: link.Stop}, `{"stop":true}`},
	{"resume from nothing", link.Frame{Kind: link.Resume, State: link.State{Positions: map[string]string{}}}, `{"resume":{}}`},
	{"save", link.Frame{Kind: link.Save, State: link.State{
		Positions: map[string]string{"": "3"}, Connector: "c", Identity: "i", Epoch: "e",
	}}, `{"save":{"":"3"},"connector":"c","identity":"i","epoch":"e"}`},
	{"save with aggregates", link.Frame{Kind: link.Save, State: link.State{
		Positions: map[string]string{"": "3"}, Aggregates: map[string]string{"a": "7", "b": "\xff"},
	}}, `{"save":{"":"3"},"aggregates":{"a":"Nw==","b":"/w=="}}`},
	{"saved", link.Frame{Kind: link.Saved, Line: 9, Error: "disk full"}, `{"saved":9,"error":"disk full"}`},
	{"status", link.Frame{Kind: link.Status, Status: link.Retrying, Error: "gone"}, `{"status":"retrying","error":"gone"}`},
}

func TestFramesComeBack(t *testing.T) {
	for _, tt := range frames {
		t.Run(tt.name, func(t *testing.T) {
			line, err := link.AppendFrame(nil, &tt.frame)
			if err != nil || string(line) != tt.line {
				t.Fatalf("AppendFrame: %v\n got %s\nwant %s", err, line, tt.line)
			}
			for _, s := range []string{tt.line, " " + strings.Replace(tt.line, "{", `{ "later": [{}], `, 1)} { // the fast way and the general
				got, err := link.ParseFrame([]byte(s))
				if err != nil {
					t.Fatalf("ParseFrame(%s): %v", s, err)
				}
				if diff := cmp.Diff(tt.frame, got); diff != "" {
					t.Errorf("ParseFrame(%s) (-want +got):\n%s", s, diff)
				}
			}
		})
	}
}

func TestParseFrame(t *testing.T) {
	tests := []struct {
		name string
		line string
		err  string
		kind link.Kind
	}{
		{name: "unknown frames have no kind", line: `{"hello":"you"}`},
		{name: "names are case-sensitive", line: `{"STOP":true}`},
		{name: "unknown members are ignored", line: `{"record":{"value":"x","VALUE":5,"new":{}},"more":1}`, kind: link.Rec},
		{name: "a kind that is null is none", line: `{"ack":null,"stop":true,"record":null}`, kind: link.Stop},
		{name: "null is as good as absent", line: `{"record":{"value":null,"headers":null}}`, kind: link.Rec},
		{name: "escapes of every sort", line: `{"record":{"value":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}}`, kind: link.Rec},
		{name: "no JSON", line: `hello`, err: `"hello" is no JSON object`},
		{name: "no object", line: `[]`, err: "no JSON object"},
		{name: "null", line: `null`, err: "no JSON object"},
		{name: "long lines are cut in errors", line: strings.Repeat("x", 1000), err: `x"…`},
		{name: "bytes that are no text", line: "{\"status\":\"\xff\"}", err: "not valid UTF-8"},
		{name: "two frames in one", line: `{"ack":"1","nack":"2"}`, err: "both ack and nack"},
		{name: "a value that is no string", line: `{"record":{"value":{"a":1}}}`, err: `the record frame: value cannot be "{\"a\":1}"`},
		{name: "both forms of a value", line: `{"record":{"value":"a","value_base64":"YQ=="}}`, err: "never both"},
		{name: "base64 that is none", line: `{"record":{"value_base64":"?"}}`, err: "value_base64 cannot be"},
		{name: "an unknown operation", line: `{"record":{"op":"merge"}}`, err: "op must be upsert or delete"},
		{name: "a bad time", line: `{"record":{"time":"today"}}`, err: `time "today" is no RFC 3339 time`},
		{name: "a bad range", line: `{"ack":"5-1"}`, err: `write them like "1-5,7"`},
		{name: "line zero", line: `{"ack":"0"}`, err: `write them like "1-5,7"`},
		{name: "no lines", line: `{"ack":""}`, err: `write them like "1-5,7"`},
		{name: "no credit", line: `{"credit":0}`, err: "credit must be a positive number"},
		{name: "a long delay", line: `{"nack":"1","delay_ms":86400001}`, err: "delay_ms must be between"},
		{name: "version zero", line: `{"link":0}`, err: "there is no version 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := link.ParseFrame([]byte(tt.line))
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if f.Kind != tt.kind {
				t.Errorf("kind %q, want %q", f.Kind, tt.kind)
			}
		})
	}
}

func TestAppendFrameRefuses(t *testing.T) {
	tests := []struct {
		name string
		rec  record.Record
		err  string
	}{
		{"an id that is no text", record.Record{ID: "\xff"}, `the record's id "\xff" is not valid UTF-8`},
		{"a header that is no text", record.Record{Headers: map[string]string{"a": "\xff"}}, `header "a" is not valid UTF-8`},
		{"a time beyond year 9999", record.Record{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "outside 0 to 9999"},
		{"a value that is too large", record.Record{Value: bytes.Repeat([]byte{0xff}, link.MaxLine/4*3)}, "the limit is 67108864"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := link.AppendFrame(nil, &link.Frame{Kind: link.Rec, Record: tt.rec})
			if _, ok := err.(*link.EncodeError); !ok || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
	_, err := link.AppendFrame(nil, &link.Frame{Kind: link.Save, State: link.State{Positions: map[string]string{"p": "\xff"}}})
	if err == nil || !strings.Contains(err.Error(), "partition") {
		t.Errorf("a position that is no text gave %v", err)
	}
}

func TestRanges(t *testing.T) {
	tests := []struct {
		name  string
		lines []int64
		want  string
	}{
		{"in order", []int64{1, 2, 3}, "1-3"},
		{"in reverse", []int64{3, 2, 1}, "1-3"},
		{"with a gap that closes", []int64{1, 2, 5, 4, 7, 3}, "1-5,7"},
		{"twice", []int64{4, 4, 1, 1, 4}, "1,4"},
		{"inside a range", []int64{1, 2, 3, 2}, "1-3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r link.Ranges
			for _, line := range tt.lines {
				r = r.Add(line)
			}
			if r.String() != tt.want {
				t.Errorf("got %s, want %s", r, tt.want)
			}
		})
	}
	r, err := link.ParseRanges("7,2-5,4-6,1,9223372036854775807")
	if err != nil || r.String() != "1-7,9223372036854775807" {
		t.Errorf("ParseRanges: %v, %v", r, err)
	}
}

func FuzzParseFrame(f *testing.F) {
	for _, tt := range frames {
		f.Add([]byte(tt.line))
	}
	f.Add([]byte(`{"ack":"1","delay_ms":1}`))
	f.Add([]byte(`{"record":{"value":"\ud800\u00e9","headers":{"a":"b"},"id":"x","id":"y"},"attempt":12}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		frame, err := link.ParseFrame(line)
		// White space makes no difference, but it turns the fast way of reading off.
		general, generalErr := link.ParseFrame(append([]byte{' '}, line...))
		if diff := cmp.Diff(frame, general); diff != "" || (err == nil) != (generalErr == nil) {
			t.Fatalf("%q: %v or %v (-fast +general):\n%s", line, err, generalErr, diff)
		}
		if err != nil || frame.Kind == "" {
			return
		}
		again, err := link.AppendFrame(nil, &frame)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", line, err)
		}
		back, err := link.ParseFrame(again)
		if err != nil {
			t.Fatalf("%q became %q: %v", line, again, err)
		}
		frame.Record.Time = frame.Record.Time.UTC()
		if diff := cmp.Diff(normal(frame), normal(back)); diff != "" {
			t.Fatalf("%q became %q (-before +after):\n%s", line, again, diff)
		}
	})
}

// normal removes differences that have no meaning.
func normal(f link.Frame) link.Frame {
	if len(f.Record.Headers) == 0 {
		f.Record.Headers = nil
	}
	if f.Record.Op == record.Upsert {
		f.Record.Op = ""
	}
	if len(f.State.Positions) == 0 {
		f.State.Positions = nil
	}
	return f
}

func BenchmarkRecordFrame(b *testing.B) {
	rec := record.Record{ID: "0197-0001", Partition: "p", Position: "1234567", Value: []byte(`{"message":"` + strings.Repeat("x", 242) + `"}`)}
	frame := link.Frame{Kind: link.Rec, Record: rec}
	line, err := link.AppendFrame(nil, &frame)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			if buf, err = link.AppendFrame(buf[:0], &frame); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := link.ParseFrame(line); err != nil {
				b.Fatal(err)
			}
		}
	})
}
