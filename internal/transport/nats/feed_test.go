package nats

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

func isBroken(err error) bool {
	var broken *transport.Broken
	return errors.As(err, &broken)
}

func deleteConsumer(t *testing.T, c *Conn) {
	t.Helper()
	if err := c.js.DeleteConsumer(testContext(t), "demo", "g"); err != nil {
		t.Fatal(err)
	}
}

func deleteStream(t *testing.T, c *Conn) {
	t.Helper()
	if err := c.js.DeleteStream(testContext(t), "demo"); err != nil {
		t.Fatal(err)
	}
}

// fetchAhead has a reader fetch what its first Read would.
func fetchAhead(r transport.Reader) *reader {
	fetching := r.(*reader)
	fetching.take(nil, 0)
	return fetching
}

// awaitWaiting blocks until the server knows that the reader waits, so that it tells it of a deletion.
func awaitWaiting(t *testing.T, r transport.Reader) {
	t.Helper()
	fetchAhead(r)
	await(t, "the server knows that the reader waits", func() bool {
		info, err := r.(*reader).feed.consumer.Info(testContext(t))
		return err == nil && info.NumWaiting > 0
	})
}

// wantTrouble wants Read to return an error that does not last.
func wantTrouble(t *testing.T, r transport.Reader, want error) {
	t.Helper()
	if ms, err := r.Read(testContext(t), 1, 0); !errors.Is(err, want) || isBroken(err) {
		t.Fatalf("Read = %d messages, %v; want %v", len(ms), err, want)
	}
}

func TestReaderGoesOnAfterADeletion(t *testing.T) {
	remake := func(t *testing.T, c *Conn) {
		deleteStream(t, c)
		await(t, "the stream, which the server may still be removing", func() bool {
			_, err := c.ensureStream(testContext(t))
			return err == nil
		})
	}
	tests := []struct {
		name   string
		from   string
		remove func(*testing.T, *Conn)
		want   []string
	}{
		{"the consumer", "earliest", deleteConsumer, []string{"open", "later"}},
		{"the consumer of a group that began at the latest", "latest", deleteConsumer, []string{"open", "later"}},
		{"the stream, made again by somebody else", "latest", remake, []string{"later"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, startServer(t).url())
			write(t, openWriter(t, c), values("done")...)
			first, err := c.Reader(testContext(t), ReaderOptions{Group: "g"})
			if err != nil {
				t.Fatal(err)
			}
			ack(t, read(t, first, 1)...)
			await(t, "the server has noted it", func() bool {
				info, err := first.(*reader).feed.consumer.Info(testContext(t))
				return err == nil && info.AckFloor.Stream == 1
			})
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			r := openReader(t, c, ReaderOptions{From: tt.from})
			write(t, openWriter(t, c), values("open")...)
			wantValues(t, read(t, r, 1), "open") // and it is not acknowledged
			awaitWaiting(t, r)
			tt.remove(t, c)
			wantTrouble(t, r, jetstream.ErrConsumerDeleted)
			write(t, openWriter(t, c), values("later")...)
			wantValues(t, read(t, r, len(tt.want)), tt.want...)
		})
	}
}

func TestGroupThatBeganAtTheLatestMissesNothingWhenItsConsumerIsDeleted(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("before")...)
	r := openReader(t, c, ReaderOptions{From: "latest"})
	awaitWaiting(t, r)
	deleteConsumer(t, c)
	wantTrouble(t, r, jetstream.ErrConsumerDeleted)
	write(t, w, values("while it was gone")...)
	wantValues(t, read(t, r, 1), "while it was gone")
}

func TestReaderMakesTheStreamAgain(t *testing.T) {
	c := connect(t, startServer(t).url())
	r := openReader(t, c, ReaderOptions{})
	awaitWaiting(t, r)
	deleteStream(t, c)
	wantTrouble(t, r, jetstream.ErrConsumerDeleted)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	got := make(chan []transport.Message, 1)
	go func() {
		ms, err := r.Read(ctx, 1, 0)
		if err != nil {
			t.Error(err)
		}
		got <- ms
	}()
	await(t, "the stream is there again", func() bool {
		_, err := c.js.StreamNameBySubject(ctx, "demo")
		return err == nil
	})
	write(t, openWriter(t, c), values("a")...)
	wantValues(t, <-got, "a")
}

func TestWhatWasFetchedFromADeletedConsumerComesOnce(t *testing.T) {
	c := connect(t, startServer(t).url())
	write(t, openWriter(t, c), values("a", "b", "c")...)
	r := openReader(t, c, ReaderOptions{})
	read(t, r, 1)
	await(t, "the others wait in the reader", func() bool {
		r := r.(*reader)
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.queue) == 2
	})
	awaitWaiting(t, r)
	deleteConsumer(t, c)
	await(t, "the reader hears of it", func() bool {
		r := r.(*reader)
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err != nil
	})
	wantTrouble(t, r, jetstream.ErrConsumerDeleted)
	ms := read(t, r, 3)
	wantValues(t, ms, "a", "b", "c")
	ack(t, ms...)
	await(t, "all are settled", func() bool {
		info, err := r.(*reader).feed.consumer.Info(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		return info.NumAckPending == 0 && info.NumPending == 0
	})
	if n := len(r.(*reader).unsettled); n != 0 {
		t.Errorf("%d messages count as open", n)
	}
}

func TestAnswersForADeletedStreamDoNotSettleTheNewOne(t *testing.T) {
	c := connect(t, startServer(t).url())
	write(t, openWriter(t, c), values("old")...)
	r := openReader(t, c, ReaderOptions{})
	old := read(t, r, 1)[0]
	awaitWaiting(t, r)
	deleteStream(t, c)
	wantTrouble(t, r, jetstream.ErrConsumerDeleted)
	write(t, openWriter(t, c), values("new")...) // which has the number of the old one
	wantValues(t, read(t, r, 1), "new")
	if err := old.Ack(); !errors.Is(err, errForgotten) {
		t.Errorf("Ack: %v", err)
	}
	if err := r.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	info, err := r.(*reader).feed.consumer.Info(testContext(t))
	if err != nil || info.NumAckPending != 1 || len(r.(*reader).unsettled) != 1 {
		t.Errorf("%d messages are pending, %v", info.NumAckPending, err)
	}
}

func TestReaderKeepsWhatItHasWhileItsConsumerIsThere(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	write(t, openWriter(t, c), values("a", "b", "c")...)
	r := openReader(t, c, ReaderOptions{})
	held := read(t, r, 1)[0]
	fail := r.(*reader)
	fail.consumeFailed(fail.feed, natsgo.ErrNoResponders) // as after a reconnect to a server that is not quite there
	wantTrouble(t, r, natsgo.ErrNoResponders)
	fail.consumeFailed(fail.feed, natsgo.ErrNoResponders) // once more, which the next Read will have mended
	s.stop()
	await(t, "the loss is noticed", func() bool { return c.Healthy() != nil })
	for range 2 { // each Read tries again
		if _, err := r.Read(testContext(t), 1, 0); err == nil || isBroken(err) || !strings.Contains(err.Error(), "not connected") {
			t.Fatalf("without a server: %v", err)
		}
	}
	s.start()
	await(t, "the connection is back", func() bool { return c.Healthy() == nil })
	ms := read(t, r, 2)
	wantValues(t, ms, "b", "c")
	if ms[0].Attempt != 1 || ms[1].Attempt != 1 {
		t.Errorf("they come in attempts %d and %d", ms[0].Attempt, ms[1].Attempt)
	}
	ack(t, held, ms[0], ms[1])
	await(t, "all are settled", func() bool {
		info, err := r.(*reader).feed.consumer.Info(testContext(t))
		return err == nil && info.NumAckPending == 0 && info.NumPending == 0
	})
}

func TestOnceGoesOnAfterADeletion(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("a", "b")...)
	r := openReader(t, c, ReaderOptions{Once: true})
	read(t, r, 1)
	awaitWaiting(t, r)
	deleteConsumer(t, c)
	await(t, "the reader hears of it", func() bool {
		r := r.(*reader)
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err != nil
	})
	wantTrouble(t, r, jetstream.ErrConsumerDeleted)
	write(t, w, values("later")...)
	var ms []transport.Message
	await(t, "both come again", func() bool { // the server may still be removing the consumer of the same name
		more, err := r.Read(testContext(t), 2-len(ms), 0)
		if isBroken(err) {
			t.Fatal(err)
		}
		ms = append(ms, more...)
		return len(ms) == 2
	})
	wantValues(t, ms, "a", "b")
	ack(t, ms...)
	if ms, err := r.Read(testContext(t), 1, 0); err != io.EOF {
		t.Errorf("Read = %d messages, %v; want the end", len(ms), err)
	}
}

func TestReadIsBrokenAfterAClose(t *testing.T) {
	for _, scheme := range []string{"nats", "nats+core"} {
		t.Run(scheme, func(t *testing.T) {
			url := strings.Replace(startServer(t).url(), "nats", scheme, 1)
			r := openReader(t, connect(t, url), ReaderOptions{})
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			c := connect(t, url)
			lost := openReader(t, c, ReaderOptions{})
			c.Close()
			for range 2 {
				if _, err := r.Read(testContext(t), 1, 0); !isBroken(err) || !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the reader is closed: %v", err)
				}
				if _, err := lost.Read(testContext(t), 1, 0); !isBroken(err) {
					t.Errorf("the connection is closed: %v", err)
				}
			}
		})
	}
}

func TestReaderMayBeClosedWhileItOpensAnew(t *testing.T) {
	c := connect(t, startServer(t).url())
	for i := range 20 {
		r, err := c.Reader(testContext(t), ReaderOptions{Group: strconv.Itoa(i)})
		if err != nil {
			t.Fatal(err)
		}
		r.(*reader).consumeFailed(r.(*reader).feed, natsgo.ErrNoResponders)
		wantTrouble(t, r, natsgo.ErrNoResponders)
		end := make(chan error, 1)
		go func() {
			_, err := r.Read(testContext(t), 1, 0)
			end <- err
		}()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-end; !isBroken(err) {
			t.Errorf("Read: %v", err)
		}
	}
}
