package delivery

import (
	"context"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// count lets exactly max records be delivered and then calls reached, once. A record that fails for good does not count.
type count struct {
	transport.Writer
	max     int
	reached func()

	mu                  sync.Mutex
	admitted, delivered int
	room                chan struct{} // closed and replaced when an admitted record failed
}

func newCount(next transport.Writer, max int, reached func()) *count {
	return &count{Writer: next, max: max, reached: reached, room: make(chan struct{})}
}

// Write implements transport.Writer. Beyond the maximum it blocks until ctx ends.
func (c *count) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	c.mu.Lock()
	for c.admitted >= c.max {
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.mu.Lock()
	}
	c.admitted++
	c.mu.Unlock()
	err := c.Writer.Write(ctx, rec, func(err error) {
		c.settle(err)
		settled(err)
	})
	if err != nil {
		c.settle(err)
	}
	return err
}

func (c *count) settle(err error) {
	c.mu.Lock()
	if err != nil {
		c.admitted--
		close(c.room)
		c.room = make(chan struct{})
	} else {
		c.delivered++
	}
	done := err == nil && c.delivered == c.max
	c.mu.Unlock()
	if done {
		c.reached()
	}
}
