package kps

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	pushInterval = 15 * time.Second // between two pushes, Prometheus's usual interval of scraping
	pushTimeout  = 5 * time.Second  // for one push
)

// counters count what goes wrong with the transport.
type counters struct{ connect, publish atomic.Int64 }

// text writes them in the text format of Prometheus, by the names that the platform knows.
func (c *counters) text() []byte {
	var b bytes.Buffer
	for _, m := range []struct {
		name, help string
		value      int64
	}{
		{"transport_connect_errors", "Failed attempts to connect to the transport, and lost connections.", c.connect.Load()},
		{"transport_publish_errors", "Records that could not be published at an attempt.", c.publish.Load()},
	} {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s counter\n%s %d\n", m.name, m.help, m.name, m.name, m.value)
	}
	return b.Bytes()
}

// A pusher sends the counters to a Prometheus pushgateway.
type pusher struct {
	url      string // with the group of this connector
	counters *counters
	log      *slog.Logger
	failing  bool
}

// newPusher checks the gateway's address: an http or https URL, or HOST:PORT.
func newPusher(gateway, connectorID string, c *counters, log *slog.Logger) (*pusher, error) {
	if !strings.Contains(gateway, "://") {
		gateway = "http://" + gateway
	}
	u, err := url.Parse(gateway)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("PUSH_GW is no address of a pushgateway; write it as http://HOST:PORT")
	}
	// A slash in a label's value cannot be escaped; base64 is the gateway's way round that.
	id := base64.RawURLEncoding.EncodeToString([]byte(connectorID))
	return &pusher{url: u.JoinPath("metrics/job/patchbay_kps/instance@base64", id).String(), counters: c, log: log}, nil
}

// run pushes now and then until ctx ends, and once more. A failure is told once and does no harm.
func (p *pusher) run(ctx context.Context) {
	tick := time.NewTicker(pushInterval)
	defer tick.Stop()
	for {
		p.push()
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.push()
			return
		}
	}
}

func (p *pusher) push() {
	err := p.put()
	if err != nil && !p.failing {
		p.log.Warn("the counters cannot be pushed; that is tried again", "error", err)
	}
	p.failing = err != nil
}

func (p *pusher) put() error {
	ctx, cancel := context.WithTimeout(context.Background(), pushTimeout) // of its own: the last push comes when all else ends
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.url, bytes.NewReader(p.counters.text()))
	if err != nil {
		return err
	}
	req.Close = true // the next push is far away
	req.Header.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err // url.Error hides a password
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the pushgateway answers %s", resp.Status)
	}
	return nil
}
