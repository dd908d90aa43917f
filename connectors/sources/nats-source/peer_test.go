package main

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

// A peer is a server with a stream ORDERS of the subjects orders.> and a bucket settings.
type peer struct {
	*natstest.Server
	t      *testing.T
	js     jetstream.JetStream
	stream jetstream.Stream
	bucket jetstream.KeyValue
	sent   atomic.Int64
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{Server: natstest.Start(t), t: t}
	p.js = p.JetStream()
	p.makeStream()
	var err error
	p.bucket, err = p.js.CreateKeyValue(natstest.Context(t), jetstream.KeyValueConfig{Bucket: "settings", History: 5})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *peer) makeStream() {
	p.t.Helper()
	var err error
	p.stream, err = p.js.CreateStream(natstest.Context(p.t), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	if err != nil {
		p.t.Fatal(err)
	}
}

// publish stores values in the stream.
func (p *peer) publish(subject string, values ...string) {
	p.t.Helper()
	for _, value := range values {
		if _, err := p.js.Publish(natstest.Context(p.t), subject, []byte(value)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// more stores n values that differ from all before.
func (p *peer) more(n int) {
	for range n {
		p.publish("orders.new", strconv.FormatInt(p.sent.Add(1), 10))
	}
}

func (p *peer) put(key, value string) {
	p.t.Helper()
	if _, err := p.bucket.PutString(natstest.Context(p.t), key, value); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) args(args ...string) []string { return append([]string{"--nats-url", p.URL()}, args...) }

func (p *peer) start(c commontest.Config, args ...string) *commontest.SourceRun {
	p.t.Helper()
	return commontest.StartSource[NATSSource](p.t, c, p.args(args...)...)
}

// once makes one bounded pass from saved positions and returns the records and the positions then.
func (p *peer) once(positions map[string]string, args ...string) ([]common.Record, map[string]string) {
	p.t.Helper()
	run := p.start(commontest.Config{Once: true, Positions: positions}, args...)
	if err := run.Wait(); err != nil {
		p.t.Fatal(err)
	}
	return run.Records(), run.Positions()
}

func values(recs []common.Record) string {
	var all []string
	for _, rec := range recs {
		all = append(all, string(rec.Value))
	}
	return strings.Join(all, " ")
}

func wantValues(t *testing.T, recs []common.Record, want string) {
	t.Helper()
	if got := values(recs); got != want {
		t.Errorf("the records are %q, want %q", got, want)
	}
}

func stop(t *testing.T, run *commontest.SourceRun) {
	t.Helper()
	if err := run.Stop(); err != nil {
		t.Error(err)
	}
}
