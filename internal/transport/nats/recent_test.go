package nats

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestRecent(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	recent := func(before transport.Reader, n int, want ...string) {
		t.Helper()
		recs, err := c.Recent(testContext(t), before, n)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rec := range recs {
			got = append(got, string(rec.Value))
			if rec.Time.IsZero() {
				t.Errorf("%s has no time", rec.Value)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the last %d are %q, want %q", n, got, want)
		}
	}
	recent(nil, 3)
	write(t, openWriter(t, c), values("a", "b", "c", "d", "e")...)
	recent(nil, 3, "c", "d", "e")
	recent(nil, 9, "a", "b", "c", "d", "e")
	stream, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, gap := range []uint64{3, 4} {
		if err := stream.DeleteMsg(testContext(t), gap); err != nil {
			t.Fatal(err)
		}
	}
	recent(nil, 2, "b", "e")
	recent(openReader(t, c, ReaderOptions{}), 2) // a new group has not read anything
	latest, err := c.Reader(testContext(t), ReaderOptions{Group: "latest", From: "latest"})
	if err != nil {
		t.Fatal(err)
	}
	defer latest.Close()
	recent(latest, 1, "e")
	waiting, active := openReader(t, c, ReaderOptions{}), openReader(t, c, ReaderOptions{})
	ack(t, read(t, active, 2)...)
	if err := active.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	recent(waiting, 9, "a", "b") // what others of its group have read since it was opened counts, too
	deleteConsumer(t, c)
	recent(waiting, 9) // its first Read begins where it was opened
	if _, err := c.js.UpdateStream(testContext(t), withSubject(stream.CachedInfo().Config, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := c.js.Publish(testContext(t), "elsewhere", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	recent(nil, 2, "b", "e")
	t.Run("plain subjects keep nothing", func(t *testing.T) {
		c := connect(t, strings.Replace(s.url(), "nats:", "nats+core:", 1))
		if _, err := c.Recent(testContext(t), nil, 1); err == nil || !strings.Contains(err.Error(), "leave out lookback") {
			t.Errorf("got %v", err)
		}
	})
}

func withSubject(cfg jetstream.StreamConfig, subject string) jetstream.StreamConfig {
	cfg.Subjects = append(cfg.Subjects, subject)
	return cfg
}
