package nats

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
)

func stream(o StreamOptions) func(*Config) { return func(c *Config) { c.Stream = o } }

func TestStreamIsMadeAsAskedFor(t *testing.T) {
	want := StreamOptions{MaxAge: time.Minute, MaxBytes: 1 << 20, Retention: "interest"}
	ends := map[string]func(*testing.T, *Conn){
		"by a writer": func(t *testing.T, c *Conn) { openWriter(t, c) },
		"by a reader": func(t *testing.T, c *Conn) { openReader(t, c, ReaderOptions{}) },
	}
	for name, open := range ends {
		t.Run(name, func(t *testing.T) {
			c := connect(t, startServer(t).url(), stream(want))
			open(t, c)
			cfg := stored(t, c).Config
			if cfg.MaxAge != time.Minute || cfg.MaxBytes != 1<<20 || cfg.Retention != jetstream.InterestPolicy ||
				cfg.Replicas != 1 || cfg.Duplicates != time.Minute || cfg.Discard != jetstream.DiscardNew {
				t.Errorf("stream is made as %+v", cfg)
			}
		})
	}
}

func TestAdoptedStreamIsLeftAlone(t *testing.T) {
	s := startServer(t)
	openWriter(t, connect(t, s.url()))
	tests := []struct {
		name  string
		asked StreamOptions
		want  string // in the log; empty for nothing
	}{
		{"nothing was asked for", StreamOptions{Replicas: 1, Retention: "limits"}, ""},
		{"an age", StreamOptions{MaxAge: time.Hour}, "max age 0s"},
		{
			"everything",
			StreamOptions{Replicas: 3, MaxAge: time.Hour, MaxBytes: 1 << 20, Retention: "workqueue"},
			"replicas 1, max age 0s, max bytes -1, retention Limits",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log syncBuffer
			c := connect(t, s.url(), stream(tt.asked), func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			openWriter(t, c)
			openReader(t, c, ReaderOptions{})
			if cfg := stored(t, c).Config; cfg.Replicas != 1 || cfg.MaxAge != 0 || cfg.MaxBytes != -1 || cfg.Retention != jetstream.LimitsPolicy {
				t.Errorf("the stream was changed to %+v", cfg)
			}
			lines := strings.Count(log.String(), "the stream is used as it is")
			if tt.want == "" && lines != 0 || tt.want != "" && (lines != 1 || !strings.Contains(log.String(), tt.want)) {
				t.Errorf("the log says %q, want %q once", log.String(), tt.want)
			}
		})
	}
}

func TestStreamOptionsThatNoServerTakes(t *testing.T) {
	s := startServer(t)
	tests := []struct {
		name, url string
		options   StreamOptions
		want      string
	}{
		{"replicas on a server that is alone", s.url(), StreamOptions{Replicas: 3}, "3 replicas need a cluster"},
		{"replicas on the local broker", "", StreamOptions{Replicas: 3}, "name a cluster with --broker"},
		{"limits of plain subjects", "nats+core://a", StreamOptions{MaxAge: time.Hour}, "plain subjects keep nothing"},
		{"a negative age", s.url(), StreamOptions{MaxAge: -1}, "100ms at the least"},
		{"an age that is too short", s.url(), StreamOptions{MaxAge: time.Millisecond}, "100ms at the least"},
		{"a negative bound", s.url(), StreamOptions{MaxBytes: -1}, "-1 bytes"},
		{"an unknown retention", s.url(), StreamOptions{Retention: "forever"}, `retention "forever"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Connect(testContext(t), Config{URL: tt.url, Topic: "demo", Stream: tt.options})
			if err == nil {
				defer c.Close()
				_, err = c.Writer(testContext(t))
			}
			if !isConfigError(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

func TestAFullStreamRefusesUntilThereIsRoom(t *testing.T) {
	c := connect(t, startServer(t).url(), stream(StreamOptions{MaxBytes: 10 << 10, Retention: "workqueue"}))
	w := openWriter(t, c)
	value := []byte(strings.Repeat("x", 1<<10))
	var refused error
	taken := 0
	for refused == nil {
		if taken++; taken > 20 {
			t.Fatal("the stream takes more than its limit")
		}
		err := w.Write(testContext(t), record.Record{ID: strconv.Itoa(taken), Value: value}, func(err error) { refused = err })
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	if isRejected(refused) || !strings.Contains(refused.Error(), "topic demo is full") {
		t.Errorf("error %v", refused)
	}
	r := openReader(t, c, ReaderOptions{})
	ack(t, read(t, r, taken-1)...)
	if err := r.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	write(t, w, record.Record{ID: strconv.Itoa(taken), Value: value})
	if ms := read(t, r, 1); ms[0].Record.ID != strconv.Itoa(taken) {
		t.Errorf("read %s, want %d", ms[0].Record.ID, taken)
	}
}

func TestWorkQueue(t *testing.T) {
	c := connect(t, startServer(t).url(), stream(StreamOptions{Retention: "workqueue"}))
	write(t, openWriter(t, c), values("a", "b")...)
	_, err := c.Reader(testContext(t), ReaderOptions{Group: "g", From: "latest"})
	if !isConfigError(err) || !strings.Contains(err.Error(), "leave out --from") {
		t.Errorf("from latest: %v", err)
	}
	r := openReader(t, c, ReaderOptions{})
	_, err = c.Reader(testContext(t), ReaderOptions{Group: "other"})
	if !isConfigError(err) || !strings.Contains(err.Error(), "which has one group") {
		t.Errorf("another group: %v", err)
	}
	ack(t, read(t, r, 1)...)
	if err := r.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if n := stored(t, c).State.Msgs; n != 1 {
		t.Errorf("the stream holds %d records after one of two was acknowledged", n)
	}
	deleteConsumer(t, c) // what is made again begins where the old one was, though a work queue takes no start
	for {                // what was fetched before may come first, and comes again
		if _, err := r.Read(testContext(t), 1, 0); err != nil {
			if !errors.Is(err, jetstream.ErrConsumerDeleted) {
				t.Errorf("Read: %v, want %v", err, jetstream.ErrConsumerDeleted)
			}
			break
		}
	}
	wantValues(t, read(t, r, 1), "b")
	once := openReader(t, connect(t, startServer(t).url(), stream(StreamOptions{Retention: "workqueue"})), ReaderOptions{Once: true})
	if _, err := once.Read(testContext(t), 1, 0); err == nil || err.Error() != "EOF" {
		t.Errorf("one pass over an empty queue: %v", err)
	}
}
