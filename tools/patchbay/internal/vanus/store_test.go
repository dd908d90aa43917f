package vanus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

func TestStoresKeepPositions(t *testing.T) {
	kinds := map[string]func(t *testing.T) storeSettings{
		"memory": func(*testing.T) storeSettings { return storeSettings{kind: "memory"} },
		"file": func(t *testing.T) storeSettings {
			return storeSettings{kind: "file", file: filepath.Join(t.TempDir(), "store.json")}
		},
		"etcd": func(t *testing.T) storeSettings {
			dead := "127.0.0.1:" + freePort(t) // one that does not answer is passed over
			return storeSettings{kind: "etcd", endpoints: []string{dead, startEtcd(t)}, prefix: "/vanus/"}
		},
	}
	for kind, settings := range kinds {
		t.Run(kind, func(t *testing.T) {
			s := settings(t)
			values := s.open()
			one, other := &positions{values, "one"}, &positions{values, "other"}
			if got, err := one.Load(t.Context()); err != nil || got != nil {
				t.Fatalf("before the first save Load returned %v, %v", got, err)
			}
			for _, position := range []string{"1", "\xff2"} {
				want := &state.State{Connector: "c", Positions: map[string]string{"": position}}
				if err := one.Save(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				got, err := one.Load(t.Context())
				if d := cmp.Diff(want, got); err != nil || d != "" {
					t.Errorf("%v, the state differs (-want +got):\n%s", err, d)
				}
			}
			if got, err := other.Load(t.Context()); err != nil || got != nil {
				t.Errorf("another key holds %v, %v", got, err)
			}
			if kind == "memory" {
				return
			}
			if got, err := (&positions{s.open(), "one"}).Load(t.Context()); err != nil || got == nil {
				t.Errorf("a second process finds %v, %v", got, err)
			}
			if err := values.put(t.Context(), "one", []byte("{")); err != nil {
				t.Fatal(err)
			}
			if _, err := one.Load(t.Context()); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("damage gave %v", err)
			}
		})
	}
}

func TestAFileStoreIsAnObjectOfBytesAndMayBeShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.json")
	if err := os.WriteFile(path, []byte(`{"old":"aGVsbG8="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for n := range 20 {
		writers.Go(func() {
			if err := (&fileStore{path}).put(context.Background(), fmt.Sprint(n), []byte("v")); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	data, err := os.ReadFile(path)
	var values map[string]string
	if err != nil || json.Unmarshal(data, &values) != nil || len(values) != 21 || values["old"] != "aGVsbG8=" || values["7"] != "dg==" {
		t.Errorf("the file holds %s, %v", data, err)
	}
	if err := os.WriteFile(path, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&fileStore{path}).get(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hush") {
		t.Errorf("a file that is no store gave %v", err)
	}
}

func TestAnEtcdThatDoesNotAnswerIsNamed(t *testing.T) {
	address := "127.0.0.1:" + freePort(t)
	err := newEtcdStore([]string{"http://me:hush@" + address}, "").put(t.Context(), "a", nil)
	if err == nil || !strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "hush") {
		t.Errorf("put returned %v", err)
	}
}

// freePort returns a port that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// startEtcd starts the real server and returns its address.
func startEtcd(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("etcd")
	if err != nil {
		t.Skip("etcd is not installed: apt-get install etcd-server")
	}
	client, peer := "http://127.0.0.1:"+freePort(t), "http://127.0.0.1:"+freePort(t)
	cmd := exec.Command(path, "--data-dir", t.TempDir(), "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer, "--log-level", "error")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	hosttest.Await(t, "etcd", func() bool {
		_, err := newEtcdStore([]string{client}, "").get(t.Context(), "x")
		return err == nil
	})
	return strings.TrimPrefix(client, "http://")
}
