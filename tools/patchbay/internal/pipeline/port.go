package pipeline

import (
	"fmt"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
)

// A port is the driver's end of the link with one running child.
type port struct {
	child *link.Child
	wake  chan struct{} // holds a token when there may be something to write
	gone  chan struct{} // closed when the child has ended
	write sync.WaitGroup

	mu    sync.Mutex
	queue []link.Frame // to be written
}

// connect starts a child and says hello. more, which may be nil, appends further lines to what is written, given the number
// of the last line before.
func connect(c link.Command, sink bool, more func(buf []byte, line int64) ([]byte, int64)) (*port, error) {
	child, err := link.StartChild(c, sink)
	if err != nil {
		return nil, err
	}
	p := &port{child: child, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	p.put(link.Frame{Kind: link.Link, Version: link.Version})
	p.write.Go(func() { p.writeAll(more) })
	return p, nil
}

// put queues a frame. It does not block.
func (p *port) put(f link.Frame) {
	p.mu.Lock()
	p.queue = append(p.queue, f)
	p.mu.Unlock()
	p.notify()
}

func (p *port) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// writeAll writes what is queued, and more, until the child has ended or does not read any more. A child that does not read
// has nothing to live for: it gets some time to end.
func (p *port) writeAll(more func([]byte, int64) ([]byte, int64)) {
	var buf []byte
	var line int64
	for {
		buf, line = p.take(buf[:0], line)
		if more != nil {
			buf, line = more(buf, line)
		}
		if len(buf) == 0 {
			select {
			case <-p.wake:
				continue
			case <-p.gone:
				return
			}
		}
		if _, err := p.child.Write(buf); err != nil {
			p.child.End(link.DefaultGrace)
			return
		}
		if cap(buf) > maxRetained {
			buf = nil
		}
	}
}

// maxRetained is the largest buffer that is kept.
const maxRetained = 1 << 20

// take appends what is queued.
func (p *port) take(buf []byte, line int64) ([]byte, int64) {
	p.mu.Lock()
	queue := p.queue
	p.queue = nil
	p.mu.Unlock()
	for i := range queue {
		old := len(buf)
		out, err := link.AppendFrame(buf, &queue[i])
		if err != nil { // not of our frames, whose text has come from a frame
			buf = out[:old]
			continue
		}
		buf, line = append(out, '\n'), line+1
	}
	return buf, line
}

// read hands over the child's lines until they end, waits for the end of the child, and returns how it ended: nil means
// with status 0. handle may block.
func (p *port) read(handle func(lines []link.Line) error) error {
	err := p.readAll(link.NewLineReader(p.child.Frames(), link.MaxLine), handle)
	err = p.child.Wait(err)
	close(p.gone)
	p.write.Wait()
	return err
}

func (p *port) readAll(r *link.LineReader, handle func([]link.Line) error) error {
	for begun := false; ; {
		lines, err := r.Next()
		if err != nil {
			return err
		}
		if !begun {
			if f, err := link.ParseFrame(lines[0].Data); err != nil || f.Kind != link.Link {
				return &protocolError{fmt.Errorf("it does not speak the link protocol: it began with %.80q", lines[0].Data)}
			}
			begun, lines = true, lines[1:]
		}
		if err := handle(lines); err != nil {
			return err
		}
	}
}

// stop asks the child to end and sees to it that it does. It does not block.
func (p *port) stop(grace time.Duration) {
	p.put(link.Frame{Kind: link.Stop})
	go p.child.End(grace)
}

// A protocolError says that a child breaks the protocol: starting it again would not mend the program.
type protocolError struct{ err error }

func (e *protocolError) Error() string { return e.err.Error() }
func (e *protocolError) Unwrap() error { return e.err }

// parse reads a line that is no record to be passed on as it stands.
func parse(line link.Line) (link.Frame, error) {
	f, err := link.ParseFrame(line.Data)
	if err != nil {
		return f, &protocolError{fmt.Errorf("line %d of what it sends: %w", line.Number, err)}
	}
	return f, nil
}
