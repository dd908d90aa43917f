package kps

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

func TestWrongUsage(t *testing.T) {
	p := newPlatform(t, nil, sourceName) // for its folder
	tests := []struct {
		name   string
		adjust func(*Options)
		want   string
	}{
		{"no connector", func(o *Options) { o.Words = []string{"--x"} }, "name one or two connectors"},
		{"three connectors", func(o *Options) { o.Words = []string{"a", "b", "c"} }, "name one or two connectors"},
		{"no such connector", func(o *Options) { o.Words = []string{"numbers-sauce"} }, "did you mean numbers-source"},
		{"two sources", func(o *Options) { o.Words = []string{sourceName, sourceName} }, "both a source"},
		{"a program that says nothing", func(o *Options) { o.Words = []string{"/bin/false"} }, "its command metadata"},
		{"a flag that nobody has", func(o *Options) { o.Words = []string{sourceName, "--canary", "1"} }, "no connector here has a flag --canary"},
		{"a flag without its value", func(o *Options) { o.Words = []string{sourceName, "--count"} }, "--count needs a value"},
		{"TLS", func(o *Options) { o.Broker = "tls://a:4222" }, "nats:// in place of tls://"},
		{"another scheme", func(o *Options) { o.Broker = "http://me:canary@a" }, "nats://HOST:PORT"},
		{"a gateway that is none", func(o *Options) { o.PushGateway = "ftp://canary" }, "PUSH_GW"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{
				Words: []string{sourceName}, Dirs: []string{p.dir}, ConnectorID: connectorID, Broker: p.url(), Listen: "127.0.0.1:0",
				Stderr: io.Discard,
			}
			tt.adjust(&o)
			err := Run(t.Context(), o)
			var usage *UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), ":canary") {
				t.Errorf("Run returned %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCoreURL(t *testing.T) {
	tests := []struct{ list, want string }{
		{"nats://a:4222", "nats+core://a:4222"},
		{"a:4222, nats://me:pw@b:4222", "nats+core://a:4222,nats+core://me:pw@b:4222"},
	}
	for _, tt := range tests {
		if got, err := coreURL(tt.list); got != tt.want || err != nil {
			t.Errorf("coreURL(%q) = %q, %v", tt.list, got, err)
		}
	}
}

func TestInstanceNamesAreLegalAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{
		"orders", "Orders", "ORDERS", "a/b", "a-b", "a.b", "../x", "", "-", strings.Repeat("x", 200), strings.Repeat("x", 201), "ü",
	} {
		name := instanceName(id)
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || len(name) > 120 || name != strings.ToLower(name) {
			t.Errorf("%q has the name %q", id, name)
		}
		if other, taken := seen[name]; taken {
			t.Errorf("%q and %q have the name %q", id, other, name)
		}
		seen[name] = id
	}
	if name := instanceName("orders"); name != "kps-orders" {
		t.Errorf("a plain id has the name %q", name)
	}
}

func TestOptionsByClass(t *testing.T) {
	s := newTestSide(t, []string{"MY_PATH=/x", "MY_SIZE=1", "OTHER=2"})
	s.fixed = map[string]any{"path": "fixed", "level": "warn"}
	options, err := s.resolve(plain(map[string]any{"path": "own", "map": ".", "unknown_one": 1.0, "gone": nil}), map[string]any{"size": 2.0, "alien": 1.0})
	want := map[string]any{"path": "own", "level": "warn", "map": ".", "unknown-one": 1.0, "size": 2.0}
	if diff := cmp.Diff(want, options); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"OTHER=2"}, s.environment(options)); diff != "" {
		t.Error(diff)
	}
	_, err = s.resolve(map[string]any{"level": "x", "size": 1.0}, nil)
	var refused *connector.Refused
	if !errors.As(err, &refused) || len(refused.Problems) != 2 {
		t.Errorf("resolve returned %v", err)
	}
}

// newTestSide is a connector with an option of each class.
func newTestSide(t *testing.T, env []string) *side {
	t.Helper()
	s, err := newSide(&connector.Program{Direction: metadata.Source, Options: connector.ReadOptions(json.RawMessage(`{"properties": {
		"path": {"type": "string", "x-env": "MY_PATH", "x-aliases": ["old-file"]}, "size": {"type": "integer", "x-change": "config", "x-env": "MY_SIZE"},
		"token": {"type": "string", "writeOnly": true, "x-env": "MY_TOKEN", "x-aliases": ["api-key"]},
		"level": {"type": "string", "x-shared": true, "x-env": "LEVEL", "x-aliases": ["severity"]}, "map": {"type": "array", "x-shared": true, "x-env": "MAP"}}}`))}, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnOptionIsTheSameByItsFormerName(t *testing.T) {
	s := newTestSide(t, []string{"MY_PATH=/x", "MY_OLD_FILE=/y", "OTHER=2"})
	s.fixed = map[string]any{"path": "fixed"}
	options, err := s.resolve(plain(map[string]any{"old_file": "own"}), nil)
	if diff := cmp.Diff(map[string]any{"path": "own"}, options); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"OTHER=2"}, s.environment(options)); diff != "" {
		t.Error(diff)
	}
	if _, err := s.resolve(map[string]any{"severity": "x"}, nil); err == nil || !strings.Contains(err.Error(), "LEVEL") {
		t.Errorf("a static option of a stream: %v", err)
	}
	options, err = s.resolve(map[string]any{"old-file": "a", "path": "b"}, nil)
	if diff := cmp.Diff(map[string]any{"old-file": "a", "path": "b"}, options); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if !s.program.Options["api-key"].Secret {
		t.Error("a secret is shown by its former name")
	}
}

func TestLinesOfConnectors(t *testing.T) {
	tests := []struct {
		json       bool
		line, want string
	}{
		{false, "level=INFO", "a: level=INFO"},
		{false, "bell \a", `a: bell \a`},
		{true, `{"level":"WARN"}`, `{"stream":"a","level":"WARN"}`},
		{true, `{}`, `{"stream":"a"}`},
		{true, `panic: "x"`, `{"stream":"a","level":"INFO","msg":"panic: \"x\""}`},
	}
	for _, tt := range tests {
		var out strings.Builder
		(&logs{Lines: connector.Lines{W: &out}, json: tt.json}).of("a")(tt.line)
		if got := strings.TrimSuffix(out.String(), "\n"); got != tt.want {
			t.Errorf("%s becomes %s, want %s", tt.line, got, tt.want)
		}
	}
}
