package main

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
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
}

func newPeer(t *testing.T, adjust ...func(*server.Options)) *peer {
	t.Helper()
	p := &peer{Server: natstest.Start(t, adjust...), t: t}
	p.js = p.JetStream()
	ctx := natstest.Context(t)
	var err error
	p.stream, err = p.js.CreateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, MaxMsgSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if p.bucket, err = p.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "settings", History: 64}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *peer) args(args ...string) []string { return append([]string{"--nats-url", p.URL()}, args...) }

// send runs the sink on some records to the end, and returns which were acknowledged, and its error.
func (p *peer) send(c commontest.Config, recs []common.Record, args ...string) (string, error) {
	p.t.Helper()
	run := commontest.StartSink[NATSSink](p.t, c, recs, p.args(args...)...)
	err := run.Wait()
	var acked []string
	for _, rec := range run.Acknowledged() {
		acked = append(acked, string(rec.Value))
	}
	return strings.Join(acked, " "), err
}

// stored returns what a stream holds.
func (p *peer) stored(stream string) (all []*jetstream.RawStreamMsg) {
	p.t.Helper()
	ctx := natstest.Context(p.t)
	s, err := p.js.Stream(ctx, stream)
	if err != nil {
		p.t.Fatal(err)
	}
	for n := max(s.CachedInfo().State.FirstSeq, 1); n <= s.CachedInfo().State.LastSeq; n++ {
		msg, err := s.GetMsg(ctx, n)
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, msg)
	}
	return all
}

func values(msgs []*jetstream.RawStreamMsg) string {
	var all []string
	for _, msg := range msgs {
		all = append(all, string(msg.Data))
	}
	return strings.Join(all, " ")
}

// records makes records with ids and keys of their own.
func records(values ...string) (recs []common.Record) {
	for _, value := range values {
		recs = append(recs, common.Record{ID: "id-" + value, Key: "key-" + value, Value: []byte(value)})
	}
	return recs
}

// block keeps a stream from taking anything until the function that it returns is called.
func (p *peer) block(name string) func() {
	p.t.Helper()
	ctx := natstest.Context(p.t)
	stream, err := p.js.Stream(ctx, name)
	if err != nil {
		p.t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	limit := func(n int64) {
		config.MaxMsgs, config.Discard = n, jetstream.DiscardNew
		if _, err := p.js.UpdateStream(ctx, config); err != nil {
			p.t.Fatal(err)
		}
	}
	if _, err := p.js.Publish(ctx, strings.ReplaceAll(config.Subjects[0], ">", "first"), nil); err != nil {
		p.t.Fatal(err)
	}
	limit(1)
	return func() { limit(-1) }
}
