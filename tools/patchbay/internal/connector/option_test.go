package connector

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromFlags(t *testing.T) {
	p := &Program{Options: ReadOptions(json.RawMessage(`{"properties": {"count":{"type":["null","integer"],"x-aliases":["limit"]},"rate":{"type":"number"},
		"stay":{"type":"boolean","x-aliases":["wait"]},"title":{"type":"string"},"sizes":{"type":"array","items":{"type":"integer"}},"headers":{"type":"object"}}}`))}
	tests := []struct {
		flags string
		want  map[string]any
		err   string
	}{
		{flags: "", want: map[string]any{}},
		{flags: "--count=5 --rate 0.5 --title 12", want: map[string]any{"count": json.Number("5"), "rate": json.Number("0.5"), "title": "12"}},
		{flags: "--count -5 --stay --title=--x", want: map[string]any{"count": json.Number("-5"), "stay": true, "title": "--x"}},
		{flags: "--limit 5 --wait", want: map[string]any{"limit": json.Number("5"), "wait": true}}, // former names
		{flags: "--no-stay", want: map[string]any{"stay": false}},
		{flags: "--stay=false --count 1_000", want: map[string]any{"stay": false, "count": "1_000"}},
		{flags: "--sizes 1 --sizes 2", want: map[string]any{"sizes": []any{json.Number("1"), json.Number("2")}}},
		{flags: "--headers a=1 --headers b=c=d", want: map[string]any{"headers": map[string]any{"a": "1", "b": "c=d"}}},
		{flags: "--unknown x --own", want: map[string]any{"unknown": "x", "own": true}},
		{flags: "--count", err: "--count needs a value"},
		{flags: "--count --stay", err: "--count needs a value"},
		{flags: "--count 1 --count 2", err: "--count is given twice"},
		{flags: "--headers secret", err: "--headers takes a pair"},
		{flags: "--stay secret", err: "one of the words is neither"},
		{flags: "-c", err: "one of the words is neither"},
		{flags: "--", err: "one of the words is neither"},
	}
	for _, tt := range tests {
		t.Run(tt.flags, func(t *testing.T) {
			got, err := p.FromFlags(strings.Fields(tt.flags), map[string]string{"own": "boolean"})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("FromFlags returned %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("FromFlags returned %v, %s", err, diff)
			}
		})
	}
}
