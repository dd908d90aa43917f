package cloudevents

import (
	"net/http"
	"strings"
	"testing"
)

func TestReadEventReadsOneEventOfEitherMode(t *testing.T) {
	binary := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"7"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
	structured := http.Header{"Content-Type": {"application/cloudevents+json"}}
	tests := []struct {
		name   string
		header http.Header
		body   string
		want   string // an error if it begins with !
	}{
		{"binary", binary, "hello", "hello"},
		{"structured", structured, `{"specversion":"1.0","id":"7","source":"/s","type":"t","data":{"a":1}}`, `{"a":1}`},
		{"no event", http.Header{}, "hello", "!specversion"},
		{"an event without an id", structured, `{"specversion":"1.0","source":"/s","type":"t"}`, "!id"},
		{"another format", http.Header{"Content-Type": {"application/cloudevents+xml"}}, "<e/>", "!not understood"},
		{"an empty batch", http.Header{"Content-Type": {jsonBatch}}, "[]", "!the batch is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec, err := ReadEvent(tt.header, []byte(tt.body))
			if part, fails := strings.CutPrefix(tt.want, "!"); fails {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want an error with %q", err, part)
				}
				return
			}
			if err != nil || string(rec.Value) != tt.want || rec.ID != "7" {
				t.Errorf("got %q with id %q, %v", rec.Value, rec.ID, err)
			}
		})
	}
}
