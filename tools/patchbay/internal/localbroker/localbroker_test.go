package localbroker_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/localbroker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sandbox returns a configuration in which nothing of the real user's is seen.
func sandbox(t *testing.T) (localbroker.Config, map[string]string) {
	t.Helper()
	vars := map[string]string{"XDG_RUNTIME_DIR": t.TempDir(), "XDG_DATA_HOME": t.TempDir()}
	return localbroker.Config{
		Env:    broker.Env{Getenv: func(k string) string { return vars[k] }, UID: os.Getuid(), TempDir: t.TempDir()},
		Logger: slog.New(slog.DiscardHandler),
	}, vars
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A run is a broker that runs in this process.
type run struct {
	endpoint broker.Endpoint
	stop     context.CancelFunc
	ended    chan error
}

// start runs a broker and returns when it can be found.
func start(t *testing.T, c localbroker.Config) *run {
	t.Helper()
	ctx, stop := context.WithCancel(testContext(t))
	r := &run{stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- localbroker.Run(ctx, c) }()
	for {
		e, err := broker.Find(ctx, c.Env)
		if err == nil {
			r.endpoint = e
			return r
		}
		select {
		case err := <-r.ended:
			t.Fatalf("the broker ended: %v", err)
		case <-ctx.Done():
			t.Fatalf("the broker is not found: %v", err)
		default:
		}
	}
}

// wait returns what Run returned.
func (r *run) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-testContext(t).Done():
		t.Fatal("the broker does not end")
		return nil
	}
}

func (r *run) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, url string) *natsgo.Conn {
	t.Helper()
	nc, err := natsgo.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func TestBrokerKeepsItsTokenAndItsRecordsOverRestarts(t *testing.T) {
	c, _ := sandbox(t)
	first := start(t, c)
	nc := dial(t, first.endpoint.URLWithToken())
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(testContext(t), jetstream.StreamConfig{Name: "s", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(testContext(t), "s", []byte("x")); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	first.end(t)

	second := start(t, c)
	defer second.end(t)
	if first.endpoint.Token != second.endpoint.Token || first.endpoint.ServerID == second.endpoint.ServerID {
		t.Errorf("endpoints %+v and %+v", first.endpoint, second.endpoint)
	}
	nc = dial(t, second.endpoint.URLWithToken())
	defer nc.Close()
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(testContext(t), "s")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("the stream holds %d messages, want 1", n)
	}
}

func TestBrokerIsOnLoopbackAndWantsItsToken(t *testing.T) {
	c, _ := sandbox(t)
	r := start(t, c)
	defer r.end(t)
	if !strings.HasPrefix(r.endpoint.URL, "nats://127.0.0.1:") {
		t.Errorf("address %s", r.endpoint.URL)
	}
	if _, err := natsgo.Connect(r.endpoint.URL, natsgo.Token("guess")); !errors.Is(err, natsgo.ErrAuthorization) {
		t.Errorf("connecting without the token: %v", err)
	}
}

func TestBrokerFilesArePrivateAndGoWithIt(t *testing.T) {
	c, _ := sandbox(t)
	r := start(t, c)
	file, err := broker.File(c.Env)
	if err != nil {
		t.Fatal(err)
	}
	announcements := []string{file, broker.StoreFile(r.endpoint.Store)}
	for _, path := range append([]string{filepath.Join(r.endpoint.Store, "token")}, announcements...) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
	}
	r.end(t)
	for _, path := range announcements {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

func TestSecondBrokerSaysThatOneRuns(t *testing.T) {
	c, vars := sandbox(t)
	r := start(t, c)
	defer r.end(t)
	vars["XDG_RUNTIME_DIR"] = t.TempDir() // as in another session of the same user
	err := localbroker.Run(testContext(t), c)
	var running *localbroker.RunningError
	if !errors.As(err, &running) || running.Endpoint != r.endpoint || strings.Contains(err.Error(), r.endpoint.Token) {
		t.Errorf("error %v", err)
	}
	if e, err := broker.Find(testContext(t), c.Env); err != nil || e != r.endpoint {
		t.Errorf("Find = %+v, %v in the other session", e, err)
	}
}

func TestBrokerEndsWhenNobodyNeedsIt(t *testing.T) {
	c, _ := sandbox(t)
	c.IdleTimeout = 300 * time.Millisecond
	r := start(t, c)
	nc := dial(t, r.endpoint.URLWithToken())
	timeout := time.NewTimer(3 * c.IdleTimeout)
	defer timeout.Stop()
	select {
	case err := <-r.ended:
		t.Fatalf("the broker ended while it had a client: %v", err)
	case <-timeout.C:
	}
	nc.Close()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

func TestBrokerSaysWhatKeepsItFromStarting(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(store string) error
		want    string
	}{
		{"a damaged token", func(store string) error {
			return os.WriteFile(filepath.Join(store, "token"), nil, 0o600)
		}, "token is damaged"},
		{"a store that is no folder", func(store string) error {
			return os.WriteFile(filepath.Join(store, "jetstream"), nil, 0o600)
		}, "does not get ready"},
		{"data held by something else", func(store string) error {
			_, err := broker.TryLock(filepath.Join(store, "lock"))
			return err
		}, "does not answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, vars := sandbox(t)
			store := filepath.Join(vars["XDG_DATA_HOME"], "patchbay", "broker")
			if err := os.MkdirAll(store, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := tt.prepare(store); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if err := localbroker.Run(ctx, c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

// A connector that still runs may have started a broker again by the time somebody looks whether the old one has gone.
func TestTheEndOfABrokerIsSeenAlthoughThereIsANewOne(t *testing.T) {
	c, _ := sandbox(t)
	old := start(t, c)
	old.end(t)
	next := start(t, c)
	defer next.end(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := localbroker.AwaitEnd(ctx, old.endpoint); err != nil {
		t.Errorf("the old broker has ended: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := localbroker.AwaitEnd(short, next.endpoint); err == nil {
		t.Error("the new broker still runs")
	}
}
