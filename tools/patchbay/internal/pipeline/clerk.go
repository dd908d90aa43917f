package pipeline

import (
	"errors"
	"sync"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

// errNoLetters refuses dead letters where nothing keeps them.
var errNoLetters = errors.New("the pipeline has no dead_letter")

// A clerk keeps what one child asks the driver to keep, in a goroutine of its own, and answers when it is on disk. What
// waits is kept together: several dead letters by one sync, of several states the newest.
type clerk struct {
	port *port
	save func(link.State) error      // nil where states are not kept
	dead func([]record.Record) error // keeps dead letters
	run  sync.WaitGroup

	mu      sync.Mutex
	letters []letter
	state   *stateToSave
	wake    chan struct{}
}

type letter struct {
	line int64
	rec  record.Record
}

type stateToSave struct {
	line  int64
	state link.State
}

func newClerk(p *port, save func(link.State) error, dead func([]record.Record) error) *clerk {
	c := &clerk{port: p, save: save, dead: dead, wake: make(chan struct{}, 1)}
	c.run.Go(func() {
		for range c.wake {
			c.work()
		}
	})
	return c
}

// close keeps what is left and ends the goroutine. Nothing may be handed over any more.
func (c *clerk) close() {
	close(c.wake)
	c.run.Wait()
	c.work()
}

func (c *clerk) keepLetter(line int64, rec record.Record) {
	c.mu.Lock()
	c.letters = append(c.letters, letter{line, rec})
	c.mu.Unlock()
	c.notify()
}

func (c *clerk) keepState(line int64, s link.State) {
	c.mu.Lock()
	c.state = &stateToSave{line, s}
	c.mu.Unlock()
	c.notify()
}

func (c *clerk) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *clerk) work() {
	c.mu.Lock()
	letters, state := c.letters, c.state
	c.letters, c.state = nil, nil
	c.mu.Unlock()
	if len(letters) > 0 {
		recs := make([]record.Record, len(letters))
		var lines link.Ranges
		for i, l := range letters {
			recs[i] = l.rec
			lines = addLine(lines, l.line)
		}
		answer := link.Frame{Kind: link.Ack, Lines: lines}
		if err := c.dead(recs); err != nil {
			answer = link.Frame{Kind: link.Nack, Lines: lines, Error: err.Error(), Permanent: errors.Is(err, errNoLetters)}
		}
		c.port.put(answer)
	}
	if state != nil {
		answer := link.Frame{Kind: link.Saved, Line: state.line}
		if err := c.save(state.state); err != nil {
			answer.Error = err.Error()
		}
		c.port.put(answer)
	}
}
