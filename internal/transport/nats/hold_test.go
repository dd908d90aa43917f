package nats

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// shortWait makes the group's consumer with a time limit that passes quickly.
func shortWait(t *testing.T, c *Conn, limit time.Duration) jetstream.Consumer {
	t.Helper()
	stream, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg := consumerConfig("g", "demo", ReaderOptions{MaxInFlight: 10}, 0)
	cfg.AckWait = limit
	consumer, err := stream.CreateConsumer(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

func awaitSettled(t *testing.T, consumer jetstream.Consumer) {
	t.Helper()
	await(t, "all are settled", func() bool {
		info, err := consumer.Info(testContext(t))
		return err == nil && info.NumAckPending == 0 && info.NumPending == 0
	})
}

// wantNothing wants no message to come within d.
func wantNothing(t *testing.T, r transport.Reader, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if ms, err := r.Read(ctx, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read = %d messages, %v; want none", len(ms), err)
	}
}

func TestWhatTheCallerHoldsIsNotDeliveredTwice(t *testing.T) {
	c := connect(t, startServer(t).url())
	const limit = 300 * time.Millisecond
	consumer := shortWait(t, c, limit)
	r := openReader(t, c, ReaderOptions{})
	write(t, openWriter(t, c), values("a")...)
	held := read(t, r, 1)
	wantNothing(t, r, 3*limit)
	ack(t, held...)
	awaitSettled(t, consumer)
}

func TestWhatTheCallerHoldsThroughAnOutageComesOnce(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	const limit = 200 * time.Millisecond
	consumer := shortWait(t, c, limit)
	r := openReader(t, c, ReaderOptions{})
	write(t, openWriter(t, c), values("a", "b")...)
	held := read(t, r, 1)
	outage(t, s, c, 2*limit)
	wantValues(t, read(t, r, 1), "b")
	wantNothing(t, r, 3*limit)
	ack(t, held...)
	await(t, "a is settled", func() bool {
		info, err := consumer.Info(testContext(t))
		return err == nil && info.AckFloor.Stream == 1
	})
}

func TestAnAcknowledgementDuringAnOutageCounts(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	const limit = 200 * time.Millisecond
	consumer := shortWait(t, c, limit)
	r := openReader(t, c, ReaderOptions{})
	write(t, openWriter(t, c), values("a", "b")...)
	held := read(t, r, 2)
	s.stop()
	await(t, "the loss is noticed", func() bool { return c.Healthy() != nil })
	ack(t, held...)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Flush(short); err == nil {
		t.Error("Flush says that the server knows of acknowledgements, and there is none")
	}
	s.start()
	await(t, "the connection is back", func() bool { return c.Healthy() == nil })
	if err := r.Flush(testContext(t)); err != nil {
		t.Error(err)
	}
	awaitSettled(t, consumer)
	wantNothing(t, r, 2*limit)
}

// outage stops the server for at least d.
func outage(t *testing.T, s *testServer, c *Conn, d time.Duration) {
	t.Helper()
	s.stop()
	begun := time.Now()
	await(t, "the loss is noticed", func() bool { return c.Healthy() != nil && time.Since(begun) > d })
	s.start()
	await(t, "the connection is back", func() bool { return c.Healthy() == nil })
}

func TestWhatIsFetchedAheadIsBoundedInBytes(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	const (
		size = 64 << 10
		n    = 160
		most = 1 << 20
	)
	recs := make([]record.Record, n)
	for i := range recs {
		value := bytes.Repeat([]byte{'x'}, size)
		recs[i] = record.Record{ID: strconv.Itoa(i), Value: strconv.AppendInt(value[:0], int64(i), 10)[:size]}
	}
	write(t, w, recs...)
	r := openReader(t, c, ReaderOptions{MaxBytes: most})
	own := fetchAhead(r)
	waiting := func() (bytes int) {
		own.mu.Lock()
		defer own.mu.Unlock()
		for _, d := range own.queue {
			bytes += len(d.msg.Data)
		}
		return bytes
	}
	await(t, "the reader has fetched ahead", func() bool { return waiting() >= most/2 })
	before := -1
	await(t, "the reader stops fetching", func() bool {
		now := waiting()
		defer func() { before = now }()
		time.Sleep(100 * time.Millisecond)
		return now == before
	})
	if got := waiting(); got > most {
		t.Errorf("%d bytes wait, %d were allowed", got, most)
	}
	for i := range n { // and goes on when there is room
		m := read(t, r, 1)[0]
		if want := strconv.Itoa(i); !bytes.HasPrefix(m.Record.Value, append([]byte(want), 'x')) {
			t.Fatalf("message %d begins with %q", i, m.Record.Value[:8])
		}
		ack(t, m)
	}
}
