package nats

import (
	"context"
	"net"
	"time"
)

// A dialer makes connections that end with life. The client library holds its lock while it dials and shakes hands, for as long
// as a silent peer makes it wait; without that, nobody could close the connection meanwhile.
type dialer struct {
	life    context.Context
	timeout time.Duration // of one attempt
}

// Dial implements the interface of the client library.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.life, d.timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &boundConn{conn, context.AfterFunc(d.life, func() { conn.Close() })}, nil
}

// A boundConn is closed when its dialer's life ends.
type boundConn struct {
	net.Conn
	release func() bool
}

// Close implements net.Conn.
func (c *boundConn) Close() error {
	c.release()
	return c.Conn.Close()
}
