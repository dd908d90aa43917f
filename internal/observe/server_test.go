package observe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/trace"
	"strings"
	"testing"
	"time"
)

// serve starts a server on a free port that ends with the test, and returns its address.
func serve(t *testing.T, c ServerConfig) string {
	t.Helper()
	c.Addr = "127.0.0.1:0"
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Serve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return "http://" + s.Addr()
}

// get asks over a connection of its own, so that none is left.
func get(t *testing.T, url string) (status int, header http.Header, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestServerServesMetrics(t *testing.T) {
	m := newTestMetrics("source")
	url := serve(t, ServerConfig{Metrics: []*Metrics{m}})
	m.Delivered(3, 30)
	status, header, body := get(t, url+"/metrics")
	if status != 200 || header.Get("Content-Type") != contentType {
		t.Errorf("status %d, type %q", status, header.Get("Content-Type"))
	}
	if got := value(t, parse(t, body), "patchbay_delivered_records_total"); got != 3 {
		t.Errorf("delivered %v", got)
	}
}

func TestReadinessNamesEachFailingPart(t *testing.T) {
	m := newTestMetrics("source")
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m.health = newHealth(func() time.Time { return now })
	url := serve(t, ServerConfig{Metrics: []*Metrics{m}})
	tests := []struct {
		name   string
		change func()
		status int
		body   string
	}{
		{
			"nothing works at first", func() {}, 503,
			"session is down since 2026-11-22T12:00:00Z (0s): starting\n" +
				"broker is down since 2026-11-22T12:00:00Z (0s): starting\n" +
				"system is down since 2026-11-22T12:00:00Z (0s): starting\n",
		},
		{"all parts work", func() { m.Up(Session); m.Up(Broker); m.Up(System); m.Up(System) }, 200, "ready\n"},
		{
			"the broker has gone", func() { now = now.Add(time.Minute); m.Down(Broker, errors.New("connection\nrefused")) }, 503,
			"broker is down since 2026-11-22T12:01:00Z (0s): connection refused\n",
		},
		{
			"it is still away, for another reason",
			func() { now = now.Add(90 * time.Second); m.Down(Broker, errors.New("timeout")) }, 503,
			"broker is down since 2026-11-22T12:01:00Z (1m30s): timeout\n",
		},
		{"it is back", func() { m.Up(Broker) }, 200, "ready\n"},
		{
			"the session failed", func() { m.Down(Session, errors.New("401")) }, 503,
			"session is down since 2026-11-22T12:02:30Z (0s): 401\n",
		},
	}
	for _, tt := range tests {
		tt.change()
		if status, _, body := get(t, url+"/readyz"); status != tt.status || body != tt.body {
			t.Errorf("%s: status %d\n%s", tt.name, status, body)
		}
		if status, _, body := get(t, url+"/healthz"); status != 200 || body != "alive\n" {
			t.Errorf("%s: /healthz says %d %q", tt.name, status, body)
		}
		families := gather(t, m)
		if ready := value(t, families, "patchbay_ready"); ready != truth(tt.status == 200) {
			t.Errorf("%s: patchbay_ready %v", tt.name, ready)
		}
		if up := value(t, families, "patchbay_up", "broker"); up != truth(!strings.Contains(tt.body, "broker")) {
			t.Errorf("%s: patchbay_up of the broker %v", tt.name, up)
		}
	}
}

func TestReadinessNamesTheInstanceOfSeveral(t *testing.T) {
	ready, other := newTestMetrics("source"), NewMetrics(Info{Name: "invoices"})
	for p := range parts {
		ready.Up(p)
		other.Up(p)
	}
	other.Down(System, errors.New("refused"))
	_, _, body := get(t, serve(t, ServerConfig{Metrics: []*Metrics{ready, other}})+"/readyz")
	if !strings.HasPrefix(body, "invoices: system is down since ") || strings.Count(body, "\n") != 1 {
		t.Errorf("/readyz says %q", body)
	}
}

func TestProfilesAreServedOnlyWhenAskedFor(t *testing.T) {
	without, with := serve(t, ServerConfig{}), serve(t, ServerConfig{Profiles: true})
	for _, path := range []string{"/", "/heap", "/trace?seconds=0.01", "/profile?seconds=1"} {
		path = "/debug/pprof" + path
		if status, _, _ := get(t, without+path); status != 404 {
			t.Errorf("%s not asked for: status %d", path, status)
		}
		if status, _, body := get(t, with+path); status != 200 || body == "" {
			t.Errorf("%s asked for: status %d, %d bytes", path, status, len(body))
		}
	}
	if status, _, _ := get(t, with+"/debug/pprof/cmdline"); status != 404 {
		t.Errorf("the command line, which may hold secrets, is served: status %d", status)
	}
}

func TestServerTakesNoOrders(t *testing.T) {
	url := serve(t, ServerConfig{})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(url+"/metrics", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 405 {
		t.Errorf("POST: status %d", resp.StatusCode)
	}
}

func TestServerLogsTheAddressItGot(t *testing.T) {
	var log bytes.Buffer
	url := serve(t, ServerConfig{Log: NewLogger(&log, "info", "text")})
	if !strings.Contains(log.String(), "address="+url+"/metrics\n") || strings.Contains(url, ":0") {
		t.Errorf("the address is %s, the log says %s", url, log.String())
	}
}

func TestServerRefusesAnAddressItCannotHave(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{taken.Addr().String(), "127.0.0.1", "256.0.0.1:1"} {
		_, err := Serve(t.Context(), ServerConfig{Addr: addr, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "--metrics-addr") {
			t.Errorf("%s: error %v", addr, err)
		}
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Serve(ctx, ServerConfig{Addr: "127.0.0.1:0", Profiles: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan []byte, 1) // to a request that takes longer than anybody waits
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /debug/pprof/trace?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	go func() {
		b, _ := io.ReadAll(conn)
		answer <- b
	}()
	for start := time.Now(); !trace.IsEnabled(); runtime.Gosched() {
		if time.Since(start) > 20*time.Second {
			t.Fatal("the request is not answered")
		}
	}
	cancel()
	select {
	case <-s.served:
	case <-time.After(20 * time.Second):
		t.Fatal("the server goes on")
	}
	s.Close()
	if b := <-answer; !bytes.HasSuffix(b, []byte("\r\n0\r\n\r\n")) {
		t.Error("the request was cut off, not ended")
	}
	if conn, err := net.Dial("tcp", s.Addr()); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

func TestServerMayBeMissing(*testing.T) {
	var s *Server
	s.Close()
}
