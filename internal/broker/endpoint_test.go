package broker_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

func itoa(n int) string { return strconv.Itoa(n) }

// listen answers every connection with greeting until the test ends.
func listen(t *testing.T, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, greeting)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestFindTrustsOnlyTheBrokerThatWroteTheFile(t *testing.T) {
	tests := []struct {
		name, greeting string
		running        bool
	}{
		{"the broker itself", `INFO {"server_id":"ME","version":"2"}` + "\r\n", true},
		{"another NATS server on its port", `INFO {"server_id":"OTHER"}` + "\r\n", false},
		{"another protocol on its port", "220 mail.example.com ESMTP\r\n", false},
		{"a greeting without end", strings.Repeat("x", 100_000), false},
		{"silence", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env, _ := sandbox(t)
			path, err := broker.File(env)
			if err != nil {
				t.Fatal(err)
			}
			want := broker.Endpoint{URL: "nats://" + listen(t, tt.greeting), Token: "secret", ServerID: "ME", PID: 1}
			if err := broker.WriteFile(path, want); err != nil {
				t.Fatal(err)
			}
			got, err := broker.Find(testContext(t), env)
			if tt.running && (err != nil || got != want) {
				t.Errorf("Find = %+v, %v; want %+v", got, err, want)
			}
			if !tt.running && !errors.Is(err, broker.ErrNotRunning) {
				t.Errorf("Find = %+v, %v; want ErrNotRunning", got, err)
			}
		})
	}
}

func TestFindWithoutAFile(t *testing.T) {
	env, _ := sandbox(t)
	if _, err := broker.Find(testContext(t), env); !errors.Is(err, broker.ErrNotRunning) {
		t.Errorf("error %v is not ErrNotRunning", err)
	}
}

func TestFindLooksBesideTheDataToo(t *testing.T) {
	env, _ := sandbox(t)
	want := broker.Endpoint{URL: "nats://" + listen(t, `INFO {"server_id":"ME"}`+"\r\n"), ServerID: "ME", PID: 1}
	if err := broker.WriteFile(broker.StoreFile(store(t, env)), want); err != nil {
		t.Fatal(err)
	}
	if got, err := broker.Find(testContext(t), env); err != nil || got != want {
		t.Errorf("Find = %+v, %v; want %+v", got, err, want)
	}
}

func TestFindDoesNotShowADamagedFile(t *testing.T) {
	env, _ := sandbox(t)
	path, err := broker.File(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"token":"canary"`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = broker.Find(testContext(t), env)
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestWriteFileIsPrivateAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "broker.json")
	for range 2 {
		if err := broker.WriteFile(path, broker.Endpoint{URL: "nats://127.0.0.1:1", Token: "s"}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o, want 0600", info.Mode().Perm())
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files in the folder, %v", len(entries), err)
	}
}

func TestRemoveFileLeavesTheFileOfANewerBroker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.json")
	older, newer := broker.Endpoint{ServerID: "A"}, broker.Endpoint{ServerID: "B"}
	if err := broker.WriteFile(path, newer); err != nil {
		t.Fatal(err)
	}
	if err := broker.RemoveFile(path, older); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file of the newer broker is gone: %v", err)
	}
	for range 2 { // the second time there is nothing to remove
		if err := broker.RemoveFile(path, newer); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestURLWithToken(t *testing.T) {
	e := broker.Endpoint{URL: "nats://127.0.0.1:4223", Token: "a/b@c"}
	if got, want := e.URLWithToken(), "nats://a%2Fb%40c@127.0.0.1:4223"; got != want {
		t.Errorf("URLWithToken = %s, want %s", got, want)
	}
}
