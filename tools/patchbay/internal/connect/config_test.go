package connect

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestBothShapesAreTheSame(t *testing.T) {
	bare := "source: {type: http, config: {endpoint: 'http://x', retries: 3, big: 12345678901234567890}}\nproducer: {threads: 2, core: {subject: a.b}}\n"
	wrapped := "description: d\nruntime_id: r\nsteps:\n  " + strings.ReplaceAll(strings.TrimSpace(bare), "\n", "\n  ") + "\n"
	one, err := parse(b64(bare))
	if err != nil {
		t.Fatal(err)
	}
	other, err := parse(b64(wrapped))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, other) {
		t.Errorf("%+v is not %+v", one, other)
	}
	if one.Source.Type != "http" || one.Producer.Core.Subject != "a.b" {
		t.Errorf("read %+v", one)
	}
}

func TestWhatIsWrongWithTheStepsIsSaid(t *testing.T) {
	const in, out = "source: {type: a}\n", "sink: {type: a}\n"
	tests := []struct{ name, steps, want string }{
		{"nothing", "", "empty"},
		{"no mapping", "- a", "not a YAML mapping"},
		{"broken YAML", "source:\n  type: 'canary\n", "not a YAML mapping"},
		{"steps of another kind", "steps: canary", "steps: not a mapping"},
		{"an unknown key", "sorce: {type: a}", "sorce: unknown key"},
		{"a value of another kind", "source: {type: [canary]}", "source.type: a array cannot stand here"},
		{"no step", "transformer: {}", "there are no steps"},
		{"both ways", in + out, "mix an inlet"},
		{"a source alone", in, "producer: missing"},
		{"a sink alone", out, "consumer: missing"},
		{"no place", in + "producer: {}", "producer: says no place"},
		{"two places", in + "producer: {core: {subject: a}, stream: {subject: a}}", "both core and stream"},
		{"a wildcard to write to", in + "producer: {core: {subject: a.*}}", "producer.core.subject"},
		{"an expression", in + "producer: {core: {subject: 'a.${! json() }'}}", "expressions such as"},
		{"a wildcard in the middle", out + "consumer: {core: {subject: 'a.>.b'}}", "consumer.core.subject"},
		{"a queue of a producer", in + "producer: {core: {subject: a, queue: q}}", "only a consumer"},
		{"a queue of a stream", out + "consumer: {stream: {subject: a, queue: q}}", "only core has one"},
		{"a bucket's name", out + "consumer: {kv: {bucket: a.b}}", "kv.bucket"},
		{"a key's pattern to write to", in + "producer: {kv: {bucket: b, key: 'a.*'}}", "producer.kv.key"},
		{"a subject for a bucket", in + "producer: {kv: {bucket: b, subject: a}}", "kv.subject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(b64(tt.steps))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("parse returned %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("%v shows a value", err)
			}
		})
	}
	if _, err := parse("{not base64}"); err == nil || !strings.Contains(err.Error(), "not base64") {
		t.Errorf("parse returned %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"NEX_WORKLOAD_NATS_SERVERS": "nats://platform", "NEX_WORKLOAD_NATS_B64_JWT": b64("thejwt"), "NEX_WORKLOAD_NATS_NKEY": "theseed",
		"NEX_WORKLOAD_GROUP": "orders", "NEX_WORKLOAD_NAMESPACE": "shop", "NEX_WORKLOAD_ID": "1", "CONNECT_LOG_LEVEL": "WARN",
	}
	s, err := environ(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := surroundings{
		Servers: "nats://platform", JWT: "thejwt", Seed: "theseed", Connector: "shop-orders", Instance: "1", LogLevel: "warn",
	}
	if s != want {
		t.Errorf("environ returned %+v", s)
	}
	if s, err := environ(func(string) string { return "" }); err != nil || s.LogLevel != "debug" {
		t.Errorf("environ of nothing returned %+v, %v", s, err)
	}
	for name, bad := range map[string]string{"CONNECT_LOG_LEVEL": "loud", "NEX_WORKLOAD_NATS_B64_JWT": "?"} {
		_, err := environ(func(asked string) string {
			if asked == name {
				return bad
			}
			return ""
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("environ with %s=%s returned %v", name, bad, err)
		}
	}
}

func TestWhichServersAndLogin(t *testing.T) {
	platform := surroundings{Servers: "nats://platform", JWT: "j", Seed: "s"}
	tests := []struct {
		name string
		env  surroundings
		step *natsConfig
		want natsConfig
		err  string
	}{
		{"the platform's", platform, nil, natsConfig{URL: "nats://platform", JWT: "j", Seed: "s"}, ""},
		{"another server gets no login of the platform", platform, &natsConfig{URL: "nats://o"}, natsConfig{URL: "nats://o"}, ""},
		{
			"another login", platform, &natsConfig{AuthEnabled: true, JWT: "k", Seed: "t"},
			natsConfig{URL: "nats://platform", AuthEnabled: true, JWT: "k", Seed: "t"},
			"",
		},
		{"a login that is switched off", surroundings{}, &natsConfig{URL: "nats://o", JWT: "k", Seed: "t"}, natsConfig{URL: "nats://o"}, ""},
		{"no server", surroundings{}, nil, natsConfig{}, "NEX_WORKLOAD_NATS_SERVERS is not set"},
		{"no seed", platform, &natsConfig{URL: "nats://o", AuthEnabled: true, JWT: "k"}, natsConfig{}, "needs a seed"},
		{"a JWT alone", surroundings{Servers: "nats://o", JWT: "j"}, nil, natsConfig{}, "no use without its seed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.env.login(tt.step)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("login returned %v", err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("login returned %+v, %v", got, err)
			}
		})
	}
}

func TestNamesAreMadeLegal(t *testing.T) {
	for _, pair := range [][2]string{{"a-b_C9", "a-b_C9"}, {"a.b", "a-b-"}, {strings.Repeat("x", 100), strings.Repeat("x", 64) + "-"}} {
		if got := legal(pair[0]); !strings.HasPrefix(got, pair[1]) || len(got) > 73 {
			t.Errorf("legal(%q) = %q", pair[0], got)
		}
	}
	if legal("a.b") == legal("a-b") {
		t.Error("two names became one")
	}
}
