package connect

import (
	"context"
	"errors"
	"sync"
)

var errClosed = errors.New("the writer is closed")

// pending counts records that are not settled yet, and lets others wait until there are none.
type pending struct {
	mu   sync.Mutex
	n    int
	idle []chan struct{} // of those that wait
}

// add counts a record and returns how to settle it, which is to be called once.
func (p *pending) add(settled func(error)) func(error) {
	p.mu.Lock()
	p.n++
	p.mu.Unlock()
	return func(err error) {
		settled(err)
		p.done()
	}
}

func (p *pending) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n--; p.n > 0 {
		return
	}
	for _, c := range p.idle {
		close(c)
	}
	p.idle = nil
}

// wait blocks until every record is settled, or ctx ends.
func (p *pending) wait(ctx context.Context) error {
	p.mu.Lock()
	if p.n == 0 {
		p.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
