package record_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
)

func TestMarshalCloudEvent(t *testing.T) {
	const start = `{"specversion":"1.0","id":"1","source":"s","type":"dev.patchbay.record"`
	tests := []struct {
		name string
		rec  record.Record
		want string // after start
	}{
		{"no payload", record.Record{}, `}`},
		{"JSON", record.Record{Value: []byte(`{"b": 1.0, "a":"<é>"}`)}, `,"datacontenttype":"application/json","data":{"b": 1.0, "a":"<é>"}}`},
		{"JSON with newlines", record.Record{Value: []byte("{\n \"a\": 1\n}\n")}, `,"datacontenttype":"application/json","data":{"a":1}}`},
		{"text", record.Record{Value: []byte("<a>\n")}, `,"datacontenttype":"text/plain","data":"<a>\n"}`},
		{"bytes", record.Record{Value: []byte("\xff")}, `,"datacontenttype":"application/octet-stream","data_base64":"/w=="}`},
		{
			"a content type that is not JSON",
			record.Record{Value: []byte("5"), Headers: map[string]string{"Content-Type": "text/csv"}},
			`,"datacontenttype":"text/csv","data":"5"}`,
		},
		{
			"a content type that is JSON",
			record.Record{Value: []byte("5"), Headers: map[string]string{"content-type": "a/b+json"}},
			`,"datacontenttype":"a/b+json","data":5}`,
		},
		{
			"text that should be JSON",
			record.Record{Value: []byte("{"), Headers: map[string]string{"content-type": "application/json"}},
			`,"datacontenttype":"application/json","data_base64":"ew=="}`,
		},
		{"attributes of their own", record.Record{
			Subject: "a/b", Time: time.Date(2025, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600)), Key: "k", Op: record.Delete,
			Partition: "p", Position: "9",
		}, `,"subject":"a/b","time":"2025-01-02T02:04:05.000006Z","partitionkey":"k","patchbayop":"delete",` +
			`"patchbaypartition":"p","patchbayposition":"9"}`},
		{"a key that is no text", record.Record{Key: "\x00\xff"}, `,"patchbaykeybase64":"AP8="}`},
		{"headers", record.Record{Headers: map[string]string{
			"traceid": "1", "X-Y": "<2>", "type": "3", "line": "a\nb", "averyveryverylongname": "4", "": "5",
		}}, `,"traceid":"1","patchbayheaders":"{\"\":\"5\",\"X-Y\":\"\\u003c2\\u003e\",\"averyveryverylongname\":\"4\",` +
			`\"line\":\"a\\nb\",\"type\":\"3\"}"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rec.ID = "1"
			got, err := record.MarshalCloudEvent(tt.rec, "s")
			if err != nil || string(got) != start+tt.want {
				t.Fatalf("%v\n got %s\nwant %s", err, got, start+tt.want)
			}
			back, err := record.UnmarshalCloudEvent(got)
			if err != nil {
				t.Fatal(err)
			}
			want := normalEvent(t, tt.rec)
			if diff := cmp.Diff(want, back); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// normalEvent returns what a record looks like after its way through a CloudEvent from source "s".
func normalEvent(t *testing.T, rec record.Record) record.Record {
	t.Helper()
	headers := map[string]string{record.EventSourceHeader: "s"}
	for k, v := range rec.Headers {
		if strings.EqualFold(k, "content-type") {
			k = "content-type"
		}
		headers[k] = v
	}
	rec.Headers = headers
	rec.Time = rec.Time.UTC()
	if strings.Contains(string(rec.Value), "\n") && json.Valid(rec.Value) {
		rec.Value = []byte(`{"a":1}`)
	}
	return rec
}

func TestCloudEventsPassThrough(t *testing.T) {
	event := `{"specversion":"1.0","id":"1","source":"/orders","type":"made","dataschema":"x:y","n":5,"data":"text"}`
	rec, err := record.UnmarshalCloudEvent([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	if string(rec.Value) != `"text"` || rec.Headers["n"] != "5" {
		t.Errorf("read %+v", rec)
	}
	got, err := record.MarshalCloudEvent(rec, "patchbay/relay")
	want := `{"specversion":"1.0","id":"1","source":"/orders","type":"made","dataschema":"x:y","n":"5",` +
		`"datacontenttype":"application/json","data":"text"}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

func TestCloudEventsWithoutHeadersOfTheirOwn(t *testing.T) {
	const start = `{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/csv","x":"y"`
	for _, end := range []string{`}`, `,"patchbayheaders":null}`, `,"patchbayheaders":""}`, `,"patchbayheaders":"null"}`} {
		rec, err := record.UnmarshalCloudEvent([]byte(start + end))
		want := map[string]string{record.EventSourceHeader: "s", "content-type": "text/csv", "x": "y"}
		if diff := cmp.Diff(want, rec.Headers); err != nil || diff != "" {
			t.Errorf("%s: %v; headers (-want +got):\n%s", end, err, diff)
		}
	}
}

func TestCloudEventsGetAnID(t *testing.T) {
	ids := map[string]bool{}
	for range 2 {
		b, err := record.MarshalCloudEvent(record.Record{}, "s")
		if err != nil {
			t.Fatal(err)
		}
		rec, err := record.UnmarshalCloudEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		ids[rec.ID] = true
	}
	if len(ids) != 2 || ids[""] {
		t.Errorf("ids %v", ids)
	}
}

func TestMarshalCloudEventRefuses(t *testing.T) {
	tests := []struct {
		name   string
		rec    record.Record
		source string
		err    string
	}{
		{"no source", record.Record{}, "", "source is required"},
		{"text that is none", record.Record{Subject: "\xff"}, "s", "subject is not valid UTF-8"},
		{"a header that is no text", record.Record{Headers: map[string]string{"x": "\xff"}}, "s", `header "x" is not valid UTF-8`},
		{"the far future", record.Record{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "s", "outside 0 to 9999"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := record.MarshalCloudEvent(tt.rec, tt.source); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

func TestUnmarshalCloudEventRefuses(t *testing.T) {
	const start = `{"specversion":"1.0","id":"1","source":"s","type":"t"`
	tests := []struct{ name, event, err string }{
		{"no JSON", `hello`, "it is no JSON object"},
		{"no object", `[]`, "it is no JSON object"},
		{"null", `null`, `specversion is ""`},
		{"bytes that are no text", "{\"id\":\"\xff\"}", "not valid UTF-8"},
		{"another version", `{"specversion":"0.3"}`, `specversion is "0.3", it must be "1.0"`},
		{"no id", `{"specversion":"1.0","source":"s","type":"t"}`, "attribute id is missing"},
		{"a null source", `{"specversion":"1.0","id":"1","source":null,"type":"t"}`, "attribute source is missing"},
		{"an attribute that is an object", start + `,"x":{}}`, "attribute x is neither"},
		{"a bad time", start + `,"time":"now"}`, `time "now" is no RFC 3339 time`},
		{"bad base64", start + `,"data_base64":"?"}`, "data_base64"},
		{"two payloads", start + `,"data":1,"data_base64":"YQ=="}`, "both data and data_base64"},
		{"a bad key", start + `,"patchbaykeybase64":"?"}`, "patchbaykeybase64"},
		{"bytes that are a list of numbers", start + `,"data_base64":[104,105]}`, "data_base64"},
		{"bad headers", start + `,"patchbayheaders":"?"}`, "patchbayheaders"},
		{"headers that are no object", start + `,"patchbayheaders":"[]"}`, "patchbayheaders"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := record.UnmarshalCloudEvent([]byte(tt.event)); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

func FuzzUnmarshalCloudEvent(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a": 1},"x":true}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data":"a"}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"/w==","time":"2025-01-01T00:00:00Z",` +
		`"partitionkey":"k","patchbayop":"delete","patchbayheaders":"{\"A\":\"b\"}"}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"a/b","patchbayheaders":"null"}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		rec, err := record.UnmarshalCloudEvent(event)
		if err != nil {
			return
		}
		written, err := record.MarshalCloudEvent(rec, "s")
		if err != nil {
			t.Skip(err) // such as a time that leaves the year 9999 in UTC
		}
		again, err := record.UnmarshalCloudEvent(written)
		if err != nil {
			t.Fatalf("%q became %q: %v", event, written, err)
		}
		if again.ID != rec.ID || again.Key != rec.Key || again.Headers[record.EventSourceHeader] != rec.Headers[record.EventSourceHeader] ||
			!again.Time.Equal(rec.Time) || again.Subject != rec.Subject {
			t.Fatalf("%q became %q", event, written)
		}
	})
}
