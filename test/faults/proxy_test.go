package faults_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A proxy stands between a process and what it connects to.
type proxy struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
	made  accepted
}

// accepted counts connections by what the proxy logs.
type accepted struct{ atomic.Int64 }

// Write implements io.Writer.
func (a *accepted) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("Accepted client")) {
		a.Add(1)
	}
	return len(line), nil
}

func startProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	p := &proxy{t: t}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.New(&p.made))
	p.proxy = toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", upstream)
	if err := p.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.proxy.Stop)
	return p
}

func (p *proxy) address() string { return p.proxy.Listen }

// connections is how many were made.
func (p *proxy) connections() int64 { return p.made.Load() }

// Directions of a stream: towards the server, and back.
const (
	forth = "upstream"
	back  = "downstream"
)

// add puts a toxic on every connection that there is and will be.
func (p *proxy) add(kind, direction string, attributes map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(map[string]any{"name": kind + direction, "type": kind, "stream": direction, "attributes": attributes})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
		p.t.Fatal(err)
	}
}

func (p *proxy) remove(kind, direction string) {
	p.t.Helper()
	if err := p.proxy.Toxics.RemoveToxic(p.t.Context(), kind+direction); err != nil {
		p.t.Fatal(err)
	}
}
