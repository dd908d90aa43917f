package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

func TestReaderAndWriterStartInEitherOrder(t *testing.T) {
	t.Run("reader first", func(t *testing.T) {
		s := startServer(t)
		r := openReader(t, connect(t, s.url()), ReaderOptions{})
		write(t, openWriter(t, connect(t, s.url())), values("a", "b")...)
		wantValues(t, read(t, r, 2), "a", "b")
	})
	t.Run("writer first", func(t *testing.T) {
		s := startServer(t)
		write(t, openWriter(t, connect(t, s.url())), values("a", "b")...)
		wantValues(t, read(t, openReader(t, connect(t, s.url()), ReaderOptions{}), 2), "a", "b")
	})
}

func TestReaderResumesAfterWhatWasAcknowledged(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	write(t, openWriter(t, c), values("a", "b", "c")...)

	r, err := c.Reader(testContext(t), ReaderOptions{Group: "g", MaxInFlight: 2})
	if err != nil {
		t.Fatal(err)
	}
	ms := read(t, r, 1)
	wantValues(t, ms, "a")
	ack(t, ms...)
	if err := r.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil { // b was fetched ahead and comes again at once
		t.Fatal(err)
	}
	wantValues(t, sorted(read(t, openReader(t, c, ReaderOptions{}), 2)), "b", "c")
}

func TestWhatIsUnderWayToAReaderThatClosesComesAgainAtOnce(t *testing.T) {
	c := connect(t, startServer(t).url())
	const n, readers = 2000, 20
	want := make([]string, n)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	write(t, openWriter(t, c), values(want...)...)
	for range readers {
		r, err := c.Reader(testContext(t), ReaderOptions{Group: "g", MaxInFlight: 100})
		if err != nil {
			t.Fatal(err)
		}
		ack(t, read(t, r, 1)...) // makes room for another one, which may be on its way when the reader closes
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	r := openReader(t, c, ReaderOptions{})
	for range n - readers {
		ack(t, read(t, r, 1)...)
	}
	if took := time.Since(begun); took > ackWait/2 {
		t.Errorf("the last message came after %v", took)
	}
}

func TestMessageThatWasReturnedAndNotSettledComesAgain(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	stream, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	// A group that was made elsewhere is taken as it is; this one has a short time limit.
	cfg := consumerConfig("g", "demo", ReaderOptions{MaxInFlight: 10}, 0)
	cfg.AckWait = 200 * time.Millisecond
	if _, err := stream.CreateConsumer(testContext(t), cfg); err != nil {
		t.Fatal(err)
	}
	write(t, openWriter(t, c), values("a")...)
	r, err := c.Reader(testContext(t), ReaderOptions{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	if m := read(t, r, 1)[0]; m.Attempt != 1 {
		t.Errorf("attempt %d, want 1", m.Attempt)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if m := read(t, openReader(t, c, ReaderOptions{}), 1)[0]; m.Attempt != 2 || string(m.Record.Value) != "a" {
		t.Errorf("%q comes in attempt %d, want a in attempt 2", m.Record.Value, m.Attempt)
	}
}

func TestMessageThatWaitsIsNotDeliveredTwice(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	stream, err := c.ensureStream(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	const limit = 300 * time.Millisecond
	cfg := consumerConfig("g", "demo", ReaderOptions{MaxInFlight: 10}, 0)
	cfg.AckWait = limit
	consumer, err := stream.CreateConsumer(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := openReader(t, c, ReaderOptions{})
	write(t, openWriter(t, c), values("a", "b")...)
	first := read(t, r, 1)[0] // b waits in the reader, a with us
	begun := time.Now()
	await(t, "three time limits pass", func() bool { return time.Since(begun) > 3*limit })
	second := read(t, r, 1)[0]
	ack(t, first, second)
	if second.Attempt != 1 || string(second.Record.Value) != "b" {
		t.Errorf("%q comes in attempt %d, want b in attempt 1", second.Record.Value, second.Attempt)
	}
	await(t, "both are settled", func() bool {
		info, err := consumer.Info(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if info.NumRedelivered != 0 {
			t.Fatalf("%d messages were delivered again", info.NumRedelivered)
		}
		return info.NumAckPending == 0
	})
}

func TestReadGathersUntilTheWaitIsOver(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	r := openReader(t, c, ReaderOptions{})
	write(t, w, values("a", "b", "c")...)
	ms, err := r.Read(testContext(t), 3, time.Hour) // full before the wait is over
	if err != nil {
		t.Fatal(err)
	}
	wantValues(t, ms, "a", "b", "c")
	write(t, w, values("d")...)
	ms, err = r.Read(testContext(t), 3, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	wantValues(t, ms, "d")
}

func TestReadEndsWithItsContext(t *testing.T) {
	for _, scheme := range []string{"nats", "nats+core"} {
		t.Run(scheme, func(t *testing.T) {
			s := startServer(t)
			r := openReader(t, connect(t, strings.Replace(s.url(), "nats", scheme, 1)), ReaderOptions{})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := r.Read(ctx, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFromLatestBeginsWithWhatComesNext(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("old")...)
	r := openReader(t, c, ReaderOptions{From: "latest"})
	write(t, w, values("new")...)
	wantValues(t, read(t, r, 1), "new")
}

func TestGroupsReadIndependently(t *testing.T) {
	c := connect(t, startServer(t).url(), topic("a.b"))
	write(t, openWriter(t, c), values("x")...)
	for _, group := range []string{"sink.a", "sink_a", "sink a/*>ü"} {
		ms := read(t, openReader(t, c, ReaderOptions{Group: group}), 1)
		wantValues(t, ms, "x")
		ack(t, ms...)
	}
}

func TestReaderRefusesWhatWouldLoseRecords(t *testing.T) {
	c := connect(t, startServer(t).url(), topic("orders.eu"))
	ctx := testContext(t)
	stream, err := c.js.CreateStream(ctx, jetstream.StreamConfig{Name: "MINE", Subjects: []string{"orders.>"}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		cfg  jetstream.ConsumerConfig
		want string
	}{
		{
			"a consumer of another topic",
			jetstream.ConsumerConfig{FilterSubject: "orders.us", AckPolicy: jetstream.AckExplicitPolicy},
			"choose another --group",
		},
		{
			"a consumer of all topics of the stream",
			jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy},
			"choose another --group",
		},
		{
			"a consumer without acknowledgements",
			jetstream.ConsumerConfig{FilterSubject: "orders.eu", AckPolicy: jetstream.AckNonePolicy},
			"explicit acknowledgements",
		},
		{
			"a consumer that gives up",
			jetstream.ConsumerConfig{FilterSubject: "orders.eu", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 3},
			"gives a record up after 3 deliveries",
		},
		{
			"a consumer without payloads",
			jetstream.ConsumerConfig{FilterSubject: "orders.eu", AckPolicy: jetstream.AckExplicitPolicy, HeadersOnly: true},
			"without their payloads",
		},
		{
			"a consumer that is pushed to",
			jetstream.ConsumerConfig{FilterSubject: "orders.eu", AckPolicy: jetstream.AckExplicitPolicy, DeliverSubject: "push.here"},
			"choose another --group",
		},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Durable = strconv.Itoa(i)
			if _, err := stream.CreateConsumer(ctx, tt.cfg); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Reader(ctx, ReaderOptions{Group: tt.cfg.Durable}); err == nil || !strings.Contains(err.Error(), tt.want) ||
				!isConfigError(err) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
	for _, o := range []ReaderOptions{{}, {Group: "g", From: "yesterday"}} {
		if _, err := c.Reader(ctx, o); err == nil {
			t.Errorf("no error for %+v", o)
		}
	}
}

func TestReaderGoesOnAfterTheServerRestarts(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	w, r := openWriter(t, c), openReader(t, c, ReaderOptions{})
	write(t, w, values("a")...)
	ack(t, read(t, r, 1)...)
	if err := r.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	await(t, "the loss is noticed", func() bool { return c.Healthy() != nil })
	s.start()
	await(t, "the connection is back", func() bool { return c.Healthy() == nil })
	write(t, w, values("b")...)
	wantValues(t, read(t, r, 1), "b")
}

func TestOnceEndsAtWhatWasThereAtTheStart(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	wantEnd := func(r transport.Reader) {
		t.Helper()
		if ms, err := r.Read(testContext(t), 10, 0); err != io.EOF {
			t.Fatalf("Read = %d messages, %v; want the end", len(ms), err)
		}
	}
	wantEnd(openReader(t, c, ReaderOptions{Once: true, Group: "empty"}))

	write(t, w, values("a", "b")...)
	r := openReader(t, c, ReaderOptions{Once: true})
	write(t, w, values("later")...)
	ms := read(t, r, 2)
	wantValues(t, ms, "a", "b")
	wantEnd(r) // what the caller still holds does not keep it from the end

	ack(t, ms...)
	ack(t, ms...) // a second time does nothing
	wantEnd(r)
	if err := r.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	rest := openReader(t, c, ReaderOptions{Once: true})
	ms = read(t, rest, 1)
	wantValues(t, ms, "later")
	ack(t, ms...)
	wantEnd(rest)
	wantEnd(openReader(t, c, ReaderOptions{Once: true}))
	wantEnd(openReader(t, c, ReaderOptions{Once: true, Group: "new", From: "latest"}))
}

func TestAReadThatWaitsReturnsWhatCameWhenItEnds(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	r := openReader(t, c, ReaderOptions{}).(*reader)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	got := make(chan []transport.Message)
	go func() {
		ms, _ := r.Read(ctx, 10, time.Hour)
		got <- ms
	}()
	awaitLocked := func(what string, is func() bool) {
		t.Helper()
		await(t, what, func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return is()
		})
	}
	write(t, w, values("a")...)
	awaitLocked("it waits for nine more", func() bool { return r.want == 9 })
	write(t, w, values("b")...)
	awaitLocked("the second has come", func() bool { return len(r.queue) == 1 })
	cancel()
	wantValues(t, <-got, "a", "b")
}

func TestAReadThatWaitsForMoreThanIsFetchedAheadGetsIt(t *testing.T) {
	c := connect(t, startServer(t).url())
	const n = 40
	var recs []record.Record
	for i := range n {
		recs = append(recs, record.Record{ID: strconv.Itoa(i), Value: make([]byte, 3*prefetchBytes/2/n)})
	}
	write(t, openWriter(t, c), recs...)
	r := openReader(t, c, ReaderOptions{})
	ctx := testContext(t)
	if ms, err := r.Read(ctx, n, time.Hour); err != nil || ctx.Err() != nil || len(ms) != n {
		t.Errorf("%d messages and %v, the context %v", len(ms), err, ctx.Err())
	}
}

func TestAReadEndsWithTheMessageThatReachesItsBytes(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"JetStream":      func(t *testing.T) string { return startServer(t).url() },
		"plain subjects": coreURL,
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, url(t))
			r := openReader(t, c, ReaderOptions{MaxBytes: 64 << 10})
			recs := make([]record.Record, 8)
			for i := range recs {
				recs[i] = record.Record{ID: strconv.Itoa(i), Value: make([]byte, 16<<10)}
			}
			write(t, openWriter(t, c), recs...)
			ctx := testContext(t)
			for range 2 {
				if ms, err := r.Read(ctx, len(recs), time.Hour); err != nil || ctx.Err() != nil || len(ms) != 4 {
					t.Fatalf("%d messages of 16 KiB and %v, the context %v; want 4", len(ms), err, ctx.Err())
				}
			}
		})
	}
}

func TestWhenAReadIsWoken(t *testing.T) {
	opts := ReaderOptions{MaxInFlight: 100, MaxBytes: 1000}
	once := opts
	once.Once = true
	tests := []struct {
		name string
		r    *reader
		want bool
	}{
		{"it has too few", &reader{opts: opts, want: 20, queue: make([]*delivery, 19)}, false},
		{"it has what it waits for", &reader{opts: opts, want: 20, queue: make([]*delivery, 20)}, true},
		{"there is room to ask for messages", &reader{opts: opts, want: 99, queue: make([]*delivery, 25)}, true},
		{"there is room to ask for bytes", &reader{opts: opts, want: 99, waiting: 250}, true},
		{"nothing is behind it", &reader{opts: opts, want: 99}, false},
		{"nothing is behind it in a bounded pass", &reader{opts: once, want: 99}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.enough(); got != tt.want {
				t.Errorf("woken: %v", got)
			}
		})
	}
}

func TestOnceAsksForItsEndOnlyWhenAllIsSent(t *testing.T) {
	c := connect(t, startServer(t).url())
	write(t, openWriter(t, c), values("a", "b", "c")...)
	r := openReader(t, c, ReaderOptions{Once: true, MaxInFlight: 1}) // so that they are sent one by one
	for left := 2; left >= 0; left-- {
		ms := read(t, r, 1)
		if sent := r.(*reader).sent(); sent != (left == 0) {
			t.Errorf("with %d records to come: sent %v", left, sent)
		}
		ack(t, ms...)
	}
}

func TestOnceDoesNotWaitForMoreBehindTheLast(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("a", "b")...)
	r := openReader(t, c, ReaderOptions{Once: true})
	write(t, w, values("later")...)
	ctx := testContext(t)
	ms, err := r.Read(ctx, 10, time.Hour)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("Read = %v, and its context %v", err, ctx.Err())
	}
	wantValues(t, ms, "a", "b")
}

func TestOnceWaitsForWhatAnEarlierReaderHolds(t *testing.T) {
	c := connect(t, startServer(t).url())
	write(t, openWriter(t, c), values("a")...)
	other := openReader(t, c, ReaderOptions{})
	held := read(t, other, 1)[0]
	r := openReader(t, c, ReaderOptions{Once: true})
	ctx, cancel := context.WithTimeout(t.Context(), 4*onceTick)
	defer cancel()
	if _, err := r.Read(ctx, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the pass ended while a record was not done: %v", err)
	}
	if err := other.Close(); err != nil { // so that it goes to the other reader
		t.Fatal(err)
	}
	if err := held.Ack(); err != nil { // too late, and no harm
		t.Fatal(err)
	}
	ms := read(t, r, 1)
	wantValues(t, ms, "a")
	ack(t, ms...)
}

func TestForeignMessageGetsSensibleDefaults(t *testing.T) {
	c := connect(t, startServer(t).url())
	r := openReader(t, c, ReaderOptions{})
	ack1, err := c.js.Publish(testContext(t), "demo", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.js.Publish(testContext(t), "demo", []byte("named"), jetstream.WithMsgID("mine")); err != nil {
		t.Fatal(err)
	}
	ms := read(t, r, 2)
	wantValues(t, ms, "plain", "named")
	if got, want := ms[0].Record.ID, "demo:"+strconv.FormatUint(ack1.Sequence, 10); got != want {
		t.Errorf("id %q, want %q", got, want)
	}
	if ms[1].Record.ID != "mine" {
		t.Errorf("id %q, want mine", ms[1].Record.ID)
	}
	if age := time.Since(ms[0].Record.Time); age < 0 || age > time.Minute {
		t.Errorf("time %v is not that of the stream", ms[0].Record.Time)
	}
}

func TestAMessageThatCannotBeReadIsDeliveredAsItIs(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	r := openReader(t, c, ReaderOptions{})
	write(t, w, record.Record{Value: []byte("not JSON"), Headers: map[string]string{"x": "y"}})
	msg := read(t, r, 1)[0]
	if msg.Record.Headers["x"] != "y" {
		t.Errorf("headers %v", msg.Record.Headers)
	}
	m := newMsg("demo", "not an event", "content-type", "application/cloudevents+json")
	if _, err := c.js.PublishMsg(testContext(t), m); err != nil {
		t.Fatal(err)
	}
	wantValues(t, read(t, r, 1), "not an event")
}

// sorted orders messages by value, for where redelivery may change the order.
func sorted(ms []transport.Message) []transport.Message {
	for i := range ms {
		for j := i; j > 0 && string(ms[j].Record.Value) < string(ms[j-1].Record.Value); j-- {
			ms[j], ms[j-1] = ms[j-1], ms[j]
		}
	}
	return ms
}

func TestWhatIsNotSettledComesToTheNextReaderAtOnce(t *testing.T) {
	c := connect(t, startServer(t).url())
	var all []string
	for n := range 200 {
		all = append(all, fmt.Sprintf("%03d", n))
	}
	write(t, openWriter(t, c), values(all...)...)
	first, err := c.Reader(testContext(t), ReaderOptions{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	ms := read(t, first, 5)
	ack(t, ms[0], ms[2])
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	seen := map[string]bool{"000": true, "002": true}
	for _, m := range read(t, openReader(t, c, ReaderOptions{}), 198) {
		if value := string(m.Record.Value); seen[value] {
			t.Errorf("%s comes again", value)
		} else {
			seen[value] = true
		}
	}
	if waited := time.Since(began); waited > ackWait/2 {
		t.Errorf("they came after %s", waited)
	}
}
