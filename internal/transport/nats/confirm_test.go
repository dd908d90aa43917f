package nats

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// manyRead returns a reader behind a proxy with n messages of its topic, none of which is acknowledged.
func manyRead(t *testing.T, n int) (*proxy, *Conn, transport.Reader, []transport.Message) {
	t.Helper()
	p := startProxy(t, startServer(t))
	c := connect(t, p.url())
	var vs []string
	for i := range n {
		vs = append(vs, strconv.Itoa(i))
	}
	write(t, openWriter(t, c), values(vs...)...)
	r := openReader(t, c, ReaderOptions{})
	return p, c, r, read(t, r, n)
}

// pending returns how many messages of the group the server waits for.
func pending(t *testing.T, c *Conn) int {
	t.Helper()
	consumer, err := c.js.Consumer(testContext(t), "demo", "g")
	if err != nil {
		t.Fatal(err)
	}
	return consumer.CachedInfo().NumAckPending
}

func TestFlushSendsAgainWhatWasLost(t *testing.T) {
	const n = 100
	p, c, r, ms := manyRead(t, n)
	lost := 0
	p.loseWhere(func(subject string) bool { // every second one, the first time
		lost++
		return isAck(subject) && lost < n && lost%2 == 0
	})
	ack(t, ms...)
	if err := r.Flush(testContext(t)); err != nil {
		t.Error(err)
	}
	if p.losses() < n/3 {
		t.Fatalf("only %d acknowledgements were lost: the test shows nothing", p.losses())
	}
	if left := pending(t, c); left != 0 {
		t.Errorf("%d records would come again", left)
	}
}

func TestFlushAsksNothingOfRecordsBelowTheFloor(t *testing.T) {
	p, c, r, ms := manyRead(t, 100)
	ack(t, ms...)
	await(t, "all are settled", func() bool { return pending(t, c) == 0 })
	p.loseWhere(isAck) // so that it would wait for each that is acknowledged again
	if err := r.Flush(testContext(t)); err != nil || p.losses() > 0 {
		t.Errorf("error %v after %d acknowledgements more", err, p.losses())
	}
}

func TestFlushFailsWhileAcknowledgementsAreLost(t *testing.T) {
	const n = 10
	p, c, r, ms := manyRead(t, n)
	p.loseWhere(isAck)
	ack(t, ms...)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q", err)
	}
	if p.losses() < 2*n { // acknowledged once, and once more for a confirmation
		t.Fatalf("only %d acknowledgements were lost: the test shows nothing", p.losses())
	}
	p.loseWhere(nil)
	if err := r.Flush(testContext(t)); err != nil {
		t.Error(err)
	}
	if left := pending(t, c); left != 0 {
		t.Errorf("%d records would come again", left)
	}
}

func TestFlushDoesNotWaitForAGroupThatIsGone(t *testing.T) {
	_, c, r, ms := manyRead(t, 10)
	ack(t, ms...)
	deleteConsumer(t, c)
	start := time.Now()
	if err := r.Flush(testContext(t)); err != nil || time.Since(start) > confirmWait {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestRecentKeepsTheNewest(t *testing.T) {
	var r ring[string]
	for i := range 10 {
		r.add(strconv.Itoa(i), 4)
	}
	got := r.take()
	slices.Sort(got)
	if !slices.Equal(got, []string{"6", "7", "8", "9"}) || len(r.take()) != 0 {
		t.Errorf("kept %v", got)
	}
}

func TestRingHasWhatItKeeps(t *testing.T) {
	var r ring[int]
	for _, v := range []int{1, 2, 2, 3} {
		r.add(v, 3)
	}
	check := func(want ...int) {
		t.Helper()
		for v := range 7 {
			if r.has(v) != slices.Contains(want, v) {
				t.Errorf("has(%d) is %v, want one of %v", v, r.has(v), want)
			}
		}
	}
	check(2, 3)
	r.add(4, 3) // one of the twos has gone
	check(2, 3, 4)
	r.add(5, 3)
	check(3, 4, 5)
	r.take()
	check()
}
