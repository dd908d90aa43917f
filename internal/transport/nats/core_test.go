package nats

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/patchbay-dev/patchbay/common/record"
)

// coreURL returns the address of a server without JetStream.
func coreURL(t *testing.T) string {
	t.Helper()
	s := startServer(t, func(o *server.Options) { o.JetStream = false })
	return strings.Replace(s.url(), "nats://", "nats+core://", 1)
}

func TestPlainSubjectCarriesRecords(t *testing.T) {
	c := connect(t, coreURL(t))
	r := openReader(t, c, ReaderOptions{})
	sub := r.(*coreReader).sub
	await(t, "the subscription is known to the server", func() bool { return c.nc.Flush() == nil && sub.IsValid() })
	write(t, openWriter(t, c), record.Record{ID: "1", Key: "k", Value: []byte("\x00a")}, record.Record{Value: []byte("b")})
	ms := read(t, r, 2)
	wantValues(t, ms, "\x00a", "b")
	if ms[0].Record.ID != "1" || ms[0].Record.Key != "k" || ms[0].Attempt != 0 || ms[1].Record.Time.IsZero() {
		t.Errorf("records %+v, %+v", ms[0].Record, ms[1].Record)
	}
	ack(t, ms...)
	if err := r.Flush(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestPlainSubjectSharesRecordsWithinAGroup(t *testing.T) {
	c := connect(t, coreURL(t))
	a, b := openReader(t, c, ReaderOptions{}), openReader(t, c, ReaderOptions{})
	all := openReader(t, c, ReaderOptions{Group: "other"})
	const n = 100
	recs := make([]record.Record, n)
	write(t, openWriter(t, c), recs...)
	if got := len(read(t, all, n)); got != n {
		t.Errorf("the other group received %d records", got)
	}
	waiting := func() int {
		na, _, errA := a.(*coreReader).sub.Pending()
		nb, _, errB := b.(*coreReader).sub.Pending()
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		return na + nb
	}
	await(t, "the group has received everything once", func() bool { return waiting() == n })
}

func TestPlainSubjectHasNoEnd(t *testing.T) {
	c := connect(t, coreURL(t))
	if _, err := c.Reader(testContext(t), ReaderOptions{Group: "g", Once: true}); err == nil || !strings.Contains(err.Error(), "no end") {
		t.Errorf("error %v", err)
	}
}
