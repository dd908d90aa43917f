package connect

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// openWriter opens the subject s, which a stream takes.
func openWriter(t *testing.T, r *rig) *writer {
	t.Helper()
	s, err := connect(t.Context(), r.url, []nats.Option{nats.ReconnectBufSize(-1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w, err := newWriter(t.Context(), s, stream, &place{Subject: "s"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w.(*writer)
}

// fateOf writes a record and returns what becomes of it.
func fateOf(t *testing.T, w transport.Writer, value string) error {
	t.Helper()
	fate := make(chan error, 1)
	if err := w.Write(t.Context(), record.Record{Value: []byte(value)}, func(err error) { fate <- err }); err != nil {
		return err
	}
	return <-fate
}

func TestNothingOvertakesWhatAStreamRefusesForAWhile(t *testing.T) {
	for _, transformed := range []bool{false, true} {
		t.Run(map[bool]string{false: "as it is", true: "transformed"}[transformed], func(t *testing.T) {
			r := newRig(t)
			all := r.stream("S", "s")
			full := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, MaxMsgs: 2, Discard: jetstream.DiscardNew}
			s, err := r.js.UpdateStream(t.Context(), full)
			if err != nil {
				t.Fatal(err)
			}
			var w interface {
				transport.Writer
				transport.Resumer
			} = openWriter(t, r)
			if transformed {
				c, err := build(t, `{explode: {format: lines}}`, "")
				if err != nil {
					t.Fatal(err)
				}
				w = newStagedWriter(w, c)
			}
			for _, value := range []string{"1", "2"} {
				if err := fateOf(t, w, value); err != nil {
					t.Fatal(err)
				}
			}
			if err := fateOf(t, w, "3"); err == nil || delivery.IsPermanent(err) || !strings.Contains(err.Error(), "subject s is full") {
				t.Fatalf("the fate of a record without room is %v", err)
			}
			if err := s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := fateOf(t, w, "4"); err == nil || delivery.IsPermanent(err) {
				t.Fatalf("the fate of a record behind one that was refused is %v", err)
			}
			w.Resume()
			for _, value := range []string{"3", "4"} {
				if err := fateOf(t, w, value); err != nil {
					t.Fatal(err)
				}
			}
			if got := all(); !slices.Equal(got, []string{"3", "4"}) {
				t.Errorf("the stream holds %q", got)
			}
		})
	}
}

func TestAStreamThatIsGoneIsNamedAndUsedOnceItIsThereAgain(t *testing.T) {
	r := newRig(t)
	r.stream("S", "s")
	w := openWriter(t, r)
	if err := fateOf(t, w, "1"); err != nil {
		t.Fatal(err)
	}
	if err := r.js.DeleteStream(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	if err := fateOf(t, w, "2"); err == nil || delivery.IsPermanent(err) {
		t.Fatalf("the fate of a record that nobody takes is %v", err)
	}
	w.Resume()
	const want = "no stream takes the subject s: make one"
	if err := fateOf(t, w, "2"); err == nil || delivery.IsPermanent(err) || !strings.Contains(err.Error(), want) {
		t.Fatalf("the fate of the record behind it is %v, want %q", err, want)
	}
	all := r.stream("S", "s")
	hosttest.Await(t, "the new stream is found", func() bool { w.Resume(); return fateOf(t, w, "2") == nil })
	if got := all(); !slices.Equal(got, []string{"2"}) {
		t.Errorf("the stream holds %q", got)
	}
}
