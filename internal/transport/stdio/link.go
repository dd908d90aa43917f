package stdio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// fromLink puts errors of the link in the words of transport.
func fromLink(err error) error {
	if err == nil { // before variables that errors.As would have on the heap
		return nil
	}
	var encode *link.EncodeError
	var nack *link.NackError
	switch {
	case errors.As(err, &encode), errors.As(err, &nack) && nack.Permanent:
		return &transport.Rejected{Err: err}
	case errors.As(err, &nack) && nack.Delay > 0:
		return &transport.Delayed{Err: err, Wait: nack.Delay}
	case errors.Is(err, link.ErrGone):
		return fmt.Errorf("%w: %w", transport.ErrClosed, err)
	case errors.Is(err, link.ErrBroken):
		return &transport.Broken{Err: err}
	}
	return err
}

// A once is a channel that is closed once.
type once struct {
	done chan struct{}
	sync *sync.Once
}

func newOnce() once { return once{make(chan struct{}), new(sync.Once)} }

func (o once) do(before func()) {
	o.sync.Do(func() {
		if before != nil {
			before()
		}
		close(o.done)
	})
}

// closeConn closes a Conn. Frames that were sent without blocking, such as a last status, get a moment to be written: with a
// driver that reads they need none.
func closeConn(c *link.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.FlushAnswers(ctx)
	return c.Close()
}
