package state_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/internal/state"
)

func sample() *state.State {
	return &state.State{
		Connector: "file-source",
		Identity:  "path=/var/log/<app>.log",
		Epoch:     "e1",
		Positions: map[string]string{"a.log": "7:120", "b.log": "9:0", "": "x"},
	}
}

func TestEncodeThenDecodeGivesTheSameState(t *testing.T) {
	tests := []struct {
		name string
		in   *state.State
	}{
		{"a full state", sample()},
		{"no position yet", &state.State{Connector: "http-source", Positions: map[string]string{}}},
		{"partitions and positions that are no text", &state.State{Positions: map[string]string{"\xff.log": "1", "\xfe.log": "2", "a": "\x80", "b": "3"}}},
		{"aggregates", &state.State{Positions: map[string]string{"": "1"}, Aggregates: map[string]string{"a": "{\"n\":7}", "b": "\xff"}}},
		{"positions never set", &state.State{Connector: "http-source"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := state.Encode(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := state.Decode(doc)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.in, got); d != "" {
				t.Errorf("state differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	a, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	b, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("two encodings differ:\n%s\n%s", a, b)
	}
}

func TestEncodeRefusesNothing(t *testing.T) {
	if _, err := state.Encode(nil); err == nil {
		t.Error("no error for a nil state")
	}
}

func TestDecodeReadsADocumentLaidOutAnew(t *testing.T) {
	doc, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, doc, "", "  "); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Decode(append(pretty.Bytes(), '\n')); err != nil {
		t.Errorf("indented document: %v", err)
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	doc, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	good := string(doc)
	tests := []struct{ name, in string }{
		{"nothing", ""},
		{"zero bytes", "\x00\x00\x00\x00"},
		{"cut off", good[:len(good)-2]},
		{"a changed position", strings.Replace(good, "7:120", "7:121", 1)},
		{"another checksum", strings.Replace(good, "sha256:", "sha256:0", 1)},
		{"two documents", good + good},
		{"an empty object", "{}"},
		{"null", "null"},
		{"no state", `{"version":1,"checksum":"sha256:74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b","state":null}`},
		{"a state of another shape", `{"version":1,"checksum":"sha256:x","state":[]}`},
		{"a field that is not known", strings.Replace(good, `{"version"`, `{"extra":1,"version"`, 1)},
		{"a version that never was", `{"version":0,"checksum":"","state":{}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if s, err := state.Decode([]byte(tt.in)); err == nil || s != nil {
				t.Errorf("Decode = %+v, %v; want an error and no state", s, err)
			}
		})
	}
}

func TestDecodeRefusesEveryChangeOfAByte(t *testing.T) {
	for _, s := range []*state.State{sample(), {Connector: "http-source", Positions: map[string]string{"\xff": "\x80"}}} {
		doc, err := state.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		for i, whole := range doc {
			for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
				doc[i] = whole ^ flip
				if got, err := state.Decode(doc); err == nil || got != nil {
					t.Errorf("%q at byte %d instead of %q passes: %+v, %v", doc[i], i, whole, got, err)
				}
			}
			doc[i] = whole
		}
	}
}

func TestDecodeRefusesEveryTruncation(t *testing.T) {
	doc, err := state.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc {
		if got, err := state.Decode(doc[:n]); !errors.Is(err, state.ErrDamaged) || got != nil {
			t.Errorf("%d bytes of %d pass: %+v, %v", n, len(doc), got, err)
		}
	}
}

func TestDecodeNamesDamage(t *testing.T) {
	if _, err := state.Decode([]byte(`{"version":1`)); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v is not ErrDamaged", err)
	}
}

func TestDecodeNamesANewerVersion(t *testing.T) {
	_, err := state.Decode([]byte(`{"version":2,"checksum":"","state":{},"lease":{}}`))
	if !errors.Is(err, state.ErrVersion) || errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("error %v does not name version 2", err)
	}
}

func FuzzDecode(f *testing.F) {
	doc, err := state.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	f.Add([]byte(`{"version":1,"checksum":"","state":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := state.Decode(data)
		if err != nil {
			return
		}
		again, err := state.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := state.Decode(again); err != nil || !cmp.Equal(s, back) {
			t.Fatalf("a decoded state does not survive: %v", err)
		}
	})
}
