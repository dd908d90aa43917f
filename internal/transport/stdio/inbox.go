package stdio

import (
	"context"
	"io"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// An inbox is the queue between the goroutine that reads the input and the caller of Read, who must be able to leave when
// its context ends although reading an input cannot be broken off.
type inbox struct {
	maxBytes, maxMessages int
	maxRead               int // what read returns holds in memory, roughly; 0 means no limit

	wake chan struct{} // holds a token when read may find something new
	room chan struct{} // holds a token when put may find room

	mu     sync.Mutex
	queue  []transport.Message
	bytes  int   // what queue holds in memory, roughly
	end    error // what read returns when the queue is empty
	closed chan struct{}
}

// newInbox returns an inbox with limits to what put queues, in bytes and in messages; 0 means no limit.
func newInbox(maxBytes, maxMessages int) *inbox {
	return &inbox{
		maxBytes: maxBytes, maxMessages: maxMessages,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// weigh estimates the memory that messages take.
func weigh(msgs []transport.Message) int {
	n := len(msgs) * int(unsafe.Sizeof(transport.Message{}))
	for i := range msgs {
		n += msgs[i].Record.Size()
	}
	return n
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put queues messages, waiting for room. The slice becomes the inbox's. It reports whether the inbox is still open.
func (in *inbox) put(msgs []transport.Message) bool {
	for {
		in.mu.Lock()
		if in.isClosed() {
			in.mu.Unlock()
			return false
		}
		if in.hasRoom() {
			if len(in.queue) == 0 {
				in.queue = msgs
			} else {
				in.queue = append(in.queue, msgs...)
			}
			in.bytes += weigh(msgs)
			in.mu.Unlock()
			notify(in.wake)
			return true
		}
		in.mu.Unlock()
		select {
		case <-in.room:
		case <-in.closed:
		}
	}
}

func (in *inbox) hasRoom() bool {
	return (in.maxBytes == 0 || in.bytes < in.maxBytes) && (in.maxMessages == 0 || len(in.queue) < in.maxMessages)
}

// finish says that nothing more will be put; the first error given counts. Every error but io.EOF is lasting, because an
// input cannot be read from an earlier point again.
func (in *inbox) finish(err error) {
	if err != io.EOF {
		err = &transport.Broken{Err: err}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.end == nil {
		in.end = err
	}
	notify(in.wake)
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.isClosed() {
		in.queue, in.end = nil, &transport.Broken{Err: os.ErrClosed}
		close(in.closed)
		notify(in.wake)
	}
}

func (in *inbox) isClosed() bool {
	select {
	case <-in.closed:
		return true
	default:
		return false
	}
}

// read does what transport.Reader asks of Read.
func (in *inbox) read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	var (
		out    []transport.Message
		weight int
		waited <-chan time.Time
	)
	for {
		var err error
		out, weight, err = in.take(out, weight, limit)
		switch {
		case len(out) == 0 && err != nil:
			return nil, err
		case len(out) == limit, in.heavy(weight), len(out) > 0 && (err != nil || wait <= 0):
			return out, nil
		case len(out) > 0 && waited == nil:
			t := time.NewTimer(wait)
			defer t.Stop()
			waited = t.C
		}
		select {
		case <-in.wake:
		case <-waited:
			return out, nil
		case <-ctx.Done():
			if len(out) > 0 {
				return out, nil
			}
			return nil, ctx.Err()
		}
	}
}

// heavy reports whether a read that has so much returns it.
func (in *inbox) heavy(weight int) bool { return in.maxRead > 0 && weight >= in.maxRead }

// take moves what is there now to out, which has a weight, up to limit. It returns the new weight, and the final error once nothing
// is left to wait for.
func (in *inbox) take(out []transport.Message, weight, limit int) ([]transport.Message, int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := min(len(in.queue), limit-len(out))
	taken := weigh(in.queue[:n])
	for n > 1 && in.heavy(weight+taken-weigh(in.queue[n-1:n])) { // without the last it is enough
		n--
		taken -= weigh(in.queue[n : n+1])
	}
	if len(out) == 0 {
		out = in.queue[:n:n]
	} else {
		out = append(out, in.queue[:n]...)
	}
	in.bytes -= taken
	in.queue = in.queue[n:]
	if in.hasRoom() {
		notify(in.room)
	}
	if len(in.queue) > 0 {
		return out, weight + taken, nil
	}
	return out, weight + taken, in.end
}
