package connect

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	natstopic "github.com/patchbay-dev/patchbay/internal/transport/nats"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// What was sent ahead is sent again if the reader is not asked for longer than the server waits: what was read and is open,
// what is acknowledged by the time it comes, and what waited.
func TestWhatWasSentAheadIsReadOnce(t *testing.T) {
	r := newRig(t)
	r.stream("S", "s")
	publish := func(values ...string) {
		for _, v := range values {
			if _, err := r.js.Publish(t.Context(), "s", []byte(v)); err != nil {
				t.Fatal(err)
			}
		}
	}
	consumer, err := r.js.CreateConsumer(t.Context(), "S", jetstream.ConsumerConfig{
		Durable: legal("c") + "-" + digest("s"), FilterSubject: "s", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	publish("1", "2", "3", "4")
	s, err := dial(t.Context(), natsConfig{URL: r.url}, natstopic.Access{}, "c", slog.New(slog.DiscardHandler), func(context.Context, *server) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	reader, err := newJetReader(t.Context(), s, fromStream("s"), "c")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var got []string
	var late func() error
	for !slices.Contains(got, "end") {
		ms, err := reader.Read(t.Context(), 1, 0)
		if err != nil || len(ms) != 1 {
			t.Fatalf("read %d messages, %v", len(ms), err)
		}
		value := string(ms[0].Record.Value)
		got = append(got, value)
		if value == "2" {
			late = ms[0].Ack
		} else if err := ms[0].Ack(); err != nil {
			t.Fatal(err)
		}
		if value == "1" {
			hosttest.Await(t, "what comes again", func() bool { info, err := consumer.Info(t.Context()); return err == nil && info.NumRedelivered >= 3 })
			publish("end") // comes behind it
		}
	}
	if !slices.Equal(got, []string{"1", "2", "3", "4", "end"}) {
		t.Errorf("read %q", got)
	}
	if err := late(); err != nil {
		t.Error(err)
	}
}
