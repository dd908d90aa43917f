package nats

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

const inFlight = 1024

func benchServer(b *testing.B) (*Conn, func()) {
	b.Helper()
	s := &testServer{t: new(testing.T)}
	s.opts.Host, s.opts.Port, s.opts.JetStream, s.opts.StoreDir, s.opts.NoSigs, s.opts.NoLog = "127.0.0.1", -1, true, b.TempDir(), true, true
	s.start()
	c, err := Connect(b.Context(), Config{URL: s.url(), Topic: "demo", Name: "n", Connector: "c", MaxInFlight: inFlight})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.ensureStream(b.Context()); err != nil {
		b.Fatal(err)
	}
	return c, func() { c.Close(); s.stop() }
}

// BenchmarkPublish compares the writer with a bare loop of the client library, at 256 bytes, with and without ids.
func BenchmarkPublish(b *testing.B) {
	value := make([]byte, 256)
	for _, id := range []bool{false, true} {
		b.Run("bare/id="+strconv.FormatBool(id), func(b *testing.B) {
			c, stop := benchServer(b)
			defer stop()
			js, err := jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(inFlight))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(256)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				msg := &natsgo.Msg{Subject: "demo", Data: value}
				if id {
					msg.Header = natsgo.Header{jetstream.MsgIDHeader: {strconv.Itoa(i)}}
				}
				if _, err := js.PublishMsgAsync(msg, jetstream.WithStallWait(time.Minute)); err != nil {
					b.Fatal(err)
				}
			}
			<-js.PublishAsyncComplete()
			js.CleanupPublisher()
		})
		b.Run("writer/id="+strconv.FormatBool(id), func(b *testing.B) {
			c, stop := benchServer(b)
			defer stop()
			w, err := c.Writer(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			var failed atomic.Int64
			settled := func(err error) {
				if err != nil {
					failed.Add(1)
				}
			}
			b.SetBytes(256)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				rec := record.Record{Value: value}
				if id {
					rec.ID = strconv.Itoa(i)
				}
				if err := w.Write(b.Context(), rec, settled); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Flush(b.Context()); err != nil || failed.Load() > 0 {
				b.Fatal(err, failed.Load())
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkConsume compares the reader with a bare loop of the client library that acknowledges each message.
func BenchmarkConsume(b *testing.B) {
	fill := func(b *testing.B, c *Conn) {
		w, err := c.Writer(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for i := range b.N {
			if err := w.Write(b.Context(), record.Record{ID: strconv.Itoa(i), Value: make([]byte, 256)}, func(error) {}); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(256)
		b.ReportAllocs()
		b.ResetTimer()
	}
	b.Run("bare", func(b *testing.B) {
		c, stop := benchServer(b)
		defer stop()
		fill(b, c)
		s, err := c.ensureStream(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		consumer, err := s.CreateConsumer(b.Context(), consumerConfig("g", "demo", ReaderOptions{MaxInFlight: inFlight}, 0))
		if err != nil {
			b.Fatal(err)
		}
		done, n := make(chan struct{}), 0
		cc, err := consumer.Consume(func(m jetstream.Msg) {
			if err := m.Ack(); err != nil {
				b.Error(err)
			}
			if n++; n == b.N {
				close(done)
			}
		}, jetstream.PullMaxMessages(inFlight))
		if err != nil {
			b.Fatal(err)
		}
		<-done
		cc.Stop()
	})
	b.Run("reader", func(b *testing.B) {
		c, stop := benchServer(b)
		defer stop()
		fill(b, c)
		r, err := c.Reader(b.Context(), ReaderOptions{Group: "g", MaxInFlight: inFlight})
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < b.N; {
			ms, err := r.Read(b.Context(), 100, 0)
			if err != nil {
				b.Fatal(err)
			}
			n += len(ms)
			ackAll(b, ms)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

func ackAll(b *testing.B, ms []transport.Message) {
	b.Helper()
	for _, m := range ms {
		if err := m.Ack(); err != nil {
			b.Fatal(err)
		}
	}
}
