package observe_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transform"
)

const (
	parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	state  = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
)

func TestValidTraceparent(t *testing.T) {
	tests := []struct {
		name, value string
		want        bool
	}{
		{"the form of version 00", parent, true},
		{"flags that are not known yet", parent[:53] + "ff", true},
		{"a later version of the same length", "01" + parent[2:], true},
		{"a later version with more", "01" + parent[2:] + "-what-comes", true},
		{"a later version with more, not set off", "01" + parent[2:] + "more", false},
		{"version 00 with more", parent + "-more", false},
		{"the version that is none", "ff" + parent[2:], false},
		{"upper case", strings.ToUpper(parent), false},
		{"a trace of zeros", "00-" + strings.Repeat("0", 32) + parent[35:], false},
		{"a parent of zeros", parent[:36] + strings.Repeat("0", 16) + "-01", false},
		{"a letter that is no digit", strings.Replace(parent, "a", "g", 1), false},
		{"another separator", strings.ReplaceAll(parent, "-", "_"), false},
		{"cut short", parent[:54], false},
		{"nothing", "", false},
		{"blanks around", " " + parent, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := observe.ValidTraceparent(tt.value); got != tt.want {
				t.Errorf("ValidTraceparent(%q) = %t", tt.value, got)
			}
		})
	}
}

func TestValidTracestate(t *testing.T) {
	members := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("k%d=v", i))
		}
		return strings.Join(list, ",")
	}
	tests := []struct {
		name, value string
		want        bool
	}{
		{"two members", state, true},
		{"blanks and empty members", "a=1 , ,\tb=2,", true},
		{"a tenant", "0tenant@system=1", true},
		{"every sign of a key", "a_-*/9=1", true},
		{"a value with blanks in it", "a=1 2", true},
		{"32 members", members(32), true},
		{"33 members", members(33), false},
		{"a key twice", "a=1,a=2", false},
		{"a key in upper case", "A=1", false},
		{"a key that begins with a sign", "_a=1", false},
		{"a key of 256 bytes", strings.Repeat("k", 256) + "=1", true},
		{"a key of 257 bytes", strings.Repeat("k", 257) + "=1", false},
		{"a system of 15 bytes", "t@" + strings.Repeat("s", 15) + "=1", false},
		{"a value of 257 bytes", "a=" + strings.Repeat("v", 257), false},
		{"an equals sign in a value", "a=1=2", false},
		{"a control character in a value", "a=\x01", false},
		{"a letter beyond ASCII in a value", "a=ä", false},
		{"no value", "a=", false},
		{"no equals sign", "a", false},
		{"no member", " , ", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := observe.ValidTracestate(tt.value); got != tt.want {
				t.Errorf("ValidTracestate(%q) = %t", tt.value, got)
			}
		})
	}
}

func TestKeepTrace(t *testing.T) {
	type headers = map[string]string
	tests := []struct {
		name     string
		in, want headers
	}{
		{
			"leaves a valid context alone",
			headers{"traceparent": parent, "tracestate": state},
			headers{"traceparent": parent, "tracestate": state},
		},
		{"leaves other headers alone", headers{"Other": "1"}, headers{"Other": "1"}},
		{"leaves nothing alone", nil, nil},
		{
			"gives names their form",
			headers{"Traceparent": parent, "TraceState": state, "Other": "1"},
			headers{"traceparent": parent, "tracestate": state, "Other": "1"},
		},
		{
			"drops a parent that is not valid, and its state",
			headers{"traceparent": "00-1-2-3", "tracestate": state, "o": "1"},
			headers{"o": "1"},
		},
		{"drops a state without a parent", headers{"tracestate": state, "o": "1"}, headers{"o": "1"}},
		{
			"drops a state that is not valid",
			headers{"traceparent": parent, "tracestate": "A"},
			headers{"traceparent": parent},
		},
		{
			"makes one of two that are the same",
			headers{"traceparent": parent, "Traceparent": parent},
			headers{"traceparent": parent},
		},
		{"drops two that differ", headers{"traceparent": parent, "Traceparent": parent[:54] + "0"}, headers{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := maps.Clone(tt.in)
			if diff := cmp.Diff(tt.want, observe.KeepTrace(tt.in)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tt.in); diff != "" {
				t.Errorf("the map that was given has changed (-before +after):\n%s", diff)
			}
		})
	}
}

// A trace context is nothing but two headers, so what carries headers carries it: transforms, and a CloudEvent, whose
// attributes for it have the same names.
func TestTraceContextSurvivesTransformsAndCloudEvents(t *testing.T) {
	chain, err := transform.Compile([]transform.Step{{Kind: transform.ArrayMap, Expr: ".[]"}}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{observe.Traceparent: parent, observe.Tracestate: state}
	out, err := chain.Apply(context.Background(), record.Record{ID: "1", Value: []byte("[1,2]"), Headers: headers})
	if err != nil || len(out) != 2 {
		t.Fatalf("%d records, %v", len(out), err)
	}
	for _, rec := range out {
		event, err := record.MarshalCloudEvent(rec, "/test")
		if err != nil {
			t.Fatal(err)
		}
		if want := `"traceparent":"` + parent + `"`; !strings.Contains(string(event), want) {
			t.Errorf("the event lacks %s: %s", want, event)
		}
		back, err := record.UnmarshalCloudEvent(event)
		if err != nil {
			t.Fatal(err)
		}
		if back.Headers[observe.Traceparent] != parent || back.Headers[observe.Tracestate] != state {
			t.Errorf("headers are %v after a CloudEvent", back.Headers)
		}
	}
}

func FuzzKeepTrace(f *testing.F) {
	f.Add("traceparent", parent, "tracestate", state)
	f.Add("Traceparent", "01"+parent[2:]+"-x", "TRACESTATE", "a@b=c")
	f.Add("x", "", "traceparent", "00-")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		in := map[string]string{n1: v1, n2: v2}
		out := observe.KeepTrace(in)
		if p, ok := out[observe.Traceparent]; ok && !observe.ValidTraceparent(p) {
			t.Errorf("kept the parent %q", p)
		}
		s, ok := out[observe.Tracestate]
		if _, hasParent := out[observe.Traceparent]; ok && (!hasParent || !observe.ValidTracestate(s)) {
			t.Errorf("kept the state %q", s)
		}
		if diff := cmp.Diff(out, observe.KeepTrace(out)); diff != "" {
			t.Errorf("a second time changes more:\n%s", diff)
		}
	})
}
