package cloudevents

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/client"
	sdkevent "github.com/cloudevents/sdk-go/v2/event"
	sdkhttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
)

// sdkEvents are events as the SDK makes them, and the records that they are.
func sdkEvents(t *testing.T) ([]sdk.Event, []record.Record) {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	json := sdk.NewEvent()
	json.SetID("1 é")
	json.SetSource("/orders?x=\"y\"")
	json.SetType("order.made")
	json.SetSubject(`"quoted" subject`)
	json.SetExtension("partitionkey", "k ü")
	json.SetExtension("number", 5)
	json.SetExtension("truth", true)
	json.SetTime(at)
	text := sdk.NewEvent()
	text.SetTime(at)
	text.SetID("2")
	text.SetSource("s")
	text.SetType("note")
	for _, err := range []error{
		json.SetData(sdk.ApplicationJSON, map[string]int{"a": 1}), text.SetData(sdk.TextPlain, "hi"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return []sdk.Event{json, text}, []record.Record{
		{
			ID: "1 é", Time: at, Type: "order.made", Subject: `"quoted" subject`, Key: "k ü", Value: []byte(`{"a":1}`),
			Headers: map[string]string{record.EventSourceHeader: `/orders?x="y"`, "number": "5", "truth": "true"},
		},
		{ID: "2", Time: at, Type: "note", Value: []byte("hi"), Headers: map[string]string{record.EventSourceHeader: "s"}},
	}
}

func TestTheSDKSendsToAReader(t *testing.T) {
	events, want := sdkEvents(t)
	var idle http.Transport
	defer idle.CloseIdleConnections()
	tests := []struct {
		name string
		send func(url string) []error
	}{
		{"binary", func(url string) []error { return sendEach(t, binding.WithForceBinary(t.Context()), &idle, url, events) }},
		{"structured", func(url string) []error {
			return sendEach(t, binding.WithForceStructured(t.Context()), &idle, url, events)
		}},
		{"batched", func(url string) []error {
			req, err := sdkhttp.NewHTTPRequestFromEvents(t.Context(), url, events)
			if err != nil {
				return []error{err}
			}
			resp, err := (&http.Client{Transport: &idle}).Do(req)
			if err != nil {
				return []error{err}
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusNoContent {
				return []error{sdkhttp.NewResult(resp.StatusCode, "refused")}
			}
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, url := listen(t, ReaderConfig{})
			var got []record.Record
			reading := make(chan struct{})
			go func() {
				defer close(reading)
				for range want {
					m := read(t, r, 1)[0]
					got = append(got, m.Record)
					ack(t, m)
				}
			}()
			for _, err := range tt.send(url) {
				t.Error(err)
			}
			<-reading
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func sendEach(t *testing.T, ctx context.Context, rt http.RoundTripper, url string, events []sdk.Event) (failures []error) {
	t.Helper()
	sender, err := sdk.NewClientHTTP(sdk.WithTarget(url), sdkhttp.WithRoundTripper(rt))
	if err != nil {
		return []error{err}
	}
	for _, e := range events {
		if result := sender.Send(ctx, e); !sdk.IsACK(result) {
			failures = append(failures, result)
		}
	}
	return failures
}

func TestTheSDKHearsOfARefusal(t *testing.T) {
	_, url := listen(t, ReaderConfig{MaxBody: 1})
	events, _ := sdkEvents(t)
	var idle http.Transport
	defer idle.CloseIdleConnections()
	sender, err := sdk.NewClientHTTP(sdk.WithTarget(url), sdkhttp.WithRoundTripper(&idle))
	if err != nil {
		t.Fatal(err)
	}
	var result *sdkhttp.Result
	if err := sender.Send(t.Context(), events[0]); !sdk.ResultAs(err, &result) || result.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestTheSDKReceivesFromAWriter(t *testing.T) {
	wanted, recs := sdkEvents(t)
	wanted[0].SetExtension("number", "5") // a header of a record is text
	wanted[0].SetExtension("truth", "true")
	wanted[0].SetExtension("patchbaypartition", "p q")
	recs[0].Partition = "p q"
	for _, mode := range []Mode{Binary, Structured, Batched} {
		t.Run(string(mode), func(t *testing.T) {
			got := make(chan sdkevent.Event, 10)
			handler, err := client.NewHTTPReceiveHandler(t.Context(), newProtocol(t), func(e sdkevent.Event) { got <- e })
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if mode != Batched {
					handler.ServeHTTP(w, r)
					return
				}
				events, err := sdkhttp.NewEventsFromHTTPRequest(r) // the SDK's receiver has no handler for batches
				if err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
				}
				for _, e := range events {
					got <- e
				}
			}))
			defer server.Close()
			w := newWriter(t, WriterConfig{URL: server.URL, Mode: mode})
			f := newFates()
			for i, rec := range recs {
				if err := w.Write(t.Context(), rec, f.of(rec.ID)); err != nil {
					t.Fatal(err)
				}
				if err := f.get(t, rec.ID); err != nil {
					t.Fatal(err)
				}
				e := <-got
				if err := e.Validate(); err != nil {
					t.Error(err)
				}
				shown := e.String()
				if mode == Binary {
					shown = attribute.Unescape(shown) // the SDK leaves that to its user, against the binding
				}
				if diff := cmp.Diff(wanted[i].String(), shown); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func newProtocol(t *testing.T) *sdkhttp.Protocol {
	t.Helper()
	p, err := sdkhttp.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
