package common

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectionOptions(t *testing.T) {
	tests := []struct {
		name string
		args string
		env  map[string]string
		want string // in the refusal; empty for none
	}{
		{"a credentials file", "--broker nats://a --broker-credentials-file user.creds", nil, ""},
		{
			"a login and mutual TLS", "--broker tls://a --broker-ca-file ca --broker-cert-file c --broker-key-file k",
			map[string]string{"PATCHBAY_BROKER_USER": "me", "PATCHBAY_BROKER_PASSWORD": "canary"},
			"",
		},
		{"a topic that is made to be safe", "--broker nats://a --topic-replicas 3 --topic-max-age 1h --topic-max-bytes 1GiB --topic-retention workqueue", nil, ""},
		{"limits on the local broker", "--topic-max-age 1h", nil, ""},
		{"a token for the local broker", "", map[string]string{"PATCHBAY_BROKER_TOKEN": "canary"}, "the local broker has a secret of its own"},
		{"an authority for the local broker", "--broker-ca-file ca", nil, "the local broker has a secret of its own"},
		{"two logins", "--broker nats://a --broker-nkey-file user.nk", map[string]string{"PATCHBAY_BROKER_TOKEN": "canary"}, "exclude each other"},
		{"a login beside one in the address", "--broker nats://me:canary@a --broker-nkey-file user.nk", nil, "choose one"},
		{"a user without a password", "--broker nats://a --broker-user me", nil, "needs --broker-password too"},
		{"a certificate without its key", "--broker nats://a --broker-cert-file c", nil, "needs --broker-key-file too"},
		{"replicas on the local broker", "--topic-replicas 3", nil, "name a cluster with --broker"},
		{"a retention of plain subjects", "--broker nats+core://a --topic-retention interest", nil, "plain subjects keep nothing"},
		{"an age that no server takes", "--topic-max-age 1ms", nil, "--topic-max-age: records are kept for 100ms at the least"},
		{"an unknown retention", "--topic-retention forever", nil, "limits"},
	}
	for _, tt := range tests {
		for direction, p := range map[string]*program{"source": counter(), "sink": gatherer()} {
			t.Run(tt.name+" of a "+direction, func(t *testing.T) {
				args := append([]string{"validate", "--topic", "demo"}, strings.Fields(tt.args)...)
				got := invoke(t.Context(), p, setting{args: args, env: tt.env})
				if tt.want == "" && got.status != statusOK ||
					tt.want != "" && (got.status != statusUsage || !strings.Contains(got.stderr, tt.want)) {
					t.Errorf("status %d, stderr %q", got.status, got.stderr)
				}
				if strings.Contains(got.stderr+got.stdout, "canary") {
					t.Errorf("a secret shows: %q", got.stderr)
				}
			})
		}
	}
}

func TestCheckUsesTheCredentials(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "user.creds")
	args := []string{"check", "--topic", "demo", "--broker", "nats://127.0.0.1:1", "--broker-credentials-file"}
	got := invoke(t.Context(), counter(), setting{args: append(args, absent)})
	if got.status != statusFailed || !strings.Contains(got.stdout, absent) {
		t.Errorf("status %d, stdout %q", got.status, got.stdout)
	}
	if err := os.WriteFile(absent, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	got = invoke(t.Context(), counter(), setting{args: append(args, absent)})
	if got.status != statusFailed || !strings.Contains(got.stdout, "no nkey seed found") || strings.Contains(got.stdout, "canary") {
		t.Errorf("status %d, stdout %q", got.status, got.stdout)
	}
}
