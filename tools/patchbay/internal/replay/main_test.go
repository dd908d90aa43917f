package replay_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/replay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startBroker starts a real server in this process and returns its address.
func startBroker(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 4096,
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
	return "nats://127.0.0.1:" + strconv.Itoa(s.Addr().(*net.TCPAddr).Port)
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, url, topic string) *nats.Conn {
	t.Helper()
	c, err := nats.Connect(limited(t), nats.Config{URL: url, Topic: topic, Name: "one", Connector: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// write stores records in a topic.
func write(t *testing.T, url, topic string, recs ...record.Record) {
	t.Helper()
	w, err := connect(t, url, topic).Writer(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, rec := range recs {
		err := w.Write(limited(t), rec, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(limited(t)); err != nil {
		t.Fatal(err)
	}
}

// content reads all records of a topic as a group of its own, and acknowledges none.
func content(t *testing.T, url, topic string) []record.Record {
	t.Helper()
	r, err := connect(t, url, topic).Reader(limited(t), nats.ReaderOptions{Group: fmt.Sprint("content-", groups.Add(1)), Once: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []record.Record
	for {
		ms, err := r.Read(limited(t), 100, 0)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			out = append(out, m.Record)
		}
	}
}

var groups atomic.Int32

// pass replays the letters of demo.dead as the same group each time.
func pass(t *testing.T, url string, change func(*replay.Config)) (replay.Summary, error) {
	t.Helper()
	letters, err := connect(t, url, "demo.dead").Reader(limited(t), nats.ReaderOptions{Group: "replay", Once: true})
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	c := replay.Config{Letters: letters, Patience: 20 * time.Second}
	c.Open = func(ctx context.Context, topic string) (transport.Writer, error) {
		return connect(t, url, topic).Writer(ctx)
	}
	if change != nil {
		change(&c)
	}
	return replay.Run(limited(t), c)
}

// letter is what a sink called one leaves of a record.
func letter(id, value, reason string) record.Record {
	return record.Record{
		ID: id + ".dead.one", Value: []byte(value),
		Headers: map[string]string{
			"Patchbay-Dead-Id": id, "Patchbay-Dead-Reason": reason, "Patchbay-Dead-Step": "write", "Patchbay-Dead-Topic": "demo",
			"Patchbay-Dead-Connector": "http-sink", "Patchbay-Dead-Time": "2026-01-02T03:04:05Z",
		},
	}
}

// letters returns those of the records 1 to n, which died for being odd or even.
func letters(n int) []record.Record {
	out := make([]record.Record, n)
	for i := range out {
		out[i] = letter(fmt.Sprint("id-", i+1), strconv.Itoa(i+1), []string{"odd", "even"}[i%2])
	}
	return out
}

// wantValues wants these records in any order: what a pass has left may come a little out of order to the next.
func wantValues(t *testing.T, recs []record.Record, want ...string) {
	t.Helper()
	got := make([]string, len(recs))
	for i, rec := range recs {
		got[i] = string(rec.Value)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the topic holds %q, want %q", got, want)
	}
}
