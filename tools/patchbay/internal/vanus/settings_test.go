package vanus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// readText reads settings from a file that holds text, and an environment.
func readText(t *testing.T, direction metadata.Direction, text string, vars map[string]string) (*settings, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readSettings(func(name string) string {
		if name == envConfig {
			return path
		}
		return vars[name]
	}, direction, "some-connector")
}

func TestSettingsOfAFileAndTheEnvironment(t *testing.T) {
	tests := []struct {
		name, text string
		vars       map[string]string
		direction  metadata.Direction
		want       settings
	}{
		{
			"a source with everything", `
target: http://h/in
send_event_attempts: 0
batch_size: 10
name: orders
log_config: {level: WARN}
store_config: {type: etcd, endpoints: ["h:2379"], key_prefix: /p}
log-format: json
poll_every: 3s
port: 99
secret: {api_token: "${env:T}"}
`,
			map[string]string{envTarget: "http://other/", envLogLevel: "debug"},
			metadata.Source,
			settings{
				name: "orders", target: "http://h/in", logLevel: "warn",
				store:   storeSettings{kind: "etcd", endpoints: []string{"h:2379"}, prefix: "/p"},
				options: map[string]any{"log-format": "json", "poll-every": "3s", "port": json.Number("99"), "api-token": "${env:T}"},
				notes:   []string{"batch_size has no effect: a request over HTTP holds one event"},
			},
		},
		{
			"a source of the environment alone", "",
			map[string]string{envTarget: "http://h/", envLogLevel: "fatal", envLogFormat: "json"},
			metadata.Source,
			settings{name: "some-connector", target: "http://h/", attempts: 3, logLevel: "error", logFormat: "json"},
		},
		{
			"JSON", `{"target":"http://h/","store_config":{"type":"file","store_file":"f.json"}}`,
			map[string]string{envConfigType: "json"},
			metadata.Source,
			settings{name: "some-connector", target: "http://h/", attempts: 3, store: storeSettings{kind: "file", file: "f.json"}},
		},
		{
			"a sink", "target: a table\nport: 81\nlog_config: {log_level: info}",
			map[string]string{envPort: "82"},
			metadata.Sink,
			settings{name: "some-connector", port: 81, logLevel: "info", options: map[string]any{"target": "a table"}},
		},
		{"a sink of the environment", "a: null", map[string]string{envPort: "82"}, metadata.Sink, settings{name: "some-connector", port: 82}},
		{"a sink of nothing", "", nil, metadata.Sink, settings{name: "some-connector", port: 8080}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readText(t, tt.direction, tt.text, tt.vars)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.store.kind == "" {
				tt.want.store.kind = "memory"
			}
			if tt.want.options == nil {
				tt.want.options = map[string]any{}
			}
			if d := cmp.Diff(tt.want, *got, cmp.AllowUnexported(settings{}, storeSettings{})); d != "" {
				t.Errorf("settings differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestProblemsOfAFileAreToldAllAtOnce(t *testing.T) {
	tests := []struct {
		name, text string
		vars       map[string]string
		direction  metadata.Direction
		want       []string
	}{
		{"no target", "", nil, metadata.Source, []string{"target: there is none"}},
		{"a target that is none", "target: h:80", nil, metadata.Source, []string{":1: target:"}},
		{"an eventbus", "vanus: {endpoint: h, eventbus: b}\ntarget: http://h/", nil, metadata.Source, []string{":1: vanus: an eventbus is not reached by gRPC"}},
		{"attempts below nothing", "target: http://h/\nsend_event_attempts: -1", nil, metadata.Source, []string{":2: send_event_attempts: it is no whole number"}},
		{
			"a secret in both places", "target: http://h/\napi_token: a\nsecret: {api-token: b}", nil, metadata.Source,
			[]string{":3: secret.api-token: api_token says the same option"},
		},
		{"what the adapter decides", "topic: a\nacks: true", nil, metadata.Sink, []string{":1: topic: it is not for this file", ":2: acks:"}},
		{"a secret that is no mapping", "secret: hush", nil, metadata.Sink, []string{":1: secret: it is not a mapping"}},
		{"gRPC", "grpc_port: 9000", nil, metadata.Sink, []string{":1: grpc_port: events are received over HTTP only"}},
		{"a port that is none", "", map[string]string{envPort: "http"}, metadata.Sink, []string{`CONNECTOR_PORT: "http" is no port`}},
		{"a level that is none", "log_config: {level: loud}", nil, metadata.Sink, []string{`log_config.level: "loud" is no level`}},
		{"a format that is none", "", map[string]string{envLogFormat: "xml"}, metadata.Sink, []string{`LOG_FORMAT: "xml" is neither`}},
		{
			"a misspelt key of a mapping", "store_config: {typ: file}\nlog_config: 3", nil, metadata.Sink,
			[]string{":2: log_config: it is not a mapping", ":1: store_config.typ: unknown key; did you mean type?"},
		},
		{"a file store without a file", "store_config: {type: file}", nil, metadata.Sink, []string{"needs store_file"}},
		{"etcd without endpoints", "store_config: {type: etcd}", nil, metadata.Sink, []string{"needs endpoints"}},
		{"a store that is none", "store_config: {type: redis}", nil, metadata.Sink, []string{`"redis" is none of`}},
		{"no YAML", "a: [hush", nil, metadata.Sink, []string{":1"}},
		{"no JSON", "a: b", map[string]string{envConfigType: "json"}, metadata.Sink, []string{"it is no JSON"}},
		{"another type", "a: b", map[string]string{envConfigType: "toml"}, metadata.Sink, []string{`"toml" is neither yaml nor json`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readText(t, tt.direction, tt.text, tt.vars)
			if err == nil {
				t.Fatal("there is no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("got %q", lines)
			}
			for i, part := range tt.want {
				if !strings.Contains(lines[i], part) {
					t.Errorf("got %q, want %q", lines[i], part)
				}
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("%q holds a value", err)
			}
		})
	}
	if _, err := readSettings(func(string) string { return "/nowhere" }, metadata.Sink, "x"); err == nil || !strings.Contains(err.Error(), "CONNECTOR_CONFIG names another file") {
		t.Errorf("a file that is not there gave %v", err)
	}
}
