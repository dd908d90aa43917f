package stdio_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/stdio"
)

// A driver is the other side of a link, played by hand.
type driver struct {
	t   *testing.T
	in  *bufio.Reader
	out *io.PipeWriter
}

// connect makes the ends of a link and hands the child's to child.
func connect(t *testing.T, child func(in io.Reader, out io.Writer) io.Closer) *driver {
	t.Helper()
	in, ours := io.Pipe()
	theirs, out := io.Pipe()
	c := child(in, out)
	t.Cleanup(func() {
		ours.Close()
		theirs.Close()
		c.Close()
	})
	d := &driver{t, bufio.NewReader(theirs), ours}
	d.expect(`{"link":1}`)
	return d
}

func (d *driver) expect(want string) {
	d.t.Helper()
	line, err := d.in.ReadString('\n')
	if err != nil || strings.TrimSuffix(line, "\n") != want {
		d.t.Fatalf("the child sent %q, %v, want %q", line, err, want)
	}
}

func (d *driver) say(lines ...string) {
	d.t.Helper()
	if _, err := io.WriteString(d.out, strings.Join(lines, "\n")+"\n"); err != nil {
		d.t.Fatal(err)
	}
}

func drivenWriter(t *testing.T) (w *stdio.LinkWriter, d *driver) {
	t.Helper()
	d = connect(t, func(in io.Reader, out io.Writer) io.Closer {
		w = stdio.NewLinkWriter(in, out)
		return w
	})
	return w, d
}

func drivenReader(t *testing.T, window int) (r *stdio.LinkReader, d *driver) {
	t.Helper()
	d = connect(t, func(in io.Reader, out io.Writer) io.Closer {
		r = stdio.NewLinkReader(in, out, window)
		return r
	})
	return r, d
}

func TestLinkWriterSettlesAsTheDriverSays(t *testing.T) {
	tests := []struct {
		name, answer string
		check        func(error) bool
	}{
		{"acknowledged", `{"ack":"2"}`, func(err error) bool { return err == nil }},
		{"refused for now", `{"nack":"2","error":"full"}`, func(err error) bool {
			var rejected *transport.Rejected
			var delayed *transport.Delayed
			return err != nil && err.Error() == "full" && !errors.As(err, &rejected) && !errors.As(err, &delayed)
		}},
		{"refused for a while", `{"nack":"2","error":"busy","delay_ms":1500}`, func(err error) bool {
			var delayed *transport.Delayed
			return errors.As(err, &delayed) && delayed.Wait == 1500*time.Millisecond && err.Error() == "busy"
		}},
		{"refused for good, with a delay", `{"nack":"2","delay_ms":9,"permanent":true}`, func(err error) bool {
			var rejected *transport.Rejected
			var delayed *transport.Delayed
			return errors.As(err, &rejected) && !errors.As(err, &delayed)
		}},
		{"refused for good", `{"nack":"2","error":"too large","permanent":true}`, func(err error) bool {
			var rejected *transport.Rejected
			return errors.As(err, &rejected) && err.Error() == "too large"
		}},
		{"gone", "", func(err error) bool { return errors.Is(err, transport.ErrClosed) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, d := drivenWriter(t)
			d.say(`{"link":1}`, `{"credit":1}`)
			settled := make(chan error, 1)
			if err := w.Write(t.Context(), record.Record{Value: []byte("a")}, func(err error) { settled <- err }); err != nil {
				t.Fatal(err)
			}
			d.expect(`{"record":{"value":"a"}}`)
			if tt.answer != "" {
				d.say(tt.answer)
			} else {
				d.out.Close()
			}
			if err := <-settled; !tt.check(err) {
				t.Errorf("settled with %v", err)
			}
		})
	}
}

func TestLinkWriterRejectsWhatFitsNoFrame(t *testing.T) {
	w, d := drivenWriter(t)
	d.say(`{"link":1}`, `{"credit":1}`)
	var rejected *transport.Rejected
	if err := w.Write(t.Context(), record.Record{ID: "\xff"}, nil); !errors.As(err, &rejected) {
		t.Errorf("Write returned %v", err)
	}
}

func TestLinkWriterStops(t *testing.T) {
	for _, how := range []string{"stop", "end of input"} {
		t.Run(how, func(t *testing.T) {
			w, d := drivenWriter(t)
			d.say(`{"link":1}`)
			if how == "stop" {
				d.say(`{"stop":true}`)
			} else {
				d.out.Close()
			}
			<-w.Stopped()
		})
	}
}

func TestLinkStoreIsTheDrivers(t *testing.T) {
	w, d := drivenWriter(t)
	d.say(`{"link":1}`, `{"resume":{"p":"7"},"connector":"c","identity":"i","epoch":"e"}`)
	want := &state.State{Connector: "c", Identity: "i", Epoch: "e", Positions: map[string]string{"p": "7"}}
	got, err := w.Store().Load(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("Load: %v (-want +got):\n%s", err, diff)
	}
	saved := make(chan error, 1)
	go func() { saved <- w.Store().Save(t.Context(), got) }()
	d.expect(`{"save":{"p":"7"},"connector":"c","identity":"i","epoch":"e"}`)
	d.say(`{"saved":2}`)
	if err := <-saved; err != nil {
		t.Error(err)
	}
}

func TestLinkStoreForgetsTheLastPartition(t *testing.T) {
	w, d := drivenWriter(t)
	d.say(`{"link":1}`, `{"resume":{"p":"7"},"connector":"c","epoch":"e"}`)
	got, err := w.Store().Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	delete(got.Positions, "p")
	saved := make(chan error, 1)
	go func() { saved <- w.Store().Save(t.Context(), got) }()
	d.expect(`{"save":{},"connector":"c","epoch":"e"}`)
	d.say(`{"saved":2}`)
	if err := <-saved; err != nil {
		t.Error(err)
	}
}

func TestLinkStoreWithoutAState(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		err   string
	}{
		{"a driver that has none", []string{`{"link":1}`, `{"resume":{}}`}, ""},
		{"a driver that has gone", []string{`{"link":1}`}, "before it said where to resume"},
		{"no driver", []string{"hello"}, `read standard input: line 1 from the other side of the link: it does not speak`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, d := drivenWriter(t)
			d.say(tt.lines...)
			d.out.Close()
			got, err := w.Store().Load(t.Context())
			if got != nil || (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Load returned %v, %v, want %q", got, err, tt.err)
			}
		})
	}
	w, _ := drivenWriter(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Store().Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Load returned %v", err)
	}
}

func TestLinkTellsDeadLettersAndStatus(t *testing.T) {
	type child interface {
		Status(state string, err error)
		Dead(ctx context.Context, rec record.Record, settled func(error)) error
	}
	w, wd := drivenWriter(t)
	r, rd := drivenReader(t, 1)
	rd.expect(`{"credit":1}`)
	for _, c := range []struct {
		child child
		d     *driver
	}{{w, wd}, {r, rd}} {
		c.child.Status("failed", errors.New("why"))
		c.d.expect(`{"status":"failed","error":"why"}`)
		settled := make(chan error, 1)
		if err := c.child.Dead(t.Context(), record.Record{Value: []byte("x")}, func(err error) { settled <- err }); err != nil {
			t.Fatal(err)
		}
		c.d.expect(`{"dead":{"value":"x"}}`)
		c.d.say(`{"link":1}`, `{"ack":"1-9"}`)
		if err := <-settled; err != nil {
			t.Error(err)
		}
	}
}

func TestLastStatusIsWrittenBeforeClose(t *testing.T) {
	w, d := drivenWriter(t)
	w.Status("failed", nil)
	closed := make(chan error, 1)
	go func() { closed <- w.Close() }()
	d.expect(`{"status":"failed"}`)
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestLinkReaderDelivers(t *testing.T) {
	r, d := drivenReader(t, 5)
	d.expect(`{"credit":5}`)
	d.say(`{"link":1}`, `{"record":{"value":"a","key":"k"}}`, `{"record":{"value":"b"},"attempt":4}`)
	var msgs []transport.Message
	for len(msgs) < 2 {
		more, err := r.Read(t.Context(), 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, more...)
	}
	if m := msgs[0]; string(m.Record.Value) != "a" || m.Record.Key != "k" || m.Attempt != 1 || msgs[1].Attempt != 4 {
		t.Errorf("received %v", msgs)
	}
	for i, want := range []string{`{"ack":"2"}`, `{"ack":"3"}`} {
		if err := msgs[i].Ack(); err != nil {
			t.Fatal(err)
		}
		d.expect(want)
	}
	flushed := make(chan error, 1)
	go func() { flushed <- r.Flush(t.Context()) }()
	if err := <-flushed; err != nil {
		t.Error(err)
	}
}

func TestLinkReaderEnds(t *testing.T) {
	tests := []struct {
		name    string
		line    string
		stopped bool
	}{
		{name: "at a stop", line: `{"stop":true}`, stopped: true},
		{name: "at the end of the input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, d := drivenReader(t, 5)
			d.say(`{"link":1}`, `{"record":{"value":"a"}}`, tt.line)
			if tt.stopped {
				<-r.Stopped()
			} else {
				d.out.Close()
			}
			payloads, err := readAll(t, r)
			if len(payloads) != 1 || err != io.EOF {
				t.Errorf("read %q, %v", payloads, err)
			}
			select {
			case <-r.Stopped():
				if !tt.stopped {
					t.Error("the end of the input was taken for a stop")
				}
			default:
			}
		})
	}
	r, d := drivenReader(t, 5)
	d.say(`hello`)
	_, err := readAll(t, r)
	if !isBroken(err) || !strings.Contains(err.Error(), "does not speak the link protocol") {
		t.Errorf("without a driver, Read returned %v", err)
	}
}

func TestOpenAcks(t *testing.T) {
	if f, err := stdio.OpenAcks(""); f != nil || err != nil {
		t.Errorf("without a descriptor: %v, %v", f, err)
	}
	for _, value := range []string{"x", "0", "-1", "999999"} {
		if _, err := stdio.OpenAcks(value); err == nil || !strings.Contains(err.Error(), "PATCHBAY_ACK_FD="+value) {
			t.Errorf("%s: %v", value, err)
		}
	}
	fd, err := syscall.Dup(1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := stdio.OpenAcks(strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
