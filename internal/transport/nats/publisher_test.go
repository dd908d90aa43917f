package nats

import (
	"strings"
	"testing"
	"time"
)

// What was on its way on a connection that broke is never answered on the next one.
func TestTheLossOfTheConnectionSettlesWhatIsUnderWay(t *testing.T) {
	p := startProxy(t, startServer(t))
	w := openWriter(t, connect(t, p.url()))
	p.loseWhere(func(subject string) bool { return subject == "demo" })
	fate := make(chan error, 2)
	for _, rec := range values("a", "b") {
		if err := w.Write(testContext(t), rec, func(err error) { fate <- err }); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the records are lost", func() bool { return p.losses() == 2 })
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	for range 2 {
		select {
		case err := <-fate:
			if err == nil || !strings.Contains(err.Error(), "the connection to nats://127.0.0.1") {
				t.Errorf("settled with %v", err)
			}
		case <-time.After(ackTimeout / 3):
			t.Fatal("what is lost is still waited for")
		}
	}
}
