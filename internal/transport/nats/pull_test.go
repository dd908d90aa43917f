package nats

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
)

func TestAMessageLargerThanWhatIsFetchedAheadComesByItself(t *testing.T) {
	c := connect(t, startServer(t).url())
	var recs []record.Record
	for i := range 40 {
		size := 100
		if i%7 == 0 {
			size = 64 << 10
		}
		recs = append(recs, record.Record{ID: strconv.Itoa(i), Value: bytes.Repeat([]byte{byte('0' + i)}, size)})
	}
	write(t, openWriter(t, c), recs...)
	r := openReader(t, c, ReaderOptions{MaxBytes: 16 << 10})
	for i, want := range recs {
		m := read(t, r, 1)[0]
		if m.Attempt != 1 || !bytes.Equal(m.Record.Value, want.Value) {
			t.Fatalf("message %d: %d bytes of %c in attempt %d", i, len(m.Record.Value), m.Record.Value[0], m.Attempt)
		}
		ack(t, m)
	}
}

func TestAReaderThatWaitsForItsTurnFetchesNothing(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("a", "b", "c")...)
	waiting := openReader(t, c, ReaderOptions{}).(*reader)
	waiting.look(false, true) // as after an outage
	for range silentTicks + 1 {
		waiting.look(false, false) // as time would
	}
	info, err := waiting.feed.consumer.Info(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.NumWaiting > 0 || info.NumAckPending > 0 {
		t.Fatalf("%d requests wait, %d messages were sent before the first Read", info.NumWaiting, info.NumAckPending)
	}
	active := openReader(t, c, ReaderOptions{})
	ms := read(t, active, 3)
	wantValues(t, ms, "a", "b", "c")
	ack(t, ms...)
	if err := active.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, w, values("d")...)
	wantValues(t, read(t, waiting, 1), "d")
}

func TestMoreIsAskedForWhenAQuarterIsTaken(t *testing.T) {
	c := connect(t, startServer(t).url())
	write(t, openWriter(t, c), values("a", "b", "c", "d", "e", "f", "g", "h")...)
	r := fetchAhead(openReader(t, c, ReaderOptions{MaxInFlight: 8}))
	open := func() []pull {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.Clone(r.feed.open)
	}
	await(t, "all have come", func() bool { return len(open()) == 0 })
	read(t, r, 1)
	if got := open(); len(got) != 0 {
		t.Errorf("after one of eight is taken, asked for %v", got)
	}
	read(t, r, 1)
	if got := open(); len(got) != 1 || got[0].messages != 2 {
		t.Errorf("after two of eight are taken, asked for %v, want one request of 2", got)
	}
}

func TestARequestThatIsLostIsMadeAgain(t *testing.T) {
	p := startProxy(t, startServer(t))
	c := connect(t, p.url())
	write(t, openWriter(t, c), values("a")...)
	p.loseWhere(func(subject string) bool { return strings.HasPrefix(subject, "$JS.API.CONSUMER.MSG.NEXT.") })
	r := fetchAhead(openReader(t, c, ReaderOptions{}))
	await(t, "a request is lost", func() bool { return p.losses() > 0 })
	p.loseWhere(nil)
	for range silentTicks + 1 {
		r.look(false, false) // as time would
	}
	wantValues(t, read(t, r, 1), "a")
}

func TestALimitOfTheConsumersOwnIsKept(t *testing.T) {
	tests := []struct {
		name  string
		limit func(*jetstream.ConsumerConfig)
	}{
		{"on messages", func(c *jetstream.ConsumerConfig) { c.MaxRequestBatch = 2 }},
		{"on bytes", func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = 1 << 10 }},
		{"on time", func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = time.Second }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, startServer(t).url())
			write(t, openWriter(t, c), values("a", "b", "c", "d", "e", "f", "g", "h")...)
			stream, err := c.ensureStream(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			cfg := consumerConfig("g", "demo", ReaderOptions{Group: "g", MaxInFlight: DefaultMaxInFlight}, 0)
			tt.limit(&cfg)
			if _, err := stream.CreateConsumer(testContext(t), cfg); err != nil {
				t.Fatal(err)
			}
			r := openReader(t, c, ReaderOptions{})
			ms := read(t, r, 8)
			wantValues(t, ms, "a", "b", "c", "d", "e", "f", "g", "h")
			ack(t, ms...)
		})
	}
}

func TestWhatTheServerSaysOfARequest(t *testing.T) {
	c := connect(t, startServer(t).url())
	tests := []struct {
		status, text string
		want         error  // that Read returns; nil for none
		says         string // what it says
		left         int    // requests of two that are still open, and one that may have been made in their place
	}{
		{status: "100", text: "Idle Heartbeat", left: 2},
		{status: "404", text: "No Messages", left: 2},
		{status: "408", text: "Request Timeout", left: 2},
		{status: "409", text: "Batch Completed", left: 2},
		{status: "409", text: "Message Size Exceeds MaxBytes", left: 2},
		{status: "409", text: "Leadership Change", left: 1},
		{status: "409", text: "Server Shutdown", left: 1},
		{status: "409", text: "Consumer Deleted", want: jetstream.ErrConsumerDeleted, left: 1},
		{status: "400", text: "Bad Request", want: jetstream.ErrBadRequest, left: 1},
		{status: "503", want: natsgo.ErrNoResponders, left: 1},
		{status: "409", text: "Exceeded MaxRequestBatch of 2", says: "exceeded maxrequestbatch of 2", left: 1},
	}
	for i, tt := range tests {
		t.Run(tt.status+" "+tt.text, func(t *testing.T) {
			r := fetchAhead(openReader(t, c, ReaderOptions{Group: strconv.Itoa(i), MaxInFlight: 4}))
			r.mu.Lock()
			f := r.feed
			f.newest += 2
			f.open = []pull{{id: f.newest - 1, messages: 2, bytes: r.opts.MaxBytes / 2}, {id: f.newest, messages: 2, bytes: r.opts.MaxBytes / 2}}
			first := f.open[0].id
			r.mu.Unlock()
			r.word(f, &natsgo.Msg{
				Subject: f.inbox + strconv.FormatUint(first, 36),
				Header:  natsgo.Header{"Status": {tt.status}, "Description": {tt.text}},
			})
			err := r.trouble()
			if want := tt.want != nil || tt.says != ""; (err != nil) != want || tt.want != nil && !errors.Is(err, tt.want) ||
				want && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Read returns %v", err)
			}
			if len(f.open) != tt.left {
				t.Errorf("%d requests are open, want %d", len(f.open), tt.left)
			}
		})
	}
}

func TestAReaderForWhichTheServerHasNoRoomAsksAgain(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	stream, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg := consumerConfig("g", "demo", ReaderOptions{Group: "g", MaxInFlight: DefaultMaxInFlight}, 0)
	cfg.MaxWaiting = 1 // reader
	if _, err := stream.CreateConsumer(testContext(t), cfg); err != nil {
		t.Fatal(err)
	}
	first, err := c.Reader(testContext(t), ReaderOptions{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	awaitWaiting(t, first)
	second := fetchAhead(openReader(t, c, ReaderOptions{}))
	if err := c.nc.FlushWithContext(testContext(t)); err != nil { // its request has come, in vain
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, w, values("a")...)
	for range silentTicks + 1 {
		second.look(false, false) // as time would
	}
	wantValues(t, read(t, second, 1), "a")
}
