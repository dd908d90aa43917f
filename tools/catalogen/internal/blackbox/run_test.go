package blackbox

import (
	"net"
	"reflect"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

func TestMislead(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  any
		fails bool
	}{
		{"an address keeps all but the host", "https://api.example.com/items?per_page=100", "https://127.0.0.1:9/items?per_page=100", true},
		{"an address keeps its user", "postgres://u:p@db:5432/x", "postgres://u:p@127.0.0.1:9/x", true},
		{"a host with its port", "db.example.com:5432", "127.0.0.1:0", false},
		{"an address of six", "[::1]:80", "127.0.0.1:0", false},
		{"a port", ":8080", "127.0.0.1:0", false},
		{"a path", "/var/log/**/*.log", "/scratch/nothing", false},
		{"a file by its address", "file:///etc/passwd", "/scratch/nothing", false},
		{"a list", []any{"a", "http://b/"}, []any{"a", "http://127.0.0.1:9/"}, true},
		{"a relative path stays, and is one below the scratch folder", "events.jsonl", "events.jsonl", false},
		{"an expression stays", `{a: .b}`, `{a: .b}`, false},
		{"a time stays", "12:30:00", "12:30:00", false},
		{"a number stays", number("5"), number("5"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, fails := mislead(tt.value, "127.0.0.1:9", "/scratch/nothing")
			if !reflect.DeepEqual(got, tt.want) || fails != tt.fails {
				t.Errorf("%v, %v", got, fails)
			}
		})
	}
}

func TestAstrayLeavesNothingThatLeadsSomewhere(t *testing.T) {
	x := &examiner{nowhere: silence{address: "127.0.0.1:9"}, Target: Target{Scratch: "/scratch", Subject: rules.Subject{Options: options.Schema{Required: []string{"endpoint"}}}}}
	x.options = properties(t, `{"endpoint": {"type": "string"}, "proxy": {"type": "string", "pattern": "^http://proxy/$"}, "path": {"type": "string"}}`)
	lost, pointed := x.astray(document{"endpoint": "http://example.com/", "proxy": "http://proxy/", "path": "/var/log/syslog"}, "/scratch/nothing")
	want := document{"endpoint": "http://" + x.nowhere.address + "/", "path": "/scratch/nothing"}
	if !pointed || !reflect.DeepEqual(lost, want) {
		t.Errorf("%v, %v; want %v", lost, pointed, want)
	}
	x.options = properties(t, `{"about": {"type": "string"}, "system": {"type": "string", "x-identity": true}}`)
	if lost, pointed := x.astray(document{"about": "http://example.com/"}, ""); pointed || lost["about"] == "http://example.com/" {
		t.Errorf("an address that nobody need connect to: %v, %v", lost, pointed)
	}
	if _, pointed := x.astray(document{"system": "http://example.com/"}, ""); !pointed {
		t.Error("the address of the system is not told")
	}
}

func TestNobodyListensInSilence(t *testing.T) {
	s, err := newSilence()
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", s.address); err == nil {
		conn.Close()
		t.Errorf("somebody listens at %s", s.address)
	}
	if l, err := net.Listen("tcp", s.address); err == nil {
		l.Close()
		t.Errorf("%s can be taken", s.address)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAnEndlessInputIsKnownByItsLastWords(t *testing.T) {
	for text, want := range map[string]bool{
		"level=INFO msg=starting\nx-source: --once: has no end; use --max-records\n": true,
		"x-source: --once: has no end":                       true,
		"x-source: --once: has no end\nx-source: and more\n": false,
		"x-source: --topic: is missing\n":                    false,
		"":                                                   false,
	} {
		if got := endlessInput.MatchString(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
