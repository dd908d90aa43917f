package nats

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

func lagOf(t *testing.T, r transport.Reader) int64 {
	t.Helper()
	lag, known := r.(transport.Lagging).Lag()
	if !known {
		t.Error("the lag is not known")
	}
	return lag
}

func TestLagIsWhatTheGroupHasNotRead(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	write(t, w, values("1", "2", "3")...)
	r := openReader(t, c, ReaderOptions{})
	if lag := lagOf(t, r); lag != 3 {
		t.Errorf("lag %d before the first read", lag)
	}
	ack(t, read(t, r, 2)...)
	await(t, "one record left", func() bool { return lagOf(t, r) == 1 })
	ack(t, read(t, r, 1)...)
	await(t, "none left", func() bool { return lagOf(t, r) == 0 })
}

func TestLagGrowsWhileTheGroupMayTakeNoMore(t *testing.T) {
	c := connect(t, startServer(t).url())
	w := openWriter(t, c)
	r := openReader(t, c, ReaderOptions{MaxInFlight: 1})
	write(t, w, values("1")...)
	read(t, r, 1) // and never acknowledged
	write(t, w, values("2", "3")...)
	await(t, "two records left, which no message tells of", func() bool { return lagOf(t, r) == 2 })
}

func TestStatusFollowsTheConnection(t *testing.T) {
	s := startServer(t)
	var first, last atomic.Pointer[error]
	connect(t, s.url(), func(c *Config) {
		c.Status = func(err error) {
			first.CompareAndSwap(nil, &err)
			last.Store(&err)
		}
	})
	if last.Load() != nil {
		t.Errorf("told %v before anything happened", *last.Load())
	}
	s.stop()
	await(t, "news of the loss", func() bool {
		return last.Load() != nil && *last.Load() != nil && strings.Contains((*last.Load()).Error(), s.url())
	})
	if err := *first.Load(); !strings.Contains(err.Error(), "is lost") {
		t.Errorf("the first news is %v", err)
	}
	s.start()
	await(t, "news of the connection", func() bool { return *last.Load() == nil })
}

func TestStatusIsGoodAgainOnceAReaderHasOpenedAnew(t *testing.T) {
	s := startServer(t)
	var told atomic.Int32
	c := connect(t, s.url(), func(c *Config) {
		c.Status = func(err error) {
			if err == nil {
				told.Add(1)
			}
		}
	})
	r := openReader(t, c, ReaderOptions{})
	awaitWaiting(t, r)
	if err := c.js.DeleteConsumer(testContext(t), stored(t, c).Config.Name, "g"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(testContext(t), 1, 0); err == nil {
		t.Fatal("the deletion goes unnoticed")
	}
	write(t, openWriter(t, c), values("1")...)
	read(t, r, 1)
	if told.Load() == 0 {
		t.Error("nobody was told that the topic can be read again")
	}
}
