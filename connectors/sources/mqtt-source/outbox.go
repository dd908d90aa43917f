package main

import (
	"net"
	"sync"
	"time"
)

// An outbox sends packets that others put into it, which never waits for the server, and asks the server now and then
// whether it is there. It is safe for concurrent use.
type outbox struct {
	mu      sync.Mutex
	waiting []byte
	more    chan struct{} // holds one token while something waits
	end     chan struct{}
	ended   chan struct{}
}

// newOutbox starts an outbox. Where a packet cannot be sent within the timeout, it closes the connection, which whoever
// reads from it notices. The caller must close the outbox.
func newOutbox(conn net.Conn, keepAlive, timeout time.Duration) *outbox {
	o := &outbox{more: make(chan struct{}, 1), end: make(chan struct{}), ended: make(chan struct{})}
	go o.run(conn, keepAlive, timeout)
	return o
}

// put adds packets.
func (o *outbox) put(packets []byte) {
	o.mu.Lock()
	o.waiting = append(o.waiting, packets...)
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// close sends what waits, and returns when nothing more is sent.
func (o *outbox) close() {
	close(o.end)
	<-o.ended
}

func (o *outbox) run(conn net.Conn, keepAlive, timeout time.Duration) {
	defer close(o.ended)
	var ping <-chan time.Time
	if keepAlive > 0 {
		ticker := time.NewTicker(keepAlive / 2) // well before the server, or the reader, gives up
		defer ticker.Stop()
		ping = ticker.C
	}
	for last := false; !last; {
		select {
		case <-o.more:
		case <-ping:
			o.put([]byte{typePingreq << 4, 0})
		case <-o.end:
			last = true
		}
		o.mu.Lock()
		packets := o.waiting
		o.waiting = nil
		o.mu.Unlock()
		if len(packets) == 0 {
			continue
		}
		_ = conn.SetWriteDeadline(time.Now().Add(timeout))
		if _, err := conn.Write(packets); err != nil {
			_ = conn.Close()
			<-o.end // nothing more can be sent
			return
		}
	}
}
