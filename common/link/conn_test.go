package link_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

// A peer is the other end of a Conn, played by hand.
type peer struct {
	t   *testing.T
	in  *bufio.Reader
	out *io.PipeWriter
}

// connect returns a Conn and its other end, which has read the hello of the Conn.
func connect(t *testing.T, h link.Handler) (*link.Conn, *peer) {
	t.Helper()
	ours, theirs := io.Pipe()
	in, out := io.Pipe()
	if h.End == nil {
		h.End = func(error) {}
	}
	c := link.NewConn(ours, out, h)
	p := &peer{t, bufio.NewReader(in), theirs}
	t.Cleanup(func() {
		theirs.Close()
		c.Close()
		in.Close()
		<-c.Done()
	})
	p.expect(`{"link":1}`)
	return c, p
}

func (p *peer) expect(want string) {
	p.t.Helper()
	line, err := p.in.ReadString('\n')
	if err != nil || strings.TrimSuffix(line, "\n") != want {
		p.t.Fatalf("the Conn sent %q, %v, want %q", line, err, want)
	}
}

func (p *peer) say(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.out, strings.Join(lines, "\n")+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func send(t *testing.T, c *link.Conn, value string) <-chan error {
	t.Helper()
	settled := make(chan error, 2)
	if err := c.Send(t.Context(), record.Record{Value: []byte(value)}, 1, func(err error) { settled <- err }); err != nil {
		t.Fatalf("Send: %v", err)
	}
	return settled
}

func TestSendStaysWithinCredit(t *testing.T) {
	c, p := connect(t, link.Handler{})
	p.say(`{"link":1,"later":true}`, `{"credit":1}`, `{"credit":1}`)
	first, second := send(t, c, "a"), send(t, c, "b")
	p.expect(`{"record":{"value":"a"}}`)
	p.expect(`{"record":{"value":"b"}}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Send(ctx, record.Record{}, 1, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("without credit, Send returned %v", err)
	}
	p.say(`{"ack":"1-2"}`) // line 1 was the hello
	if err := <-first; err != nil {
		t.Errorf("settled with %v", err)
	}
	third := send(t, c, "c")
	p.expect(`{"record":{"value":"c"}}`)
	p.say(`{"nack":"3,4","error":"full","delay_ms":20,"permanent":true}`)
	for _, settled := range []<-chan error{second, third} {
		var nack *link.NackError
		if err := <-settled; !errors.As(err, &nack) || nack.Message != "full" || nack.Delay == 0 || !nack.Permanent {
			t.Errorf("settled with %v", err)
		}
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARecordThatCannotBeSentKeepsItsCredit(t *testing.T) {
	c, p := connect(t, link.Handler{})
	p.say(`{"link":1}`, `{"credit":1}`)
	var encode *link.EncodeError
	if err := c.Send(t.Context(), record.Record{ID: "\xff"}, 1, nil); !errors.As(err, &encode) {
		t.Fatalf("Send returned %v", err)
	}
	settled := send(t, c, "a")
	p.expect(`{"record":{"value":"a"}}`)
	p.say(`{"ack":"2"}`) // the refused record has taken no line
	if err := <-settled; err != nil {
		t.Error(err)
	}
}

func TestFlushWaitsForWhatWasSentBefore(t *testing.T) {
	c, p := connect(t, link.Handler{})
	p.say(`{"link":1}`, `{"credit":9}`)
	send(t, c, "a")
	p.expect(`{"record":{"value":"a"}}`)
	flushed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush returned %v before the record was settled", err)
	}
	go func() { flushed <- c.Flush(t.Context()) }()
	p.say(`{"ack":"1-9223372036854775807"}`)
	if err := <-flushed; err != nil {
		t.Error(err)
	}
}

func TestSaveWaitsForTheAnswer(t *testing.T) {
	c, p := connect(t, link.Handler{})
	saved := make(chan error, 1)
	save := func(position string) {
		state := link.State{Positions: map[string]string{"p": position}, Connector: "c"}
		go func() { saved <- c.Save(t.Context(), state) }()
		p.expect(fmt.Sprintf(`{"save":{"p":"%s"},"connector":"c"}`, position))
	}
	save("1")
	p.say(`{"link":1}`, `{"ack":"1-100"}`, `{"saved":2}`)
	if err := <-saved; err != nil {
		t.Error(err)
	}
	save("2")
	p.say(`{"saved":3,"error":"disk full"}`)
	if err := <-saved; err == nil || err.Error() != "disk full" {
		t.Errorf("Save returned %v", err)
	}
}

func TestAnswersAreMerged(t *testing.T) {
	c, p := connect(t, link.Handler{})
	c.Status(link.Connecting, nil) // held up in the pipe, together with what gathers behind it
	p.expect(`{"status":"connecting"}`)
	blocked := make(chan struct{})
	go func() {
		defer close(blocked)
		for line := range int64(1000) {
			c.Ack(line + 2)
		}
		c.Nack(1002, &link.NackError{Message: "no"})
		c.Nack(1003, &link.NackError{Message: "no"})
		c.Nack(1004, &link.NackError{Message: "other"})
	}()
	<-blocked
	acked, frames := map[int64]bool{}, 0
	for len(acked) < 1003 {
		line, err := p.in.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		f, err := link.ParseFrame(line)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Lines {
			for n := r.First; n <= r.Last; n++ {
				if acked[n] {
					t.Errorf("line %d was answered twice", n)
				}
				acked[n] = true
				if wantNack := n >= 1002; wantNack != (f.Kind == link.Nack) || (n == 1004) != (f.Error == "other") {
					t.Errorf("line %d was answered with %s %q", n, f.Kind, f.Error)
				}
			}
		}
		frames++
	}
	if frames > 500 {
		t.Errorf("%d frames for 1003 answers", frames)
	}
}

func TestFramesReachTheHandler(t *testing.T) {
	var got []string
	note := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	ended := make(chan struct{})
	_, p := connect(t, link.Handler{
		Record: func(line int64, rec record.Record, attempt int) { note("record %d %s %d", line, rec.Value, attempt) },
		Dead:   func(line int64, rec record.Record) { note("dead %d %s", line, rec.Value) },
		Resume: func(s link.State) { note("resume %s", s.Positions["p"]) },
		Save:   func(line int64, s link.State) { note("save %d %s", line, s.Positions["p"]) },
		Status: func(state, message string) { note("status %s %s", state, message) },
		Stop:   func() { note("stop") },
		End: func(err error) {
			note("%v", err)
			close(ended)
		},
	})
	p.say(`{"link":2}`, `{"resume":{"p":"7"}}`, ``, `{"news":1}`, `{"record":{"value":"v"},"attempt":2}`, `{"dead":{"value":"d"}}`,
		`{"save":{"p":"8"}}`, `{"status":"failed","error":"why"}`, `{"stop":true}`, `{"record":{"value":"half a fra`)
	<-ended
	want := "resume 7|record 5 v 2|dead 6 d|save 7 8|status failed why|stop|" +
		`line 10 from the other side of the link: "{\"record\":{\"value\":\"half a fra" is no JSON object`
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestATornLastLineIsNoFrame(t *testing.T) {
	ended := make(chan error, 1)
	_, p := connect(t, link.Handler{
		Record: func(int64, record.Record, int) { t.Error("half a frame was taken for one") },
		End:    func(err error) { ended <- err },
	})
	p.say(`{"link":1}`)
	io.WriteString(p.out, `{"record":{"value":"1"}}`)
	p.out.Close()
	if err := <-ended; err != io.EOF {
		t.Errorf("ended with %v", err)
	}
}

func TestTheOtherSideMustSpeakTheProtocol(t *testing.T) {
	tests := []struct{ name, line, err string }{
		{"text", "Listening on port 80", `it began with "Listening on port 80", not with {"link":1}`},
		{"no hello", `{"record":{}}`, "does not speak the link protocol"},
		{"nothing", "", `it began with "", not with {"link":1}`},
		{"records that nobody takes", `{"link":1}` + "\n" + `{"record":{}}`, "line 2 from the other side of the link: a record frame has no place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan error, 1)
			c, p := connect(t, link.Handler{End: func(err error) { ended <- err }})
			p.say(tt.line)
			err := <-ended
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("ended with %v, want %q", err, tt.err)
			}
			if sent := c.Send(t.Context(), record.Record{}, 1, nil); !errors.Is(sent, err) {
				t.Errorf("Send returned %v", sent)
			}
		})
	}
}

func TestTheEndSettlesWhatIsOpen(t *testing.T) {
	c, p := connect(t, link.Handler{})
	p.say(`{"link":1}`, `{"credit":2}`)
	settled := send(t, c, "a")
	dead := make(chan error, 1)
	if err := c.Dead(t.Context(), record.Record{}, func(err error) { dead <- err }); err != nil {
		t.Fatal(err)
	}
	p.expect(`{"record":{"value":"a"}}`)
	p.expect(`{"dead":{}}`)
	flushed := make(chan error, 1)
	go func() { flushed <- c.Flush(t.Context()) }()
	p.out.Close()
	for _, settled := range []<-chan error{settled, dead} {
		if err := <-settled; !errors.Is(err, link.ErrGone) {
			t.Errorf("settled with %v", err)
		}
	}
	if err := <-flushed; err != nil {
		t.Errorf("Flush returned %v", err)
	}
	if err := c.Send(t.Context(), record.Record{}, 1, nil); !errors.Is(err, link.ErrGone) {
		t.Errorf("Send returned %v", err)
	}
	c.Ack(2) // answers still go out: the end of one stream is not the end of the other
	p.expect(`{"ack":"2"}`)
	c.Close()
	if err := c.FlushAnswers(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close, FlushAnswers returned %v", err)
	}
}
