package nats

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(serverEnv); config != "" {
		runServer(config)
		return
	}
	goleak.VerifyTestMain(m)
}

// A testServer is a real server in this process that can be stopped and started again on the same port and data.
type testServer struct {
	t    *testing.T
	opts server.Options
	srv  *server.Server
}

func startServer(t *testing.T, adjust ...func(*server.Options)) *testServer {
	t.Helper()
	s := &testServer{t: t, opts: server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}}
	for _, f := range adjust {
		f(&s.opts)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *testServer) start() {
	s.t.Helper()
	opts := s.opts
	srv, err := server.NewServer(&opts)
	if err != nil {
		s.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		s.t.Fatal("the server does not get ready")
	}
	s.srv = srv
	s.opts.Port = srv.Addr().(*net.TCPAddr).Port
}

func (s *testServer) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

func (s *testServer) url() string { return "nats://127.0.0.1:" + strconv.Itoa(s.opts.Port) }

// testContext ends well before the test binary's own limit, so that a hang is reported where it is.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, url string, adjust ...func(*Config)) *Conn {
	t.Helper()
	c := Config{URL: url, Topic: "demo", Name: "one", Connector: "test-source"}
	for _, f := range adjust {
		f(&c)
	}
	conn, err := Connect(testContext(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func topic(name string) func(*Config) { return func(c *Config) { c.Topic = name } }

func openWriter(t *testing.T, c *Conn) transport.Writer {
	t.Helper()
	var w transport.Writer
	await(t, "a writer", func() (ok bool) { // the server may still be removing a stream of the same name
		var err error
		if w, err = c.Writer(testContext(t)); err != nil {
			t.Log(err)
		}
		return err == nil
	})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func openReader(t *testing.T, c *Conn, o ReaderOptions) transport.Reader {
	t.Helper()
	if o.Group == "" {
		o.Group = "g"
	}
	r, err := c.Reader(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// fates gathers what became of each record.
type fates struct {
	mu  sync.Mutex
	got map[string][]error
}

func newFates() *fates { return &fates{got: map[string][]error{}} }

func (f *fates) of(id string) func(error) {
	return func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got[id] = append(f.got[id], err)
	}
}

func (f *fates) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.got)
}

// write hands records over, waits for all of them and wants each to be delivered.
func write(t *testing.T, w transport.Writer, recs ...record.Record) {
	t.Helper()
	ctx := testContext(t)
	f := newFates()
	for i, rec := range recs {
		if err := w.Write(ctx, rec, f.of(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range recs {
		if got := f.got[strconv.Itoa(i)]; len(got) != 1 || got[0] != nil {
			t.Fatalf("record %d was settled %d times: %v", i, len(got), got)
		}
	}
}

func values(vs ...string) []record.Record {
	recs := make([]record.Record, len(vs))
	for i, v := range vs {
		recs[i] = record.Record{ID: "id-" + v, Value: []byte(v)}
	}
	return recs
}

// read returns n messages.
func read(t *testing.T, r transport.Reader, n int) []transport.Message {
	t.Helper()
	ctx := testContext(t)
	var out []transport.Message
	for len(out) < n {
		ms, err := r.Read(ctx, n-len(out), 0)
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(out), n, err)
		}
		out = append(out, ms...)
	}
	return out
}

func ack(t *testing.T, ms ...transport.Message) {
	t.Helper()
	for _, m := range ms {
		if err := m.Ack(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantValues(t *testing.T, ms []transport.Message, want ...string) {
	t.Helper()
	if len(ms) != len(want) {
		t.Fatalf("%d messages, want %d", len(ms), len(want))
	}
	for i, m := range ms {
		if string(m.Record.Value) != want[i] {
			t.Errorf("message %d is %q, want %q", i, m.Record.Value, want[i])
		}
	}
}

// stored returns how many messages the stream of a topic holds.
func stored(t *testing.T, c *Conn) *jetstream.StreamInfo {
	t.Helper()
	s, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// await blocks until ok holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := testContext(t)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		}
	}
}
