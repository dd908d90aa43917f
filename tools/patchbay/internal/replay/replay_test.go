package replay_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/replay"
)

func TestARecordComesBackAsItWasUnderAnotherID(t *testing.T) {
	url := startBroker(t)
	was := record.Record{
		ID: "id", Key: "k\x00", Partition: "p", Op: record.Delete, Type: "a.b", Subject: "s",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Headers: map[string]string{"A": "1", "ce-x": "2"}, Value: []byte("\xff\n"),
	}
	dead := was
	dead.ID, dead.Headers = "id.dead.one", maps.Clone(was.Headers)
	maps.Copy(dead.Headers, letter("id", "", "why").Headers)
	write(t, url, "demo", was)
	write(t, url, "demo.dead", dead)

	sum, err := pass(t, url, nil)
	if err != nil || sum.Replayed != 1 || sum.PassedOver != 0 || sum.Untransformed != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	got := content(t, url, "demo")
	if len(got) != 2 {
		t.Fatalf("the topic holds %d records: the replayed one was taken for the first", len(got))
	}
	if !regexp.MustCompile(`^id\.replay\.[0-9a-f]{16}$`).MatchString(got[1].ID) {
		t.Errorf("its id is %q", got[1].ID)
	}
	got[1].ID = was.ID
	if !reflect.DeepEqual(got[1], was) {
		t.Errorf("it is %+v, and was %+v", got[1], was)
	}
	if sum, err = pass(t, url, nil); err != nil || sum != (replay.Summary{}) {
		t.Errorf("it is replayed again: %+v, %v", sum, err)
	}
}

func TestIDs(t *testing.T) {
	url := startBroker(t)
	later := letter("a", "later", "why")
	later.ID = "a.dead.two"
	again := letter("a", "again", "why")
	again.ID, again.Headers["Patchbay-Dead-Time"] = "a.dead.three", "2026-01-02T03:04:06Z"
	foreign := record.Record{ID: "foreign", Value: []byte("foreign")}
	write(t, url, "demo.dead", letter("a", "first", "why"), later, again, foreign)
	to := func(c *replay.Config) { c.To = "other" }
	if sum, err := pass(t, url, to); err != nil || sum.Replayed != 4 {
		t.Fatalf("%+v, %v", sum, err)
	}
	first := content(t, url, "other")
	wantValues(t, first, "first", "later", "again", "foreign")

	// What was replayed and died again is another letter, with an id no longer than before.
	dead := letter(first[0].ID, "first", "why")
	write(t, url, "demo.dead", dead)
	if sum, err := pass(t, url, to); err != nil || sum.Replayed != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	second := content(t, url, "other")
	if len(second) != 5 || len(second[4].ID) != len(first[0].ID) || !strings.HasPrefix(second[4].ID, "a.replay.") {
		t.Errorf("the ids are %q and %q", first[0].ID, second[len(second)-1].ID)
	}
}

func TestALetterThatIsSentAgainIsStoredOnce(t *testing.T) {
	url := startBroker(t)
	write(t, url, "demo.dead", letters(2)...)
	for _, group := range []string{"one", "two"} { // as after a crash before the acknowledgement
		sum, err := pass(t, url, func(c *replay.Config) { c.Letters = reader(t, url, group) })
		if err != nil || sum.Replayed != 2 {
			t.Fatalf("%+v, %v", sum, err)
		}
	}
	wantValues(t, content(t, url, "demo"), "1", "2")
}

func reader(t *testing.T, url, group string) transport.Reader {
	t.Helper()
	r, err := connect(t, url, "demo.dead").Reader(limited(t), nats.ReaderOptions{Group: group, Once: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestLettersOfAnotherReasonStay(t *testing.T) {
	url := startBroker(t)
	write(t, url, "demo.dead", letters(5)...)
	sum, err := pass(t, url, func(c *replay.Config) { c.Reason = regexp.MustCompile("^even") })
	if err != nil || sum.Replayed != 2 || sum.PassedOver != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	wantValues(t, content(t, url, "demo"), "2", "4")
	if sum, err = pass(t, url, nil); err != nil || sum.Replayed != 3 {
		t.Fatalf("the rest: %+v, %v", sum, err)
	}
	wantValues(t, content(t, url, "demo"), "2", "4", "1", "3", "5")
}

func TestMaxEndsThePass(t *testing.T) {
	url := startBroker(t)
	write(t, url, "demo.dead", letters(5)...)
	for _, want := range []int{2, 2, 1, 0} {
		if sum, err := pass(t, url, func(c *replay.Config) { c.Max = 2 }); err != nil || sum.Replayed != want {
			t.Fatalf("%+v, %v, want %d", sum, err, want)
		}
	}
	wantValues(t, content(t, url, "demo"), "1", "2", "3", "4", "5")
}

func TestAListSendsNothing(t *testing.T) {
	url := startBroker(t)
	dead := letters(3)
	dead[1].Headers["Patchbay-Dead-Step"], dead[1].Headers["Patchbay-Dead-Connector"] = "transform", "http-source"
	dead[2].Headers["Patchbay-Dead-Step"] = "publish"
	write(t, url, "demo.dead", dead...)
	var list bytes.Buffer
	sum, err := pass(t, url, func(c *replay.Config) { c.List = &list })
	if err != nil || sum.Chosen != 3 || sum.Replayed != 0 || sum.Untransformed != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	first, _, _ := strings.Cut(list.String(), "\n")
	want := `{"id":"id-1","topic":"demo","step":"write","reason":"odd","connector":"http-sink","time":"2026-01-02T03:04:05Z"}`
	if first != want || strings.Count(list.String(), "\n") != 3 {
		t.Errorf("the list is\n%s", list.String())
	}
	wantValues(t, content(t, url, "demo"))
	if sum, err := pass(t, url, nil); err != nil || sum.Replayed != 3 {
		t.Errorf("what was listed is not there: %+v, %v", sum, err)
	}
}

func TestLettersThatCannotBeSentStayAndTheOthersGo(t *testing.T) {
	url := startBroker(t)
	dead := letters(3)
	delete(dead[0].Headers, "Patchbay-Dead-Topic")
	dead[1].Headers["Patchbay-Dead-Topic"] = "-"
	write(t, url, "demo.dead", dead...)
	for range 2 {
		sum, err := pass(t, url, nil)
		if err != nil || sum.Failed != 2 || !strings.Contains(sum.Failure.Error(), `"id-1": it does not say which topic`) {
			t.Fatalf("%+v, %v", sum, err)
		}
		wantValues(t, content(t, url, "demo"), "3")
	}
	if sum, err := pass(t, url, func(c *replay.Config) { c.To = "demo" }); err != nil || sum.Replayed != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
}

// A refusing writer settles the records that refuse names with its error, and lets the others through.
type refusing struct {
	transport.Writer
	refuse func(record.Record) error
}

func (w *refusing) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	if err := w.refuse(rec); err != nil {
		settled(err)
		return nil
	}
	return w.Writer.Write(ctx, rec, settled)
}

func TestNothingIsLostWhereTheTopicFails(t *testing.T) {
	tests := []struct {
		name    string
		fault   error
		wantErr bool
		first   int // replayed while it fails
	}{
		{"a record that is refused stays", &transport.Rejected{Err: errors.New("too large")}, false, 4},
		{"the pass ends where the topic is away", errors.New("away"), true, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := startBroker(t)
			write(t, url, "demo.dead", letters(5)...)
			sum, err := pass(t, url, func(c *replay.Config) {
				open := c.Open
				c.Open = func(ctx context.Context, topic string) (transport.Writer, error) {
					w, err := open(ctx, topic)
					return &refusing{w, func(rec record.Record) error {
						if string(rec.Value) == "3" {
							return tt.fault
						}
						return nil
					}}, err
				}
			})
			if sum.Replayed != tt.first || (err != nil) != tt.wantErr || !errors.Is(errors.Join(err, sum.Failure), tt.fault) {
				t.Fatalf("%+v, %v", sum, err)
			}
			if sum, err := pass(t, url, nil); err != nil || sum.Replayed != 5-tt.first {
				t.Fatalf("again: %+v, %v", sum, err)
			}
			wantValues(t, content(t, url, "demo"), "1", "2", "3", "4", "5")
		})
	}
}

func TestAPassDoesNotWaitForEverForWhatAnotherHolds(t *testing.T) {
	url := startBroker(t)
	write(t, url, "demo.dead", letters(3)...)
	other := reader(t, url, "replay")
	if _, err := other.Read(limited(t), 3, 0); err != nil {
		t.Fatal(err)
	}
	sum, err := pass(t, url, func(c *replay.Config) { c.Patience = 200 * time.Millisecond })
	if err == nil || !strings.Contains(err.Error(), "another replay may hold them") {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestAPassEndsWhereTheBrokerHoldsLettersBack(t *testing.T) {
	url := startBroker(t)
	write(t, url, "demo.dead", letters(5)...)
	conn := connect(t, url, "demo.dead")
	narrow, err := conn.Reader(limited(t), nats.ReaderOptions{Group: "narrow", Once: true, MaxInFlight: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer narrow.Close()
	sum, err := pass(t, url, func(c *replay.Config) {
		c.Letters, c.MaxOpen, c.List = narrow, 3, &bytes.Buffer{}
	})
	if err == nil || !strings.Contains(err.Error(), "3 letters were passed over") || sum.Chosen != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestAStopIsNoErrorAndLosesNothing(t *testing.T) {
	url := startBroker(t)
	write(t, url, "demo.dead", letters(3)...)
	ctx, stop := context.WithCancel(limited(t))
	letters := reader(t, url, "stopped")
	sum, err := replay.Run(ctx, replay.Config{
		Letters: letters, Patience: time.Minute,
		Open: func(ctx context.Context, topic string) (transport.Writer, error) {
			w, err := connect(t, url, topic).Writer(ctx)
			return &refusing{w, func(record.Record) error {
				stop()
				return nil
			}}, err
		},
	})
	if err != nil {
		t.Fatalf("%+v, %v", sum, err)
	}
	letters.Close()
	rest, err := pass(t, url, func(c *replay.Config) { c.Letters = reader(t, url, "stopped") })
	if err != nil || sum.Replayed+rest.Replayed != 3 {
		t.Errorf("%+v, then %+v, %v", sum, rest, err)
	}
}
