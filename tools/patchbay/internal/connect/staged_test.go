package connect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// A topic is a transport.Writer that keeps what is written.
type topic struct{ got chan string }

func (p *topic) Write(_ context.Context, rec record.Record, settled func(error)) error {
	p.got <- string(rec.Value)
	settled(nil)
	return nil
}
func (p *topic) Flush(context.Context) error { return nil }
func (p *topic) Close() error                { return nil }

var _ transport.Writer = (*topic)(nil)

func TestABatchIsWrittenInTimeAndAtTheEnd(t *testing.T) {
	c, err := build(t, `{combine: {format: lines}}`, "")
	if err != nil {
		t.Fatal(err)
	}
	p := &topic{make(chan string, 10)}
	w := newStagedWriter(p, c)
	f := &fates{}
	write := func(value string) {
		it := f.item(0, value)
		if err := w.Write(t.Context(), it.rec, it.settled); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	write("b")
	select {
	case got := <-p.got:
		if got != "a\nb" {
			t.Errorf("%q was written", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was written")
	}
	write("c")
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-p.got:
		if got != "c" {
			t.Errorf("%q was written", got)
		}
	default:
		t.Error("Flush left records behind")
	}
	write("d")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if last := f.got[len(f.got)-1]; !strings.Contains(last, errClosed.Error()) || len(p.got) > 0 {
		t.Errorf("what was left settled with %q", last)
	}
}

func TestAServiceTransforms(t *testing.T) {
	r := newRig(t)
	all := r.stream("S", "s")
	steps := func(more string) string {
		return fmt.Sprintf("source: {type: numbers, config: {count: 3%s}}\nproducer: {stream: {subject: s}}\ntransformer: {service: {endpoint: double, timeout: 500ms}}", more)
	}
	done := make(chan error, 1)
	go func() { done <- r.run(t.Context(), steps("")) }()
	hosttest.Await(t, "a request that nobody answers", func() bool { return strings.Contains(r.log.String(), "a service does not answer") })
	_, err := r.nc.Subscribe("double", func(m *nats.Msg) {
		answer := nats.NewMsg(m.Reply)
		answer.Data = append(m.Data, m.Data...)
		if string(m.Data) == "13" {
			answer.Header.Set(headerServiceCode, "400")
			answer.Header.Set(headerServiceError, "unlucky")
		}
		_ = m.RespondMsg(answer)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := all(); !slices.Equal(got, []string{"11", "22", "33"}) {
		t.Errorf("the stream holds %q", got)
	}
	r.env = append([]string{"NEX_WORKLOAD_GROUP=other"}, r.env...)
	err = r.run(t.Context(), steps(", text: '13'"))
	if err == nil || !strings.Contains(err.Error(), "service double answers error 400: unlucky") {
		t.Errorf("the run ended with %v", err)
	}
}

func TestAnOutletTransforms(t *testing.T) {
	r := newRig(t)
	r.stream("S", "s")
	steps := func(transformer string) string {
		return fmt.Sprintf("consumer: {stream: {subject: s}}\nsink: {type: lines, config: {path: %s}}\ntransformer: %s", r.file, transformer)
	}
	publish := func(text string) {
		if _, err := r.js.Publish(t.Context(), "s", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	publish("[1,[2,3]]")
	publish("[4]")
	stop := r.start(steps("{composite: {sequential: [{explode: {format: json_array}}, {combine: {format: json_array}}]}}"))
	hosttest.Await(t, "the batch", func() bool { return slices.Equal(r.written(), []string{"[1,[2,3],4]"}) })
	stop()
	publish("{") // which ends the run, and is there for the next
	err := r.run(t.Context(), steps("{explode: {format: json_array}}"))
	if err == nil || !strings.Contains(err.Error(), "the payload is no json_array") {
		t.Errorf("the run ended with %v", err)
	}
	stop = r.start(steps("{explode: {format: lines}}"))
	hosttest.Await(t, "the record", func() bool { return slices.Equal(r.written(), []string{"[1,[2,3],4]", "{"}) })
	stop()
}

func TestAnInletCombines(t *testing.T) {
	r := newRig(t)
	all := r.stream("S", "s")
	err := r.run(t.Context(), "source: {type: numbers, config: {count: 5}}\nproducer: {stream: {subject: s}}\ntransformer: {combine: {format: json_array}}")
	if err != nil {
		t.Fatal(err)
	}
	if got := all(); !slices.Equal(got, []string{"[1,2,3,4,5]"}) {
		t.Errorf("the stream holds %q", got)
	}
}
