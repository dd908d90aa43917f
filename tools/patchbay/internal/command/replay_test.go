package command_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/command"
)

func TestReplayWithALogin(t *testing.T) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Username: "me", Password: "canary",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not get ready")
	}
	address := s.Addr().(*net.TCPAddr).String()
	bury(t, "nats://me:canary@"+address)

	tests := []struct {
		name, args string
		status     int
		stderr     string
	}{
		{
			"another topic", "replay orders.daed --broker-user me --broker-password canary --broker nats://" + address, 1,
			"there is no topic orders.daed",
		},
		{
			"a wrong password", "replay orders.dead --broker-user me --broker-password wrong --broker nats://" + address, 1,
			"Authorization Violation",
		},
		{
			"a password that shows", "replay orders.dead --dry-run --broker-user me --broker-password canary --broker nats://" + address, 0,
			"--broker-password on the command line shows in the process list; set PATCHBAY_BROKER_PASSWORD\n",
		},
		{
			"a login in the address", "replay orders.dead --reason nothing --broker=nats://me:canary@" + address, 0,
			"the login in --broker on the command line shows in the process list; set PATCHBAY_BROKER\n" +
				"patchbay: dead letters of orders.dead replayed: 0; with another reason, and left: 1\n",
		},
		{
			"all of it", "replay orders.dead --broker=nats://me:canary@" + address, 0,
			"patchbay: dead letters of orders.dead replayed: 1\n",
		},
		{
			"nothing more", "replay orders.dead --broker=nats://me:canary@" + address, 0,
			"patchbay: dead letters of orders.dead replayed: 0\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := command.Run(t.Context(), command.Surroundings{
				Args: strings.Fields(tt.args), Stdout: &stdout, Stderr: &stderr,
			})
			if status != tt.status || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("status %d, stderr %q", status, stderr.String())
			}
			if strings.Contains(stdout.String()+stderr.String(), "canary") {
				t.Errorf("a secret shows: %q, %q", stdout.String(), stderr.String())
			}
		})
	}
}

// bury stores a dead letter in orders.dead.
func bury(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := nats.Connect(ctx, nats.Config{URL: url, Topic: "orders.dead", Name: "one", Connector: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w, err := conn.Writer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	dead := record.Record{ID: "a.dead.one", Value: []byte("1"), Headers: map[string]string{"Patchbay-Dead-Topic": "orders"}}
	if err := w.Write(ctx, dead, func(err error) {
		if err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}
