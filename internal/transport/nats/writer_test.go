package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestWriterDropsDuplicatesByID(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("a", "b", "a", "b", "c")...)
	if n := stored(t, c).State.Msgs; n != 3 {
		t.Errorf("the stream holds %d messages, want 3", n)
	}
}

func TestWriterKeepsTheOrder(t *testing.T) {
	c := connect(t, startServer(t).url())
	const n = 5000
	want := make([]string, n)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	write(t, openWriter(t, c), values(want...)...)
	wantValues(t, read(t, openReader(t, c, ReaderOptions{MaxInFlight: n}), n), want...)
}

func TestStreamIsMadeToKeepEverything(t *testing.T) {
	c := connect(t, startServer(t).url(), topic("orders.eu"))
	openWriter(t, c)
	cfg := stored(t, c).Config
	if cfg.Name != "orders_eu" || cfg.Storage != jetstream.FileStorage || cfg.Retention != jetstream.LimitsPolicy ||
		cfg.MaxMsgs != -1 || cfg.MaxBytes != -1 || cfg.MaxAge != 0 || cfg.Discard != jetstream.DiscardNew ||
		cfg.Duplicates != 2*time.Minute {
		t.Errorf("stream is made as %+v", cfg)
	}
}

func TestStreamThatCoversTheTopicIsAdopted(t *testing.T) {
	c := connect(t, startServer(t).url(), topic("orders.eu"))
	if _, err := c.js.CreateStream(testContext(t), jetstream.StreamConfig{Name: "MINE", Subjects: []string{"orders.>"}}); err != nil {
		t.Fatal(err)
	}
	write(t, openWriter(t, c), values("a")...)
	if info := stored(t, c); info.Config.Name != "MINE" || info.State.Msgs != 1 {
		t.Errorf("stream %s holds %d messages", info.Config.Name, info.State.Msgs)
	}
}

func TestTopicsWithLikeNamesHaveStreamsOfTheirOwn(t *testing.T) {
	s := startServer(t)
	for _, name := range []string{"a.b", "a_b"} {
		c := connect(t, s.url(), topic(name))
		write(t, openWriter(t, c), values(name)...)
		if n := stored(t, c).State.Msgs; n != 1 {
			t.Errorf("the stream of %s holds %d messages, want 1", name, n)
		}
	}
}

func TestManyMakersOfOneStream(t *testing.T) {
	s := startServer(t)
	var wg sync.WaitGroup
	for i := range 8 {
		c := connect(t, s.url(), func(c *Config) { c.Connector = fmt.Sprint("connector-", i) })
		wg.Go(func() {
			if _, err := c.ensureStream(testContext(t)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestWriterRefusesAStreamWithoutAcknowledgements(t *testing.T) {
	c := connect(t, startServer(t).url())
	if _, err := c.js.CreateStream(testContext(t), jetstream.StreamConfig{Name: "X", Subjects: []string{"demo"}, NoAck: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Writer(testContext(t)); err == nil || !strings.Contains(err.Error(), "no_ack") {
		t.Errorf("error %v", err)
	}
}

func TestWriteReportsWhatTheServerRefuses(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	s, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxMsgs = 1
	if _, err := c.js.UpdateStream(testContext(t), cfg); err != nil {
		t.Fatal(err)
	}
	write(t, w, values("a")...)
	f := newFates()
	if err := w.Write(testContext(t), values("b")[0], f.of("b")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := f.got["b"]; len(got) != 1 || got[0] == nil || !strings.Contains(got[0].Error(), "maximum messages") || isRejected(got[0]) {
		t.Errorf("settled with %v", got)
	}
}

func TestWriteAfterTheStreamIsGone(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	if err := c.js.DeleteStream(testContext(t), "demo"); err != nil {
		t.Fatal(err)
	}
	f := newFates()
	if err := w.Write(testContext(t), values("a")[0], f.of("a")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := f.got["a"]; len(got) != 1 || !errors.Is(got[0], jetstream.ErrNoStreamResponse) {
		t.Errorf("settled with %v", got)
	}
	write(t, w, values("a")...) // as whoever tries again does
	if n := stored(t, c).State.Msgs; n != 1 {
		t.Errorf("the new stream holds %d records, want 1", n)
	}
}

func isRejected(err error) bool {
	var rejected *transport.Rejected
	return errors.As(err, &rejected)
}

func TestWriteRejectsWhatIsTooLargeForTheServer(t *testing.T) {
	for _, scheme := range []string{"nats", "nats+core"} {
		t.Run(scheme, func(t *testing.T) {
			s := startServer(t, func(o *server.Options) { o.MaxPayload = 1000 })
			w := openWriter(t, connect(t, strings.Replace(s.url(), "nats", scheme, 1)))
			err := w.Write(testContext(t), record.Record{Value: make([]byte, 2000)}, func(error) { t.Error("settled was called") })
			if !isRejected(err) || !errors.Is(err, natsgo.ErrMaxPayload) || !strings.Contains(err.Error(), "1000 bytes") {
				t.Errorf("error %v", err)
			}
			write(t, w, values("a")...) // the place of the refused record is free again
		})
	}
}

func TestWriteRejectsWhatIsTooLargeForTheStream(t *testing.T) {
	c := connect(t, startServer(t).url())
	_, err := c.js.CreateStream(testContext(t), jetstream.StreamConfig{Name: "X", Subjects: []string{"demo"}, MaxMsgSize: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	w := openWriter(t, c)
	tests := []struct {
		name string
		rec  record.Record
	}{
		{"the payload", record.Record{Value: make([]byte, 200_000)}},
		{"a header", record.Record{Headers: map[string]string{"h": strings.Repeat("x", 70_000)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFates()
			if err := w.Write(testContext(t), tt.rec, f.of("it")); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(testContext(t)); err != nil {
				t.Fatal(err)
			}
			got := f.got["it"]
			if len(got) != 1 || !isRejected(got[0]) || !strings.Contains(got[0].Error(), "publish to topic demo: the record is larger") {
				t.Errorf("settled with %v", got)
			}
		})
	}
}

func TestPublishError(t *testing.T) {
	tests := []struct {
		name, reply, want string
	}{
		{"stored", `{"stream":"demo", "seq":1}`, ""},
		{"a duplicate", `{"stream":"demo", "seq":1,"duplicate": true}`, ""},
		{"another order of members", `{"seq":1,"stream":"demo"}`, ""},
		{"a stream called error", `{"stream":"error", "seq":1}`, ""},
		{"an error", `{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}`, "maximum messages"},
		{"an error after the stream", `{"stream":"demo","error":{"code":503,"description":"no"}}`, "no"},
		{"no JSON", `+OK`, "invalid jetstream publish response"},
		{"no stream", `{}`, "invalid jetstream publish response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := publishError(&natsgo.Msg{Data: []byte(tt.reply)})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestWriterSettlesEachRecordOnceWhenTheServerRestarts writes without pause while the server goes away and comes back, and
// then compares what was said to be stored with what is.
func TestWriterSettlesEachRecordOnceWhenTheServerRestarts(t *testing.T) {
	for _, tt := range []struct{ name, scheme string }{{"stream", "nats"}, {"plain subject", "nats+core"}} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t)
			ctx := testContext(t)
			watch := connect(t, s.url())
			if _, err := watch.ensureStream(ctx); err != nil { // it also stores what is published plainly
				t.Fatal(err)
			}
			c := connect(t, strings.Replace(s.url(), "nats", tt.scheme, 1), func(c *Config) { c.MaxInFlight = 64 })
			w := openWriter(t, c)
			f, handed := newFates(), []string{}
			publish := func(until func() bool) {
				for !until() && ctx.Err() == nil {
					id := fmt.Sprint("r", len(handed), "-", f.count())
					if err := w.Write(ctx, record.Record{ID: id, Value: []byte(id)}, f.of(id)); err == nil {
						handed = append(handed, id)
					}
				}
			}
			publish(func() bool { return len(handed) >= 500 })
			stopped := make(chan struct{})
			go func() { defer close(stopped); s.stop() }()
			publish(func() bool { return c.Healthy() != nil })
			<-stopped
			s.start()
			publish(func() bool { return c.Healthy() == nil })
			before := len(handed)
			publish(func() bool { return len(handed) >= before+500 })
			if err := w.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			await(t, "the watcher reconnects", func() bool { return watch.Healthy() == nil })
			stream, err := watch.ensureStream(ctx)
			if err != nil {
				t.Fatal(err)
			}
			inStream := ids(t, ctx, stream)
			delivered, failed := 0, 0
			for _, id := range handed {
				got := f.got[id]
				if len(got) != 1 {
					t.Fatalf("%s was settled %d times: %v", id, len(got), got)
				}
				if got[0] != nil {
					failed++
					continue
				}
				delivered++
				// A plain subject promises only that the server has received a record; one that is shutting down may not store it.
				if tt.scheme == "nats" && !inStream[id] {
					t.Errorf("%s was said to be stored and is not", id)
				}
			}
			if len(f.got) != len(handed) {
				t.Errorf("%d records were settled, %d handed over", len(f.got), len(handed))
			}
			t.Logf("%d delivered, %d failed", delivered, failed)
		})
	}
}

func ids(t *testing.T, ctx context.Context, s jetstream.Stream) map[string]bool {
	t.Helper()
	info, err := s.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		out[string(m.Data)] = true
	}
	return out
}

func TestWriteFailsAtOnceWhileDisconnected(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	w := openWriter(t, c)
	s.stop()
	await(t, "the loss is noticed", func() bool { return c.Healthy() != nil })
	settled := make(chan error, 1)
	want := "not connected to nats://127.0.0.1"
	err := w.Write(testContext(t), values("a")[0], func(err error) { settled <- err })
	if err == nil { // it came while what was on its way before was settled, and was settled with it
		err, want = <-settled, "the connection to nats://127.0.0.1"
	}
	if err == nil || !strings.Contains(err.Error(), want) || len(settled) > 0 {
		t.Errorf("error %v, and settled %d times more", err, len(settled))
	}
}

func TestWriteBlocksWhileTooMuchIsUnderWay(t *testing.T) {
	c := connect(t, startServer(t).url(), func(c *Config) { c.MaxInFlight = 2 })
	w := openWriter(t, c)
	hold := make(chan struct{})
	var settled sync.WaitGroup
	settled.Add(2)
	// The acknowledgement of the first record is held up, and with it that of the second, which comes after it.
	for range 2 {
		if err := w.Write(testContext(t), record.Record{}, func(error) { <-hold; settled.Done() }); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Write(ctx, record.Record{}, func(error) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the third record was taken: %v", err)
	}
	close(hold)
	settled.Wait()
	write(t, w, record.Record{})
}

func TestCloseWaitsForNoAnswer(t *testing.T) {
	p := startProxy(t, startServer(t))
	w, err := connect(t, p.url()).Writer(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Bool // for the stream, because a record has no answer
	p.loseWhere(func(subject string) bool {
		if strings.HasPrefix(subject, "$JS.API.") {
			asked.Store(true)
		}
		return true
	})
	if err := w.Write(testContext(t), record.Record{}, func(error) {}); err != nil {
		t.Fatal(err)
	}
	await(t, "the stream is looked for", asked.Load)
	begun := time.Now()
	if err := w.Close(); err != nil || time.Since(begun) > findTimeout/2 {
		t.Errorf("Close = %v after %s", err, time.Since(begun))
	}
}

func TestCloseSettlesWhatIsUnderWay(t *testing.T) {
	for _, scheme := range []string{"nats", "nats+core"} {
		t.Run(scheme, func(t *testing.T) {
			s := startServer(t)
			c := connect(t, strings.Replace(s.url(), "nats", scheme, 1))
			w, err := c.Writer(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			f := newFates()
			for i := range 200 {
				if err := w.Write(testContext(t), record.Record{}, f.of(strconv.Itoa(i))); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			await(t, "every record is settled", func() bool { return f.count() == 200 })
			for id, got := range f.got {
				if len(got) != 1 {
					t.Errorf("record %s was settled %d times", id, len(got))
				}
			}
			if err := w.Write(testContext(t), record.Record{}, func(error) { t.Error("settled") }); !errors.Is(err, errPublisherClosed) {
				t.Errorf("write after close: %v", err)
			}
		})
	}
}

// A server of a cluster that goes takes along what was on its way to it: nobody will ever answer.
func TestWhatWasSentBeforeTheStreamWasGoneIsNotWaitedFor(t *testing.T) {
	p := startProxy(t, startServer(t))
	c := connect(t, p.url())
	w := openWriter(t, c)
	p.loseWhere(func(subject string) bool { return subject == "demo" && p.lost == 0 })
	f := newFates()
	for _, rec := range values("lost", "refused") {
		if err := w.Write(testContext(t), rec, f.of(string(rec.Value))); err != nil {
			t.Fatal(err)
		}
		if f.count() == 0 && rec.ID == "id-lost" {
			await(t, "the record is lost", func() bool { return p.losses() == 1 })
			deleteStream(t, c)
		}
	}
	start := time.Now()
	if err := w.Flush(testContext(t)); err != nil || time.Since(start) > ackTimeout/2 {
		t.Fatalf("error %v after %v", err, time.Since(start))
	}
	for _, value := range []string{"lost", "refused"} {
		if got := f.got[value]; len(got) != 1 || !errors.Is(got[0], jetstream.ErrNoStreamResponse) {
			t.Errorf("%s was settled as %v", value, got)
		}
	}
	write(t, w, values("lost", "refused")...)
}
