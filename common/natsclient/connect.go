package natsclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common"
)

const (
	attemptTimeout = 5 * time.Second  // for one attempt at one server
	pingInterval   = 20 * time.Second // a peer that went silent is noticed when two of these have passed
)

// errClosed is why a session's context has ended after a clean Close.
var errClosed = errors.New("the connection is closed")

// Connect makes one attempt at each server, which blocks for 5 s each at most, and returns a connection that belongs to one
// session. The context it returns ends with ctx, or when the connection is lost or the servers forbid something; that is its
// cause then. An error is Permanent where a file is to blame. The caller closes the connection. name is who we are, for the
// operators of the servers.
func (o *Options) Connect(ctx context.Context, name string) (*nats.Conn, context.Context, error) {
	opts, err := o.access()
	if err != nil {
		return nil, nil, common.Permanent(err)
	}
	session, end := context.WithCancelCause(ctx)
	opts = append(opts,
		nats.Name("patchbay-"+name), nats.NoReconnect(), nats.Timeout(timeout(ctx)), nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(2),
		nats.ClosedHandler(func(nc *nats.Conn) {
			if err := nc.LastError(); err != nil {
				end(fmt.Errorf("%s: the connection is lost: %w", o.URL, err))
				return
			}
			end(errClosed)
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				end(fmt.Errorf("%s: %w", o.URL, err))
			}
		}),
	)
	nc, err := nats.Connect(o.URL, opts...)
	if err != nil {
		end(nil)
		return nil, nil, fmt.Errorf("connect to %s: %w", o.URL, err)
	}
	return nc, session, nil
}

// timeout is how long an attempt may take: less than usual if ctx ends before.
func timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(min(attemptTimeout, time.Until(deadline)), time.Millisecond)
	}
	return attemptTimeout
}
