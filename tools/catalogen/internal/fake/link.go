package fake

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

// records is how many records a driven source has: more than a driver asks for.
const records = 1000

// driven is the connector as the child of a driver.
type driven struct {
	connector
	out     io.Writer
	line    int64
	resumed bool
	credit  int
	sent    int
	saved   int // of those that were sent
	open    []int64
	stop    bool
	saving  int64 // the line of the save that has no answer yet
}

// drive speaks the link protocol until it is told to end, and returns the status. Its quirks break one rule each.
func (c connector) drive(sink bool) int {
	ended := make(chan os.Signal, 1)
	if !c.is("dies") {
		signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	}
	d := &driven{connector: c, out: os.Stdout}
	if sink {
		d.out = os.NewFile(3, "acks")
	}
	frames := make(chan link.Frame)
	go func() {
		defer close(frames)
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			f, err := link.ParseFrame(in.Bytes())
			if err != nil {
				return
			}
			frames <- f
		}
	}()
	switch {
	case c.is("waits-for-hello"):
		<-frames
		time.Sleep(time.Hour)
	case c.is("says-hello"):
		fmt.Fprintln(d.out, "hello")
	}
	d.write(link.Frame{Kind: link.Link, Version: 1})
	switch {
	case sink:
		d.write(link.Frame{Kind: link.Credit, Credit: 10})
	case c.is("hasty"):
		d.send()
	case c.is("chatty-link"):
		fmt.Fprintln(d.out, "listening")
	case c.is("wrong-frame"):
		d.write(link.Frame{Kind: link.Stop})
	}
	d.write(link.Frame{Kind: link.Status, Status: link.Ready})
	for {
		select {
		case <-ended:
			if c.is("stops-badly") {
				return 3
			}
			return 0
		case f, more := <-frames:
			if !more {
				return 0
			}
			if done := d.hear(f, sink); done {
				if c.is("ends-badly") {
					return 3
				}
				return 0
			}
		}
	}
}

// hear takes a frame of the driver, and tells whether nothing is left to do.
func (d *driven) hear(f link.Frame, sink bool) (done bool) {
	d.line0(f)
	switch f.Kind {
	case link.Stop:
		d.stop = true
	case link.Rec:
		d.answer()
	}
	if sink {
		return d.stop
	}
	for d.resumed && !d.stop && d.sent < records && (len(d.open) < d.credit || d.is("greedy")) {
		d.send()
	}
	if d.saving == 0 && d.sent > d.saved && (len(d.open) == 0 && !d.is("forgetful") || d.is("early-save")) {
		d.saved = d.sent
		d.write(link.Frame{Kind: link.Save, State: link.State{Positions: map[string]string{"": strconv.Itoa(d.saved)}}})
		d.saving = d.line
	}
	return d.stop && len(d.open) == 0 && (d.saving == 0 || d.is("forgetful"))
}

// line0 takes what a frame says about lines and limits.
func (d *driven) line0(f link.Frame) {
	switch f.Kind {
	case link.Resume:
		d.resumed = true
		if !d.is("repeats") {
			d.sent, _ = strconv.Atoi(f.State.Positions[""])
			d.saved = d.sent
		}
	case link.Credit:
		d.credit += f.Credit
	case link.Saved:
		d.saving = 0
	case link.Ack, link.Nack:
		d.open = slices.DeleteFunc(d.open, func(line int64) bool {
			return slices.ContainsFunc(f.Lines, func(r link.Range) bool { return r.First <= line && line <= r.Last })
		})
	}
}

// send sends the next record.
func (d *driven) send() {
	d.sent++
	n := strconv.Itoa(d.sent)
	d.write(link.Frame{Kind: link.Rec, Record: record.Record{Position: n, Value: []byte(n)}})
	d.open = append(d.open, d.line)
}

// answer acknowledges all lines of the driver so far.
func (d *driven) answer() {
	last := int64(3)
	switch {
	case d.is("mute"):
		return
	case d.is("overeager"):
		last = 99
	}
	d.write(link.Frame{Kind: link.Ack, Lines: link.Ranges{{First: 1, Last: last}}})
}

func (d *driven) write(f link.Frame) {
	text, err := link.AppendFrame(nil, &f)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(d.out, "%s\n", text)
	d.line++
}
