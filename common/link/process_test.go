package link

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// started is a shell that runs a script and has ended, as far as End can tell.
func started(t *testing.T, script string, grace time.Duration) *Child {
	t.Helper()
	c, err := StartChild(Command{Path: "/bin/sh", Args: []string{"-c", script}, Name: "x", Grace: grace}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.End(time.Minute)
	return c
}

func TestWhatAChildLeftIsReadHoweverLate(t *testing.T) {
	c := started(t, `echo one; echo two`, time.Minute)
	if err := c.p.frames.SetReadDeadline(time.Unix(1, 0)); err != nil { // the grace after its end has passed
		t.Fatal(err)
	}
	text, err := io.ReadAll(c.Frames())
	if string(text) != "one\ntwo\n" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if err := c.Wait(io.EOF); err != nil {
		t.Errorf("Wait returned %v", err)
	}
}

func TestWhoeverHoldsThePipeOfADeadChildIsNotWaitedForLong(t *testing.T) {
	tests := []struct {
		name  string
		grace time.Duration
		kill  bool
	}{
		{"a grace of silence", time.Millisecond, false},
		{"a kill", time.Minute, true}, // the last deadline stands
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			p := &process{Command: Command{Grace: tt.grace}, frames: r, exited: make(chan struct{}), ended: true}
			close(p.exited)
			if err := r.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			if tt.kill {
				p.kill()
			}
			if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Read returned %v", err)
			}
		})
	}
}
