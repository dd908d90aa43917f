package nats

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	natsgo "github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/patchbay-dev/patchbay/common/record"
)

var instant = time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.UTC)

func newMsg(subject, data string, headers ...string) *natsgo.Msg {
	m := natsgo.NewMsg(subject)
	m.Data = []byte(data)
	for i := 0; i < len(headers); i += 2 {
		m.Header[headers[i]] = append(m.Header[headers[i]], headers[i+1])
	}
	return m
}

// awkward are records that test both envelopes.
func awkward() map[string]record.Record {
	return map[string]record.Record{
		"nothing but a payload": {ID: "1", Value: []byte("x")},
		"an empty payload":      {ID: "1"},
		"every byte": {ID: "1", Value: func() []byte {
			b := make([]byte, 256)
			for i := range b {
				b[i] = byte(i)
			}
			return b
		}()},
		"every field": {
			ID: "a:1", Key: "k", Partition: "p", Op: record.Delete, Time: instant, Type: "com.example.x",
			Subject: "file.txt", Headers: map[string]string{"color": "red", "X-Trace": "a b"}, Value: []byte(`{"a": 1}`),
		},
		"binary key":                {ID: "1", Key: "\x00\xff\r\n%41", Value: []byte("x")},
		"key with spaces":           {ID: "1", Key: "  two words\t", Value: []byte("x")},
		"id that is no plain value": {ID: "ä\r\nNats-Rollup: all %", Value: []byte("x")},
		"text in quotes":            {ID: `"1"`, Key: `"k"`, Subject: `"%22"`, Partition: `"a\"`, Headers: map[string]string{"color": `"red"`}},
		"text beyond ASCII":         {ID: "1", Type: "größe", Subject: "日本 \"x\"", Partition: "100%", Value: []byte("x")},
		"headers that would be taken for something else": {ID: "1", Value: []byte("x"), Headers: map[string]string{
			"Nats-Rollup": "all", "nats-msg-id": "z", "Patchbay-Key": "z", "Ce-Id": "z", "ce-specversion": "1.0", "Status": "503",
			"Content-Type": "application/cloudevents+json",
		}},
		"headers that are no header": {ID: "1", Value: []byte("x"), Headers: map[string]string{
			"": "empty name", "a b": "space", "a:b": "colon", "ü": "ü", "crlf": "a\r\nb: c", "trimmed": " x ", "empty": "", "a%41": "%41",
			"id": "z", "source": "z", "patchbayop": "z", "data": "z", "UPPER": "z",
		}},
	}
}

// roundTrip sends a record through the headers as the client library writes and reads them.
func roundTrip(t interface{ Fatal(...any) }, encode encoder, rec record.Record) record.Record {
	msg := natsgo.Msg{Subject: "demo"}
	encode(&rec, &msg)
	h := natsgo.Header{}
	for name, values := range msg.Header {
		for _, v := range values {
			if !isToken(name) || !isPlain(v) || strings.ContainsAny(v, "\r\n") {
				t.Fatal("illegal header", name, v)
			}
		}
		h[name] = values
	}
	got, err := decode(h, msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func eventEncoder(rec *record.Record, msg *natsgo.Msg) { encodeEvent(rec, "/c/n", msg) }

func TestLeanEnvelopeGivesBackTheRecord(t *testing.T) {
	for name, rec := range awkward() {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(rec, roundTrip(t, encodeLean, rec), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("record differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestEventEnvelopeGivesBackTheRecord(t *testing.T) {
	for name, rec := range awkward() {
		t.Run(name, func(t *testing.T) {
			if name == "headers that would be taken for something else" {
				delete(rec.Headers, "Content-Type") // becomes content-type, in which the other envelope differs
			}
			rec.Headers = maps.Clone(rec.Headers)
			rec.Position = "7:120"
			got := roundTrip(t, eventEncoder, rec)
			if got.Headers["ce-source"] != "/c/n" {
				t.Errorf("source %q", got.Headers["ce-source"])
			}
			delete(got.Headers, "ce-source")
			if d := cmp.Diff(rec, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("record differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestLeanEnvelopeGivesBackAnyRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })
		rec := record.Record{
			ID: text.Draw(t, "id"), Key: text.Draw(t, "key"), Type: text.Draw(t, "type"), Subject: text.Draw(t, "subject"),
			Partition: text.Draw(t, "partition"), Headers: rapid.MapOf(text, text).Draw(t, "headers"),
			Value: rapid.SliceOf(rapid.Byte()).Draw(t, "value"),
		}
		if d := cmp.Diff(rec, roundTrip(t, encodeLean, rec), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("record differs (-want +got):\n%s", d)
		}
	})
}

func TestLeanEnvelopeCarriesOnlyWhatIsThere(t *testing.T) {
	tests := []struct {
		name string
		rec  record.Record
		want []string
	}{
		{"nothing", record.Record{Value: []byte("x")}, nil},
		{"an id", record.Record{ID: "1", Position: "9", Op: record.Upsert}, []string{"Nats-Msg-Id"}},
		{"a delete of a key", record.Record{ID: "1", Key: "k", Op: record.Delete}, []string{"Nats-Msg-Id", "Patchbay-Key", "Patchbay-Op"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var msg natsgo.Msg
			encodeLean(&tt.rec, &msg)
			if d := cmp.Diff(tt.want, slices.Sorted(maps.Keys(msg.Header)), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("headers differ (-want +got):\n%s", d)
			}
			if msg.Header != nil && len(tt.want) == 0 {
				t.Error("an empty header block is sent")
			}
		})
	}
}

func TestEventHeaders(t *testing.T) {
	rec := record.Record{
		ID: "1", Key: "k 1", Time: instant, Subject: "ä", Op: record.Delete, Value: []byte(`{}`),
		Headers: map[string]string{"color": "red", "X-Trace": "t"},
	}
	var msg natsgo.Msg
	encodeEvent(&rec, "/http-source/one", &msg)
	want := natsgo.Header{
		"Nats-Msg-Id": {"1"}, "ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/http-source/one"},
		"ce-type": {"dev.patchbay.record"}, "ce-time": {"2026-01-02T03:04:05.6789Z"}, "ce-subject": {"%C3%A4"},
		"ce-partitionkey": {"k%201"}, "ce-patchbayop": {"delete"}, "ce-datacontenttype": {"application/json"},
		"ce-color": {"red"}, "X-Trace": {"t"},
	}
	if d := cmp.Diff(want, msg.Header); d != "" {
		t.Errorf("headers differ (-want +got):\n%s", d)
	}
}

func TestEventAlwaysHasAnID(t *testing.T) {
	var a, b natsgo.Msg
	for _, m := range []*natsgo.Msg{&a, &b} {
		encodeEvent(&record.Record{}, "/s", m)
	}
	if a.Header.Get("ce-id") == "" || a.Header.Get("ce-id") == b.Header.Get("ce-id") || a.Header.Get("Nats-Msg-Id") != "" {
		t.Errorf("headers %v and %v", a.Header, b.Header)
	}
}

func TestDecodeForeignMessages(t *testing.T) {
	tests := []struct {
		name string
		msg  *natsgo.Msg
		want record.Record
	}{
		{"no headers", newMsg("s", "x"), record.Record{Value: []byte("x")}},
		{
			"headers of its own", newMsg("s", "x", "a", "1", "a", "2", "Nats-Expected-Stream", "X"),
			record.Record{Value: []byte("x"), Headers: map[string]string{"a": "1, 2"}},
		},
		{
			"a percent sign that escapes nothing", newMsg("s", "x", "Patchbay-Key", "100% %4"),
			record.Record{Value: []byte("x"), Key: "100% %4"},
		},
		{
			"a binary event in another case, with quotes and the content type of HTTP", newMsg("s", "x", "Ce-Specversion", "1.0",
				"CE-ID", "1", "Ce-Source", "/s", "Ce-Type", `"a \"b\" c"`, "Ce-Color", "red", "Content-Type", "text/csv", "Trace", "t"),
			record.Record{
				ID: "1", Type: `a "b" c`, Value: []byte("x"),
				Headers: map[string]string{"ce-source": "/s", "color": "red", "content-type": "text/csv", "Trace": "t"},
			},
		},
		{
			"a binary event beside headers of the same names", newMsg("s", "x", "ce-specversion", "1.0", "ce-id", "1", "Ce-Id", "2",
				"ce-source", "/s", "ce-type", "t", "traceparent", "of the hop", "ce-traceparent", "of the event"),
			record.Record{
				ID: "1", Type: "t", Value: []byte("x"), Headers: map[string]string{"ce-source": "/s", "traceparent": "of the event"},
			},
		},
		{
			"a structured event", newMsg("s", `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}`,
				"Content-Type", "Application/CloudEvents+json; charset=utf-8"),
			record.Record{ID: "1", Type: "t", Value: []byte(`{"a":1}`), Headers: map[string]string{"ce-source": "/s"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 { // headers come in any order
				got, err := decode(tt.msg.Header, tt.msg.Data)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("record differs (-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name, header, value, want string
	}{
		{"another version of CloudEvents", "ce-specversion", "2.0", `"2.0"`},
		{"a time that is none", "Patchbay-Time", "noon", "Patchbay-Time"},
		{"a structured event that is none", "content-type", "application/cloudevents+json", "CloudEvent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMsg("s", "x", tt.header, tt.value)
			if _, err := decode(m.Header, m.Data); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("Patchbay-Key", "%41", "ce-specversion", "1.0", []byte("x"))
	f.Add("content-type", "application/cloudevents", "a", "b", []byte(`{"specversion":"1.0"}`))
	f.Add("ce-id", `"\"`, "ce-specversion", "1.0", []byte("x"))
	f.Fuzz(func(_ *testing.T, n1, v1, n2, v2 string, data []byte) {
		_, _ = decode(natsgo.Header{n1: {v1}, n2: {v2}}, data)
	})
}
