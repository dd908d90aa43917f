package link

import (
	"context"
	"sync"
)

// An outbox holds the frames that must not block who sends them, until its goroutine has passed them on. It stays small
// because answers to neighbouring lines are merged and everything else is rare.
type outbox struct {
	lines  *LineWriter
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	queue []message
}

// A message is a frame to send; without a Kind there is only written to call, once everything before is written.
type message struct {
	Frame
	written func(error)
}

func newOutbox(lines *LineWriter) *outbox {
	return &outbox{lines: lines, wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (o *outbox) put(m message) {
	o.mu.Lock()
	o.queue = append(o.queue, m)
	o.mu.Unlock()
	o.notify()
}

// settle puts an answer for a line, together with the newest one if they are alike.
func (o *outbox) settle(f Frame, line int64) {
	o.mu.Lock()
	if n := len(o.queue); n > 0 && o.queue[n-1].alike(f) {
		o.queue[n-1].Lines = o.queue[n-1].Lines.Add(line)
	} else {
		f.Lines = Ranges{{line, line}}
		o.queue = append(o.queue, message{Frame: f})
	}
	o.mu.Unlock()
	o.notify()
}

func (m *message) alike(f Frame) bool {
	return m.Kind == f.Kind && m.Error == f.Error && m.Delay == f.Delay && m.Permanent == f.Permanent && m.written == nil
}

func (o *outbox) notify() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) run() {
	for {
		select {
		case <-o.wake:
			o.send()
		case <-o.closed:
			return
		}
	}
}

// send passes on what is queued.
func (o *outbox) send() {
	o.mu.Lock()
	queue := o.queue
	o.queue = nil
	o.mu.Unlock()
	for i := range queue {
		m := &queue[i]
		if m.Kind == "" {
			if err := o.lines.after(m.written); err != nil {
				m.written(err)
			}
			continue
		}
		// An error means that the line writer has failed, which ends the link: there is nobody left to tell.
		_ = o.lines.Append(context.Background(), func(dst []byte, _ int64) ([]byte, error) {
			return AppendFrame(dst, &m.Frame)
		}, nil)
	}
}

func (o *outbox) close() {
	o.once.Do(func() { close(o.closed) })
}
