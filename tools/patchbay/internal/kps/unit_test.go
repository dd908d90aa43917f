package kps

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	s := &side{
		env:   []string{"MY_PATH=/x", "MY_SIZE=1", "OTHER=2"},
		fixed: map[string]any{"path": "fixed", "level": "warn"},
		options: map[string]option{
			"path": {class: class("path", "", false), env: "MY_PATH"}, "size": {class: class("size", "config", false), env: "MY_SIZE"},
			"level": {class: class("level", "", true), env: "LEVEL"}, "map": {class: class("map", "", true), env: "MAP"},
		},
	}
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
