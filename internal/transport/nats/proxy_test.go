package nats

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A proxy stands between clients and a server and may keep back some of what clients publish.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	conns []net.Conn
	lose  func(subject string) bool // nil loses nothing
	lost  int
}

func startProxy(t *testing.T, s *testServer) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: strings.TrimPrefix(s.url(), "nats://")}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.server)
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, server)
			p.mu.Unlock()
			running.Go(func() { defer server.Close(); p.publish(server, client) })
			running.Go(func() { defer client.Close(); _, _ = io.Copy(client, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

// loseWhere loses from now on what is published to such subjects. Nil loses nothing.
func (p *proxy) loseWhere(lose func(string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = lose
}

func (p *proxy) losses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// publish passes on what a client sends, one protocol message after the other.
func (p *proxy) publish(server io.Writer, client io.Reader) {
	in := bufio.NewReaderSize(client, 64<<10)
	for {
		frame, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		words := strings.Fields(string(frame))
		if len(words) > 2 && (words[0] == "PUB" || words[0] == "HPUB") {
			size, err := strconv.Atoi(words[len(words)-1])
			if err != nil {
				return
			}
			var payload bytes.Buffer
			if _, err := io.CopyN(&payload, in, int64(size)+2); err != nil {
				return
			}
			frame = append(frame, payload.Bytes()...)
			if p.loses(words[1]) {
				continue
			}
		}
		if _, err := server.Write(frame); err != nil {
			return
		}
	}
}

func (p *proxy) loses(subject string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == nil || !p.lose(subject) {
		return false
	}
	p.lost++
	return true
}

func isAck(subject string) bool { return strings.HasPrefix(subject, "$JS.ACK.") }
