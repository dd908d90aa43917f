package delivery

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// counts are values of metrics, without the prefix that all have; parts carry their name behind a colon.
type counts map[string]float64

// measured reads all metrics.
func measured(t *testing.T, m *observe.Metrics) counts {
	t.Helper()
	var text bytes.Buffer
	if err := observe.Write(&text, m); err != nil {
		t.Fatal(err)
	}
	all := counts{}
	for lines := bufio.NewScanner(&text); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		name, labels, _ := strings.Cut(strings.TrimPrefix(series, "patchbay_"), "{")
		if _, part, ok := strings.Cut(labels, `part="`); ok {
			name += ":" + strings.TrimSuffix(part, `"}`)
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = v
		}
	}
	return all
}

// expect checks the counters that count records: those that are not named must be 0.
func (c counts) expect(t *testing.T, want counts) {
	t.Helper()
	for _, name := range []string{
		"received_records_total", "received_bytes_total", "delivered_records_total", "delivered_bytes_total",
		"filtered_records_total", "skipped_records_total", "dead_lettered_records_total", "retried_records_total",
		"session_restarts_total", "in_flight_records", "in_flight_bytes",
	} {
		if c[name] != want[name] {
			t.Errorf("%s = %v, want %v", name, c[name], want[name])
		}
	}
	for name, value := range want {
		if c[name] != value {
			t.Errorf("%s = %v, want %v", name, c[name], value)
		}
	}
}

func newMetrics(direction string) *observe.Metrics {
	return observe.NewMetrics(observe.Info{Name: "test", Direction: direction})
}

func chainOf(t *testing.T, steps ...transform.Step) *transform.Chain {
	t.Helper()
	chain, err := transform.Compile(steps, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// failing is a verdict that fails the first tries of a value.
func failing(value string, times int32, err error) func(string) error {
	var tries atomic.Int32
	return func(v string) error {
		if v == value && tries.Add(1) <= times {
			return err
		}
		return nil
	}
}

func TestEverythingThatHappensToARecordIsCountedOnce(t *testing.T) {
	bad := transform.Step{Kind: transform.Map, Expr: `if . == 2 then error("bad") else . end`}
	refused := func() func(string) error { return failing("2", 1, &transport.Rejected{Err: errors.New("refused")}) }
	tests := []struct {
		name    string
		steps   []transform.Step
		verdict func() func(string) error // of the topic of the source, or of the system of the sink
		on      OnError
		want    counts // of four records received, with a byte each
	}{
		{name: "delivered", want: counts{"delivered_records_total": 4, "delivered_bytes_total": 4}},
		{name: "filtered", steps: []transform.Step{{Kind: transform.Filter, Expr: ". > 1"}}, want: counts{
			"filtered_records_total": 1, "delivered_records_total": 3, "delivered_bytes_total": 3,
		}},
		{name: "fanned out", steps: []transform.Step{{Kind: transform.ArrayMap, Expr: "[., . * 10]"}}, want: counts{
			"delivered_records_total": 8, "delivered_bytes_total": 12,
		}},
		{
			name: "tried again", verdict: func() func(string) error { return failing("2", 3, errAway) },
			want: counts{"retried_records_total": 3, "delivered_records_total": 4, "delivered_bytes_total": 4},
		},
		{name: "skipped by a transform", steps: []transform.Step{bad}, on: Skip, want: counts{
			"skipped_records_total": 1, "delivered_records_total": 3, "delivered_bytes_total": 3,
		}},
		{name: "skipped at the end", verdict: refused, on: Skip, want: counts{
			"skipped_records_total": 1, "delivered_records_total": 3, "delivered_bytes_total": 3,
		}},
		{name: "dead-lettered by a transform", steps: []transform.Step{bad}, on: DeadLetter, want: counts{
			"dead_lettered_records_total": 1, "delivered_records_total": 3, "delivered_bytes_total": 3,
		}},
		{name: "dead-lettered at the end", verdict: refused, on: DeadLetter, want: counts{
			"dead_lettered_records_total": 1, "delivered_records_total": 3, "delivered_bytes_total": 3,
		}},
	}
	for _, tt := range tests {
		tt.want["received_records_total"], tt.want["received_bytes_total"] = 4, 4
		verdict := func() func(string) error { return func(string) error { return nil } }
		if tt.verdict != nil {
			verdict = tt.verdict
		}
		run := func(direction string, run func(m *observe.Metrics, f Failures) error) {
			t.Run(direction+"/"+tt.name, func(t *testing.T) {
				m, letters := newMetrics(direction), &fakeTopic{verdict: failing("2", 2, errAway)}
				m.Up(observe.Broker)
				if err := run(m, Failures{tt.on, letters.Write}); err != nil {
					t.Fatal(err)
				}
				got := measured(t, m)
				got.expect(t, tt.want)
				mustEqual(t, "parts", []float64{got["up:broker"], got["up:system"]}, []float64{1, 1})
				if direction == "source" {
					mustEqual(t, "batches", []float64{got["batch_records_count"], got["batch_records_sum"]}, []float64{1, 4})
					mustEqual(t, "publishes", got["publish_duration_seconds_count"], tt.want["delivered_records_total"])
					return
				}
				mustEqual(t, "writes", got["write_duration_seconds_count"], got["batch_records_count"])
				handed := tt.want["delivered_records_total"] + tt.want["retried_records_total"]
				if tt.verdict != nil && tt.on != "" {
					handed++ // and refused
				}
				mustEqual(t, "records in batches", got["batch_records_sum"], handed)
			})
		}
		run("source", func(m *observe.Metrics, f Failures) error {
			return runSource(t.Context(), SourceConfig{
				Writer: &fakeTopic{verdict: verdict()}, Metrics: m, Chain: chainOf(t, tt.steps...), Failures: f,
			}, func(ctx context.Context, out *Output) error { return out.Send(ctx, numbered(1, 4)...) })
		})
		run("sink", func(m *observe.Metrics, f Failures) error {
			return runSink(t.Context(), SinkConfig{
				Reader: &fakeReader{feed: strs(1, 4), end: true}, Metrics: m, Chain: chainOf(t, tt.steps...), Failures: f,
			}, each(verdict()))
		})
	}
}

// awaitPart waits until a part is up, or down.
func awaitPart(t *testing.T, m *observe.Metrics, part string, up bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s up: %t", part, up), func() bool { return measured(t, m)["up:"+part] == 1 == up })
}

func TestASourceIsReadyWhileItRunsAndItsTopicTakesRecords(t *testing.T) {
	m, away := newMetrics("source"), atomic.Bool{}
	topic := &fakeTopic{verdict: func(string) error {
		if away.Load() {
			return errAway
		}
		return nil
	}}
	m.Up(observe.Broker) // who opens the topic says so
	next, ended := make(chan error), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		ended <- runSource(ctx, SourceConfig{Writer: topic, Metrics: m, Limits: patient()},
			func(ctx context.Context, out *Output) error {
				if err := <-next; err != nil {
					return err
				}
				return errors.Join(out.Send(ctx, numbered(1, 2)...), <-next)
			})
	}()
	awaitPart(t, m, "session", false)
	next <- errors.New("401") // before a sign of life
	awaitPart(t, m, "session", false)
	next <- nil
	awaitPart(t, m, "session", true)
	awaitPart(t, m, "system", true)
	next <- errors.New("connection lost")
	awaitPart(t, m, "session", false)
	away.Store(true)
	next <- nil
	awaitPart(t, m, "session", true)
	awaitPart(t, m, "broker", false)
	away.Store(false)
	awaitPart(t, m, "broker", true)
	eventually(t, "four records delivered", func() bool { return measured(t, m)["delivered_records_total"] == 4 })
	got := measured(t, m)
	mustEqual(t, "restarts", got["session_restarts_total"], 2)
	mustEqual(t, "received", got["received_records_total"], 4)

	topic.mu.Lock()
	topic.hold = true
	topic.mu.Unlock()
	next <- errors.New("once more")
	next <- nil
	eventually(t, "two records in flight", func() bool { return measured(t, m)["in_flight_records"] == 2 })
	stop()
	awaitPart(t, m, "session", false) // while it is drained
	mustEqual(t, "in flight in the drain", measured(t, m)["in_flight_bytes"], 2)
	next <- nil
	topic.release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	got = measured(t, m)
	mustEqual(t, "at the end", []float64{got["in_flight_records"], got["delivered_records_total"]}, []float64{0, 6})
}

// patient are limits whose waits are long enough to be seen.
func patient() Limits {
	l := testLimits()
	l.RetryCap = 50 * time.Millisecond
	return l
}

func TestADeadLetterTopicThatIsAwayIsABrokerThatIsDown(t *testing.T) {
	m, away := newMetrics("source"), atomic.Bool{}
	away.Store(true)
	letters := &fakeTopic{verdict: func(string) error {
		if away.Load() {
			return errAway
		}
		return nil
	}}
	m.Up(observe.Broker)
	ended := make(chan error, 1)
	go func() {
		ended <- runSource(t.Context(), SourceConfig{
			Writer: &fakeTopic{verdict: failing("2", 1, &transport.Rejected{Err: errAway})}, Metrics: m, Limits: patient(),
			Failures: Failures{DeadLetter, letters.Write},
		}, func(ctx context.Context, out *Output) error { return out.Deliver(ctx, numbered(1, 3)...) })
	}()
	awaitPart(t, m, "broker", false)
	away.Store(false)
	awaitPart(t, m, "broker", true)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "batches of Deliver", measured(t, m)["batch_records_sum"], 3)
	measured(t, m).expect(t, counts{
		"received_records_total": 3, "received_bytes_total": 3, "delivered_records_total": 2, "delivered_bytes_total": 2,
		"dead_lettered_records_total": 1,
	})
}

// A laggingReader says how far behind it is, and fails when it is told to.
type laggingReader struct {
	fakeReader
	fails atomic.Bool
}

func (l *laggingReader) Lag() (int64, bool) { return 42, true }

func (l *laggingReader) Read(ctx context.Context, max int, wait time.Duration) ([]transport.Message, error) {
	if l.fails.Load() {
		return nil, errAway
	}
	return l.fakeReader.Read(ctx, max, wait)
}

func TestASinkIsReadyWhileItsSystemTakesRecords(t *testing.T) {
	for _, how := range []string{"records fail", "sessions fail"} {
		t.Run(how, func(t *testing.T) {
			m, away := newMetrics("sink"), atomic.Bool{}
			away.Store(true)
			reader := &laggingReader{fakeReader: fakeReader{feed: strs(1, 3)}}
			ctx, stop := context.WithCancel(t.Context())
			ended, tries := make(chan error, 1), atomic.Int32{}
			go func() {
				ended <- runSink(ctx, SinkConfig{Reader: reader, Metrics: m, Limits: patient()},
					func(ctx context.Context, in *Input) error {
						for {
							b, err := in.Next(ctx)
							if errors.Is(err, io.EOF) {
								return nil
							} else if err != nil {
								return err
							}
							if tries.Add(1) > 1 && m != nil && measured(t, m)["up:system"] != 0 {
								t.Error("the system is up because it is tried")
							}
							if away.Load() && how == "sessions fail" {
								return errAway
							}
							for i := range b.Records {
								if away.Load() {
									b.Fail(i, errAway)
								}
							}
							b.Ack()
						}
					})
			}()
			eventually(t, "a third try", func() bool { return tries.Load() > 2 })
			awaitPart(t, m, "system", false)
			got := measured(t, m)
			mustEqual(t, "lag", got["consumer_lag_records"], 42)
			mustEqual(t, "in flight", []float64{got["in_flight_records"], got["in_flight_bytes"]}, []float64{3, 3})
			away.Store(false)
			awaitPart(t, m, "system", true)
			got = measured(t, m)
			mustEqual(t, "delivered", got["delivered_records_total"], 3)
			mustEqual(t, "in flight", got["in_flight_records"], 0)
			if got["retried_records_total"] < 6 || got["session_restarts_total"] > 0 != (how == "sessions fail") {
				t.Errorf("%v records tried again, %v restarts", got["retried_records_total"], got["session_restarts_total"])
			}
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			awaitPart(t, m, "session", false)
		})
	}
}

func TestAnIdleSinkIsReady(t *testing.T) {
	m := newMetrics("sink")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- runSink(ctx, SinkConfig{Reader: &fakeReader{}, Metrics: m}, each(func(string) error { return nil }))
	}()
	awaitPart(t, m, "session", true)
	awaitPart(t, m, "system", true)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestOneDeliveryShowsThatTheSystemIsBack(t *testing.T) {
	m := newMetrics("sink")
	err := runSink(t.Context(), SinkConfig{Reader: &fakeReader{feed: strs(1, 2), end: true}, Metrics: m, BatchSize: 1},
		func(ctx context.Context, in *Input) error {
			first, err := in.Next(ctx)
			if err != nil {
				return err
			}
			second, err := in.Next(ctx)
			if err != nil {
				return err
			}
			first.Fail(0, errAway)
			second.Fail(0, errAway)
			for up := range 2 {
				b, err := in.Next(ctx)
				if err != nil {
					return err
				}
				mustEqual(t, "the system is up", measured(t, m)["up:system"], up)
				b.Ack()
				mustEqual(t, "the system is up after a delivery", measured(t, m)["up:system"], 1)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

func TestATopicThatCannotBeReadIsABrokerThatIsDown(t *testing.T) {
	m, reader := newMetrics("sink"), &laggingReader{fakeReader: fakeReader{feed: strs(1, 3), end: true}}
	reader.fails.Store(true)
	m.Up(observe.Broker)
	ended := make(chan error, 1)
	go func() {
		ended <- runSink(t.Context(), SinkConfig{Reader: reader, Metrics: m, Limits: patient()},
			each(func(string) error { return nil }))
	}()
	awaitPart(t, m, "broker", false)
	reader.fails.Store(false)
	awaitPart(t, m, "broker", true)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestTheAgeOfPositionsThatAreNotSaved(t *testing.T) {
	m, topic, store := newMetrics("source"), &fakeTopic{}, &fakeStore{err: errors.New("disk full")}
	next, ended := make(chan struct{}), make(chan error, 1)
	age := func() float64 { return measured(t, m)["position_age_seconds"] }
	go func() {
		ended <- runSource(t.Context(), SourceConfig{Writer: topic, Store: store, Metrics: m},
			func(ctx context.Context, out *Output) error {
				<-next
				if err := out.Deliver(ctx, numbered(1, 1)...); err != nil {
					return err
				}
				<-next
				if err := out.Send(ctx, numbered(2, 3)...); err != nil {
					return err
				}
				<-next
				return nil
			})
	}()
	eventually(t, "the age is known", func() bool { _, known := measured(t, m)["position_age_seconds"]; return known })
	mustEqual(t, "age of nothing", age(), 0)
	next <- struct{}{}
	eventually(t, "a save that failed", func() bool { return measured(t, m)["position_save_errors_total"] > 0 })
	eventually(t, "an age", func() bool { return age() > 0.01 })
	store.mu.Lock()
	store.err = nil
	store.mu.Unlock()
	eventually(t, "the position is saved", func() bool { return measured(t, m)["position_save_duration_seconds_count"] == 1 })
	eventually(t, "no age", func() bool { return age() == 0 })

	topic.mu.Lock()
	topic.hold = true
	topic.mu.Unlock()
	next <- struct{}{}
	eventually(t, "two records on their way", func() bool { return measured(t, m)["in_flight_records"] == 2 })
	topic.mu.Lock()
	third := topic.held[1]
	topic.held = topic.held[:1]
	topic.mu.Unlock()
	begun := time.Now()
	third()
	eventually(t, "the age of what waits for the record before it", func() bool { return age() > 0.01 })
	if got, most := age(), time.Since(begun).Seconds(); got > most {
		t.Errorf("age %v, but only %v have passed", got, most)
	}
	topic.release()
	eventually(t, "no age once more", func() bool { return age() == 0 })
	next <- struct{}{}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestTheTraceContextIsThatOfTheStandard(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	in := map[string]string{"Traceparent": parent, "tracestate": "no state", "Other": "1"}
	want := map[string]string{"traceparent": parent, "Other": "1"}

	var sent, read []map[string]string
	topic := recordingTopic(func(rec record.Record) { sent = append(sent, rec.Headers) })
	err := runSource(t.Context(), SourceConfig{Writer: topic}, func(ctx context.Context, out *Output) error {
		return out.Send(ctx, record.Record{Headers: in})
	})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "sent", sent, []map[string]string{want})

	messages := []transport.Message{{Record: record.Record{Headers: in}, Ack: func() error { return nil }}}
	err = runSink(t.Context(), SinkConfig{Reader: &instantTopic{left: 1, messages: messages}},
		func(ctx context.Context, in *Input) error {
			b, err := in.Next(ctx)
			if err == nil {
				read = append(read, b.Records[0].Headers)
				b.Ack()
			}
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "read", read, []map[string]string{want})
}

// A recordingTopic takes every record.
type recordingTopic func(rec record.Record)

func (r recordingTopic) Write(_ context.Context, rec record.Record, settled func(error)) error {
	r(rec)
	settled(nil)
	return nil
}

func (recordingTopic) Flush(context.Context) error { return nil }
func (recordingTopic) Close() error                { return nil }
