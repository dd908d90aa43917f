package blackbox

import (
	"fmt"
	"io"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

// window is the credit of a source, and the most records that a sink is given.
const window = 2

// A place is where a source can resume.
type place struct{ partition, position string }

// A sent record is one that a source has sent.
type sent struct {
	line int64
	place
	answered bool
}

// A talk is what driver and child say to each other in one run, and what is to be said against the child. All but judge is
// called by the goroutine of listen.
type talk struct {
	driven
	tempo
	source  bool
	resumes bool
	to      io.WriteCloser // the child's standard input
	end     func()         // ends the child by its signal, or kills it
	ready   func()         // is called when a source says that it is
	timer   *time.Timer
	due     func() // what to do when the timer ends

	lines    int64 // that the child has written
	resumed  bool
	asked    bool // to end, in whatever way
	stopSent bool
	failed   bool // the child has told of an error
	gaveUp   bool // nothing it says makes sense any more
	broken   map[string]string

	records []sent     // of a source
	saved   link.State // by a source

	written int64          // lines to the child
	given   map[int64]bool // to a sink, by line: whether it is answered
}

// breaks notes the first problem of a rule.
func (t *talk) breaks(rule, format string, args ...any) {
	if t.broken == nil {
		t.broken = map[string]string{}
	}
	if t.broken[rule] == "" {
		t.broken[rule] = fmt.Sprintf(format, args...)
	}
}

// giveUp is breaks for what makes the rest of the talk worthless.
func (t *talk) giveUp(rule, format string, args ...any) {
	t.breaks(rule, format, args...)
	t.gaveUp = true
	t.end()
}

// write sends a frame. The child may be gone, which shows elsewhere.
func (t *talk) write(f link.Frame) {
	line, err := link.AppendFrame(nil, &f)
	if err != nil {
		panic(err) // the driver's frames hold nothing of the child's but what was a frame
	}
	_, _ = t.to.Write(append(line, '\n'))
	t.written++
}

// after sets what to do when nothing comes for a time.
func (t *talk) after(d time.Duration, do func()) {
	t.due = do
	t.timer.Reset(d)
}

// listen answers the child's frames until they end.
func (t *talk) listen(frames io.Reader) {
	batches := make(chan []link.Line)
	go func() {
		defer close(batches)
		reader := link.NewLineReader(frames, link.MaxLine)
		for {
			lines, err := reader.Next()
			if err != nil {
				return
			}
			batches <- append([]link.Line(nil), lines...)
		}
	}()
	t.timer = time.NewTimer(time.Hour)
	defer t.timer.Stop()
	for {
		select {
		case lines, more := <-batches:
			if !more {
				return
			}
			for _, line := range lines {
				if !t.gaveUp && !line.Torn {
					t.hear(line)
				}
			}
		case <-t.timer.C:
			if t.due != nil && !t.gaveUp {
				t.due()
			}
		}
	}
}

// hear takes one line of the child.
func (t *talk) hear(line link.Line) {
	t.lines = line.Number
	if len(line.Data) == 0 && line.Number > 1 {
		return
	}
	f, err := link.ParseFrame(line.Data)
	switch {
	case line.Number == 1 && (err != nil || f.Kind != link.Link):
		t.giveUp(linkHello, "line 1 is %s", shorten(line.Data))
	case err != nil:
		t.giveUp(linkFrames, "line %d: %v", line.Number, err)
	case f.Kind == link.Link:
		t.hello()
	case f.Kind == link.Status:
		t.failed = t.failed || f.Status == link.Failed || f.Status == link.Retrying
		if t.source && f.Status == link.Ready {
			t.ready()
		}
		t.wait()
	case f.Kind == link.Dead:
		t.write(link.Frame{Kind: link.Ack, Lines: link.Ranges{{First: line.Number, Last: line.Number}}})
	case f.Kind == link.Rec && t.source:
		t.take(line.Number, f.Record)
	case f.Kind == link.Save && t.source:
		t.save(line.Number, f.State)
	case f.Kind == link.Credit && !t.source:
		t.give(f.Credit)
	case (f.Kind == link.Ack || f.Kind == link.Nack) && !t.source:
		t.answered(f)
	case f.Kind != "":
		t.breaks(linkFrames, "line %d is a %s frame, which is not the connector's to send", line.Number, f.Kind)
	}
}

// hello greets back, and then keeps a source waiting for where to resume.
func (t *talk) hello() {
	t.write(link.Frame{Kind: link.Link, Version: link.Version})
	if !t.source {
		t.wait()
		return
	}
	t.write(link.Frame{Kind: link.Credit, Credit: window})
	t.after(t.pause, func() {
		t.resumed = true
		t.write(link.Frame{Kind: link.Resume, State: t.resume})
		t.wait()
	})
}

// wait ends the run when the child has nothing more to say.
func (t *talk) wait() {
	if t.source && !t.resumed {
		return
	}
	t.after(t.quiet, t.finish)
}

// finish asks the child to end. A sink that has not answered is told that its input has ended, upon which it must.
func (t *talk) finish() {
	if t.asked {
		return
	}
	t.asked = true
	switch {
	case t.signal != 0:
		t.end()
	case t.source || t.open() == 0 || t.failed:
		t.stopSent = true
		t.write(link.Frame{Kind: link.Stop})
	default:
		t.to.Close()
	}
	t.acknowledge()
}

// open counts the records that are not answered.
func (t *talk) open() int {
	n := 0
	for _, r := range t.records {
		if !r.answered {
			n++
		}
	}
	for _, answered := range t.given {
		if !answered {
			n++
		}
	}
	return n
}

// give gives a sink its records, once.
func (t *talk) give(credit int) {
	if t.given == nil && !t.asked {
		t.given = map[int64]bool{}
		for range min(credit, window) {
			t.write(link.Frame{Kind: link.Rec, Attempt: 1, Record: record.Record{Value: []byte(`{"gate":1}`)}})
			t.given[t.written] = false
		}
	}
	t.wait()
}

// answered takes a sink's answer.
func (t *talk) answered(f link.Frame) {
	for _, r := range f.Lines {
		if r.Last > t.written {
			t.giveUp(linkAnswers, "it answers line %d, of %d", r.Last, t.written)
			return
		}
		for line := r.First; line <= r.Last; line++ {
			if _, is := t.given[line]; is {
				t.given[line] = true
			}
		}
	}
	t.failed = t.failed || f.Kind == link.Nack
	if t.open() == 0 && !t.asked {
		t.after(t.pause, t.finish)
	}
}
