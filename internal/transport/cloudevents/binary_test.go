package cloudevents

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
)

func TestBinaryMode(t *testing.T) {
	tests := []struct {
		name string
		rec  record.Record
		want http.Header // beside specversion, id, source and type
	}{
		{"nothing", record.Record{}, http.Header{}},
		{"JSON", record.Record{Value: []byte(`{"a": 1}`)}, http.Header{"Content-Type": {"application/json"}}},
		{"text", record.Record{Value: []byte("<a>\n")}, http.Header{"Content-Type": {"text/plain"}}},
		{"bytes", record.Record{Value: []byte("\xff\x00")}, http.Header{"Content-Type": {"application/octet-stream"}}},
		{
			"a content type",
			record.Record{Value: []byte("5"), Headers: map[string]string{"content-type": "text/csv; header=present"}},
			http.Header{"Content-Type": {"text/csv; header=present"}},
		},
		{
			"a content type that would announce another mode",
			record.Record{Value: []byte("5"), Headers: map[string]string{"content-type": "Application/CloudEvents-batch+json"}},
			http.Header{
				"Content-Type":       {"application/json"},
				"Ce-Patchbayheaders": {`{%22content-type%22:%22Application/CloudEvents-batch+json%22}`},
			},
		},
		{"attributes of their own", record.Record{
			Subject: `"a" b%20é`, Time: time.Date(2025, 1, 2, 3, 4, 5, 6000, time.UTC), Key: "k", Op: record.Delete,
			Partition: "p q", Position: "9\n",
		}, http.Header{
			"Ce-Subject": {"%22a%22%20b%2520%C3%A9"}, "Ce-Time": {"2025-01-02T03:04:05.000006Z"}, "Ce-Partitionkey": {"k"},
			"Ce-Patchbayop": {"delete"}, "Ce-Patchbaypartition": {"p%20q"}, "Ce-Patchbayposition": {"9%0A"},
		}},
		{"a value in quotes", record.Record{Subject: `"x"`}, http.Header{"Ce-Subject": {"%22x%22"}}},
		{"a key that is no text", record.Record{Key: "\x00\xff"}, http.Header{"Ce-Patchbaykeybase64": {"AP8="}}},
		{
			"headers that are attributes",
			record.Record{Headers: map[string]string{"traceparent": "00-1", "n": "a b"}},
			http.Header{"Ce-Traceparent": {"00-1"}, "Ce-N": {"a%20b"}},
		},
		{
			"headers that would mean something to HTTP",
			record.Record{Headers: map[string]string{
				"Host": "evil", "Transfer-Encoding": "chunked", "Authorization": "x", "X-A\r\nX-B": "c\r\nd", "ce-id": "2", "id": "3",
			}},
			http.Header{"Ce-Patchbayheaders": {attribute.Escape(`{"Authorization":"x","Host":"evil","Transfer-Encoding":"chunked",` +
				`"X-A\r\nX-B":"c\r\nd","ce-id":"2","id":"3"}`)}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rec.ID, tt.rec.Type = "1", "t"
			got, err := encodeBinary(&tt.rec, "s")
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"Specversion": "1.0", "Id": "1", "Source": "s", "Type": "t"} {
				tt.want["Ce-"+name] = []string{value}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			back, err := decodeBinary(got, tt.rec.Value)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.rec
			want.Headers = map[string]string{record.EventSourceHeader: "s"}
			for name, value := range tt.rec.Headers {
				want.Headers[name] = value
			}
			if diff := cmp.Diff(want, back); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBinaryModeKeepsTheSourceAndMakesIDs(t *testing.T) {
	h, err := encodeBinary(&record.Record{Headers: map[string]string{record.EventSourceHeader: "/orders"}}, "s")
	if err != nil {
		t.Fatal(err)
	}
	if h.Get("ce-source") != "/orders" || h.Get("ce-type") != record.DefaultEventType || h.Get("ce-id") == "" {
		t.Errorf("headers %v", h)
	}
}

func TestBinaryModeRefusesToWrite(t *testing.T) {
	tests := []struct {
		name   string
		rec    record.Record
		source string
		want   string
	}{
		{"no source", record.Record{}, "", "source is required"},
		{"text that is none", record.Record{Subject: "\xff"}, "s", "ce-subject is not valid UTF-8"},
		{"a header that is no text", record.Record{Headers: map[string]string{"x": "\xff"}}, "s", `header "x" is not valid UTF-8`},
		{"the far future", record.Record{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "s", "outside 0 to 9999"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := encodeBinary(&tt.rec, tt.source); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// event returns the headers of an event with changes; an empty value removes one.
func event(changes ...string) http.Header {
	h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
	for i := 0; i < len(changes); i += 2 {
		h.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			h.Del(changes[i])
		}
	}
	return h
}

func TestBinaryModeReadsWhatOthersWrite(t *testing.T) {
	h := event("CE-SUBJECT", `"a \"b\" %C3%a9 100%"`, "ce-number", "5", "ce-my-own", "x", "Authorization", "secret", "X-Other", "y",
		"Content-Type", "text/plain; charset=utf-8")
	got, err := decodeBinary(h, []byte("v"))
	want := record.Record{ID: "1", Type: "t", Subject: `a "b" é 100%`, Value: []byte("v"), Headers: map[string]string{
		record.EventSourceHeader: "s", "number": "5", "my-own": "x", "content-type": "text/plain; charset=utf-8",
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestWhatIsNoEvent(t *testing.T) {
	const full = `"specversion":"1.0","id":"1","source":"s","type":"t"`
	twice := event()
	twice["Ce-Id"] = []string{"1", "2"}
	types := http.Header{"Content-Type": {"text/plain", "text/csv"}}
	tests := []struct {
		name   string
		header http.Header
		body   string
		status int
		want   string
	}{
		{"a plain request", http.Header{"Content-Type": {"application/json"}}, "{}", 400, "the header ce-specversion is missing"},
		{"no id", event("ce-id", ""), "", 400, "ce-id is missing"},
		{"no source", event("ce-source", ""), "", 400, "ce-source is missing"},
		{"no type", event("ce-type", ""), "", 400, "ce-type is missing"},
		{"another version", event("ce-specversion", "0.3"), "", 400, `ce-specversion is "0.3"`},
		{"an id twice", twice, "", 400, "ce-id is given 2 times"},
		{"an overlong escape", event("ce-subject", "%C0%A0"), "", 400, "ce-subject is not valid UTF-8"},
		{"bytes that are no text", event("ce-x", "\xff"), "", 400, "ce-x is not valid UTF-8"},
		{"a bad time", event("ce-time", "now\n"), "", 400, "is no RFC 3339 time"},
		{"a bad key", event("ce-patchbaykeybase64", "?"), "", 400, "ce-patchbaykeybase64"},
		{"bad headers", event("ce-patchbayheaders", "[]"), "", 400, "ce-patchbayheaders"},
		{"two content types", types, "", 400, "content-type is given 2 times"},
		{"an unknown format", event("content-type", "application/cloudevents+avro"), "", 415, "application/cloudevents+json"},
		{"an unknown character set", event("content-type", "application/cloudevents+json; charset=utf-16"), "", 415, `"utf-16"`},
		{"a content type that is none", event("content-type", "application/cloudevents+json; ="), "", 415, "is not understood"},
		{"a compressed body", event("content-encoding", "gzip"), "", 415, `content encoding "gzip"`},
		{"structured, no JSON", event("content-type", jsonType), "hello", 400, "it is no JSON object"},
		{"structured, no id", event("content-type", jsonType), `{"specversion":"1.0"}`, 400, "the attribute id is missing"},
		{"a batch that is none", event("content-type", jsonBatch), "{" + full + "}", 400, "it is no JSON array"},
		{"a batch that is cut off", event("content-type", jsonBatch), "[{" + full + "}", 400, "it is no JSON array"},
		{"a batch with something behind", event("content-type", jsonBatch), "[] 1", 400, "something follows it"},
		{"a batch with a bad event", event("content-type", jsonBatch), "[{" + full + "},{}]", 400, "event 2 of the batch"},
		{"a batch that is too large", event("content-type", jsonBatch), "[{" + full + "},{" + full + "},1]", 413, "more than 2 events"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkType(tt.header)
			if err == nil {
				_, err = decode(tt.header, []byte(tt.body), 2)
			}
			var refused *refusal
			if !errors.As(err, &refused) || refused.status != tt.status || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want status %d and %q", err, tt.status, tt.want)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a\r\n\tb\x00c\xff\u202e d"); got != "a b c? d" {
		t.Errorf("got %q", got)
	}
	if got := oneLine(strings.Repeat("é", 1000)); len([]rune(got)) != maxReason+1 {
		t.Errorf("got %d runes", len([]rune(got)))
	}
}

// FuzzDecode reads requests of any kind; what is taken for an event must come back the same after it was written again.
func FuzzDecode(f *testing.F) {
	f.Add("application/json", "1.0", "1", "s", "ce-subject", `"%22"`, `{"a":1}`)
	f.Add("text/plain", "1.0", "1", "s", "ce-patchbayheaders", `{%22Host%22:%22x%22}`, "a")
	f.Add("", "1.0", "%41", "/", "ce-patchbaykeybase64", "AP8=", "\xff")
	f.Add(jsonType, "", "", "", "ce-x", "", `{"specversion":"1.0","id":"1","source":"s","type":"t","data":1}`)
	f.Add(jsonBatch, "", "", "", "ce-x", "", `[{"specversion":"1.0","id":"1","source":"s","type":"t"}]`)
	f.Add("text/csv", "1.0", "1", "s", "ce-patchbayheaders", "null", "a")
	f.Fuzz(func(t *testing.T, contentType, version, id, source, name, value, body string) {
		h := http.Header{}
		for n, v := range map[string]string{
			"Content-Type": contentType, "Ce-Specversion": version, "Ce-Id": id, "Ce-Source": source, "Ce-Type": "t",
		} {
			h.Set(n, v)
		}
		h.Set(name, value)
		if checkType(h) != nil {
			return
		}
		recs, err := decode(h, []byte(body), 10)
		if err != nil {
			var refused *refusal
			if !errors.As(err, &refused) || oneLine(err.Error()) == "" {
				t.Fatalf("%v is no refusal with a reason", err)
			}
			return
		}
		for _, rec := range recs {
			written, err := encodeBinary(&rec, "x")
			if err != nil {
				continue // such as a time that leaves the year 9999 in UTC
			}
			again, err := decodeBinary(written, rec.Value)
			if err != nil {
				t.Fatalf("%+v became %v: %v", rec, written, err)
			}
			if !again.Time.Equal(rec.Time) {
				t.Fatalf("time %v became %v", rec.Time, again.Time)
			}
			rec.Time, again.Time = time.Time{}, time.Time{}
			if rec.Op == record.Upsert {
				rec.Op = ""
			}
			if diff := cmp.Diff(rec, again); diff != "" && isTidy(&rec) {
				t.Fatalf("%v (-want +got):\n%s", written, diff)
			}
		}
	})
}

// isTidy reports whether nothing about a record is normalised on its way: a content type that the payload implies anyway.
func isTidy(rec *record.Record) bool {
	for name, value := range rec.Headers {
		if strings.EqualFold(name, "content-type") && (name != "content-type" || value == attribute.ImpliedType(rec.Value)) {
			return false
		}
	}
	return rec.Type != record.DefaultEventType
}
